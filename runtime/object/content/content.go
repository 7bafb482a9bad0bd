// Package content is how the contents of objects are sealed: in frames of 64 KiB
// under a data key of their own, so that any range is read without the rest of it.
//
//	w := content.Seal(file, key)                    // an io.Writer of the plain content
//	r, err := content.Open(file, size, ring.Unwrap) // r.Range(off, n) is an io.Reader of it
//
// Short contents take one call: [SealBytes] and [OpenBytes].
//
// It promises that whatever is read is what was written, from where it was written:
// bits that are flipped, frames that are swapped and a content that is cut short are
// [ErrDamaged], which names the frame. It promises nothing about a whole content
// that was put in the place of another one.
//
// Sealed is, with numbers in big-endian order:
//
//	magic     "mrct"
//	version   1 byte, 1
//	frame     1 byte, the binary logarithm of a frame's size: 16
//	prefix    7 bytes, random
//	length    2 bytes, of the wrapped key
//	key       the data key, wrapped
//	checksum  4 bytes, CRC-32C of all that is before it
//	frames    each what AES-256-GCM makes of 64 KiB, the last one of less or as much
//
// The nonce of a frame is the prefix, the frame's number (4 bytes), and a byte that is
// 1 for the last frame and 0 for others: the STREAM construction of Hoang, Reyhanitabar,
// Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
// Misuse-Resistance" (2015), with the layout that Tink gives it. What is before the
// frames is additional data of each. An empty content is one empty frame.
package content

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"hash/crc32"

	"millrace/runtime/store/keys"
)

// FrameSize is how much of a content is in each frame but the last, in bytes.
const FrameSize = 1 << frameBits

const (
	frameBits  = 16
	overhead   = 16 // of AES-GCM, for each frame
	sealedSize = FrameSize + overhead

	magic      = "mrct"
	version    = 1
	prefixAt   = len(magic) + 2
	prefixSize = 7
	lengthAt   = prefixAt + prefixSize
	wrappedAt  = lengthAt + 2
	sumSize    = 4

	// maxWrapped is far more than a wrapped key has. It bounds what is read before
	// the checksum says that the length is right.
	maxWrapped = 1024

	// maxFrames is as many as the nonces have numbers for: 256 TiB.
	maxFrames = 1 << 32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Size is the size of a sealed content, in bytes: of so many plain ones, under a
// wrapped key of so many.
func Size(plain int64, wrapped int) int64 {
	frames := max((plain+FrameSize-1)/FrameSize, 1)
	return int64(wrappedAt+wrapped+sumSize) + plain + frames*overhead
}

// A header is what is before the frames.
type header []byte

func newHeader(wrapped []byte) header {
	if len(wrapped) > maxWrapped {
		panic("content: a wrapped key is longer than any is")
	}
	h := make(header, wrappedAt, wrappedAt+len(wrapped)+sumSize)
	copy(h, magic)
	h[len(magic)], h[len(magic)+1] = version, frameBits
	rand.Read(h[prefixAt:lengthAt]) // never fails, says its documentation
	binary.BigEndian.PutUint16(h[lengthAt:], uint16(len(wrapped)))
	h = append(h, wrapped...)
	return binary.BigEndian.AppendUint32(h, crc32.Checksum(h, castagnoli))
}

// readHeader returns the header that sealed begins with; ok is false when there is
// none, or a bit of it is another.
func readHeader(sealed []byte) (h header, ok bool) {
	if len(sealed) < wrappedAt {
		return nil, false
	}
	n := wrappedAt + int(binary.BigEndian.Uint16(sealed[lengthAt:])) + sumSize
	if n > wrappedAt+maxWrapped+sumSize || len(sealed) < n {
		return nil, false
	}
	h = header(sealed[:n:n])
	sum := binary.BigEndian.Uint32(h[n-sumSize:])
	if crc32.Checksum(h[:n-sumSize], castagnoli) != sum {
		return nil, false
	}
	return h, string(h[:len(magic)]) == magic && h[len(magic)] == version && h[len(magic)+1] == frameBits
}

func (h header) wrapped() []byte { return h[wrappedAt : len(h)-sumSize] }

// plainSize is how large a content is whose frames have so many bytes. ok is false
// when no content has.
func plainSize(frames int64) (plain, count int64, ok bool) {
	count = (frames + sealedSize - 1) / sealedSize
	if count < 1 || count > maxFrames {
		return 0, 0, false
	}
	last := frames - (count-1)*sealedSize
	if last < overhead || last == overhead && count > 1 {
		return 0, 0, false
	}
	return frames - count*overhead, count, true
}

// A frames seals and opens frames of one content.
type frames struct {
	header header
	aead   cipher.AEAD
	nonce  [12]byte // of the last frame that was sealed or opened
}

func newFrames(h header, aead cipher.AEAD) frames {
	f := frames{header: h, aead: aead}
	copy(f.nonce[:], h[prefixAt:lengthAt])
	return f
}

func (f *frames) number(n int64, last bool) {
	binary.BigEndian.PutUint32(f.nonce[prefixSize:], uint32(n))
	if f.nonce[len(f.nonce)-1] = 0; last {
		f.nonce[len(f.nonce)-1] = 1
	}
}

// seal appends a sealed frame to dst, which may be plain[:0].
func (f *frames) seal(dst, plain []byte, n int64, last bool) []byte {
	f.number(n, last)
	return f.aead.Seal(dst, f.nonce[:], plain, f.header)
}

// open appends a frame's content to dst, which may be sealed[:0]. ErrDamaged.
func (f *frames) open(dst, sealed []byte, n int64, last bool) ([]byte, error) {
	f.number(n, last)
	plain, err := f.aead.Open(dst, f.nonce[:], sealed, f.header)
	if err != nil {
		return nil, &DamageError{Frame: n}
	}
	return plain, nil
}

// SealBytes seals a content that is in memory.
func SealBytes(key keys.DataKey, plain []byte) []byte {
	sealed := make([]byte, 0, Size(int64(len(plain)), len(key.Wrapped)))
	h := newHeader(key.Wrapped)
	sealed = append(sealed, h...)
	f := newFrames(h, key.AEAD)
	for n := int64(0); ; n++ {
		if len(plain) <= FrameSize {
			return f.seal(sealed, plain, n, true)
		}
		sealed = f.seal(sealed, plain[:FrameSize], n, false)
		plain = plain[FrameSize:]
	}
}

// An Unwrap opens a wrapped data key, as [keys.Ring.Unwrap] does.
type Unwrap func(wrapped []byte) (cipher.AEAD, error)

// OpenBytes returns a content that was sealed by SealBytes, or by a Writer.
// ErrDamaged, and what unwrap returns.
func OpenBytes(unwrap Unwrap, sealed []byte) ([]byte, error) {
	h, ok := readHeader(sealed)
	if !ok {
		return nil, &DamageError{Frame: inHeader}
	}
	sealed = sealed[len(h):]
	size, count, ok := plainSize(int64(len(sealed)))
	if !ok {
		return nil, &DamageError{Frame: int64(len(sealed)) / sealedSize}
	}
	aead, err := unwrap(h.wrapped())
	if err != nil {
		return nil, err
	}
	plain := make([]byte, 0, size)
	f := newFrames(h, aead)
	for n := range count {
		frame := sealed[:min(len(sealed), sealedSize)]
		if plain, err = f.open(plain, frame, n, n == count-1); err != nil {
			return nil, err
		}
		sealed = sealed[len(frame):]
	}
	return plain, nil
}
