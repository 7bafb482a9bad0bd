package object

import (
	"encoding/binary"
	"errors"
)

// ErrDamagedEntry says that an entry or a snapshot is damaged: nothing in it can be
// relied on.
var ErrDamagedEntry = errors.New("damaged entry of a bucket")

// ErrUnknownVersion says that an entry or a snapshot was written by another version of
// this package, in a form that this one does not know.
var ErrUnknownVersion = errors.New("entry of a bucket from another version")

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// A reader decodes values from the front of its text. After a failure it returns zero
// values.
type reader struct {
	remaining string
	err       error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err, r.remaining = err, ""
	}
}

func (r *reader) byte() byte {
	if r.remaining == "" {
		r.fail(ErrDamagedEntry)
		return 0
	}
	c := r.remaining[0]
	r.remaining = r.remaining[1:]
	return c
}

func (r *reader) uvarint() (v uint64) {
	for shift := 0; shift < 64; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.fail(ErrDamagedEntry)
	return 0
}

func (r *reader) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (r *reader) next(n uint64) string {
	if n > uint64(len(r.remaining)) {
		r.fail(ErrDamagedEntry)
		return ""
	}
	s := r.remaining[:n]
	r.remaining = r.remaining[n:]
	return s
}

func (r *reader) text() string { return r.next(r.uvarint()) }

// uint64 reads the eight bytes of putUint64.
func (r *reader) uint64() (v uint64) {
	for _, c := range []byte(r.next(8)) {
		v = v<<8 | uint64(c)
	}
	return v
}
