package checksum

import (
	"crypto/md5"
	"errors"
	"hash"
	"slices"
	"sync"
)

const (
	// inlineSize is how long a body may be to be hashed without a goroutine.
	inlineSize = 64 << 10
	// blockSize is how much of a long body is handed to the goroutine at once. Two
	// blocks are in flight: one is hashed while the other is filled.
	blockSize = 128 << 10
)

// A Hasher computes the ETag of a body and its checksums while it passes. MD5 is far
// slower than what else clients ask for, and nothing of it runs in parallel. So of a
// body longer than 64 KiB a goroutine computes the MD5 beside everything else, at most
// 256 KiB behind. The other checksums are computed in Write.
//
// A Hasher is for one goroutine at a time. Close must be called in every case.
type Hasher struct {
	algorithms []Algorithm
	hashes     []hash.Hash // of algorithms, in their order; nil for MD5
	md5        hash.Hash   // the goroutine's, while it runs
	inline     int         // bytes that were hashed without a goroutine
	block      *block      // being filled; nil without a goroutine
	full, free chan *block // to the goroutine and back; nil without one
	ended      bool
}

type block struct {
	bytes [blockSize]byte
	n     int
}

var blocks = sync.Pool{New: func() any { return new(block) }}

// errEnded is what a Write after Sum or Close returns.
var errEnded = errors.New("checksum: write to a hasher that has ended")

// NewHasher returns a Hasher of the ETag and of these algorithms, each of which must be
// Valid.
func NewHasher(algorithms ...Algorithm) *Hasher {
	h := &Hasher{algorithms: slices.Clone(algorithms), md5: md5.New()}
	h.hashes = make([]hash.Hash, len(algorithms))
	for i, a := range algorithms {
		if a != MD5 {
			h.hashes[i] = New(a)
		}
	}
	return h
}

// Write takes the next bytes of the body. It keeps nothing of p, and fails only after
// Sum or Close.
func (h *Hasher) Write(p []byte) (n int, err error) {
	if h.ended {
		return 0, errEnded
	}
	n = len(p)
	if h.full == nil && h.inline+n <= inlineSize {
		h.inline += n
		h.md5.Write(p)
		h.others(p)
		return n, nil
	}
	if h.full == nil {
		h.begin()
	}
	for len(p) > 0 {
		if h.block.n == blockSize {
			h.full <- h.block
			h.block = <-h.free
		}
		m := copy(h.block.bytes[h.block.n:], p)
		h.block.n += m
		h.others(p[:m]) // while the piece is in the processor's cache
		p = p[m:]
	}
	return n, nil
}

func (h *Hasher) others(p []byte) {
	for _, other := range h.hashes {
		if other != nil {
			other.Write(p)
		}
	}
}

// begin starts the goroutine, which end ends.
func (h *Hasher) begin() {
	h.full, h.free = make(chan *block, 1), make(chan *block, 2)
	h.block = takeBlock()
	h.free <- takeBlock()
	go func() {
		for b := range h.full {
			h.md5.Write(b.bytes[:b.n])
			b.n = 0
			h.free <- b
		}
		close(h.free)
	}()
}

func takeBlock() *block {
	b := blocks.Get().(*block)
	b.n = 0
	return b
}

// end has the goroutine finish, if there is one, and waits for it.
func (h *Hasher) end() {
	if h.ended {
		return
	}
	h.ended = true
	if h.full == nil {
		return
	}
	h.full <- h.block
	close(h.full)
	for b := range h.free {
		blocks.Put(b)
	}
	h.block = nil
}

// Sum returns the ETag of what was written, and a FullObject value of each algorithm
// that NewHasher was given, in their order. It ends the Hasher; further calls return
// the same.
func (h *Hasher) Sum() (ETag, []Value) {
	h.end()
	var e ETag
	h.md5.Sum(e.MD5[:0])
	values := make([]Value, len(h.algorithms))
	for i, a := range h.algorithms {
		if a == MD5 {
			values[i] = Of(a, e.MD5[:])
		} else {
			values[i] = Of(a, h.hashes[i].Sum(nil))
		}
	}
	return e, values
}

// Close ends the Hasher. It may be called any number of times, and after Sum.
func (h *Hasher) Close() error {
	h.end()
	return nil
}
