package blob

import (
	"encoding/binary"
	"errors"
)

// endHeader is in the message that ends a blob, and in no other; its value is the
// version of what is in there.
const (
	endHeader  = "Millrace-Blob-End"
	endVersion = "1"
)

// An end says what a blob consists of. It is stored as numbers (uvarint): size, chunk,
// the number of index messages, and the sequences of those, or without any of the chunks;
// of each how much it is above the one before.
type end struct {
	size  int64
	chunk int64    // size of each chunk but the last
	index []uint64 // sequences of the index messages; none when chunks has all
	seqs  []uint64 // of the chunks
}

func (e *end) chunks() int64 { return (e.size + e.chunk - 1) / e.chunk }

// encode returns the end, whose sequences are in the index messages if it has some.
func (e *end) encode() []byte {
	b := binary.AppendUvarint(nil, uint64(e.size))
	b = binary.AppendUvarint(b, uint64(e.chunk))
	b = binary.AppendUvarint(b, uint64(len(e.index)))
	if len(e.index) > 0 {
		return append(b, encodeSeqs(e.index)...)
	}
	return append(b, encodeSeqs(e.seqs)...)
}

var errEnd = errors.New("malformed end of a blob")

// decodeEnd reads an end. Its sequences are still to be read from the index messages
// if it has some.
func decodeEnd(b []byte) (*end, error) {
	var n [3]uint64
	for i := range n {
		v, used := binary.Uvarint(b)
		if used <= 0 {
			return nil, errEnd
		}
		n[i], b = v, b[used:]
	}
	e := &end{size: int64(n[0]), chunk: int64(n[1])}
	seqs, err := decodeSeqs(b)
	switch {
	case err != nil:
		return nil, err
	case e.size < 0 || e.chunk < 1 || e.chunk > 1<<30 || n[2] > 0 && n[2] != uint64(len(seqs)):
		return nil, errEnd
	case n[2] > 0:
		e.index = seqs
		return e, nil
	}
	return e, e.set(seqs)
}

// set takes the sequences of all chunks.
func (e *end) set(seqs []uint64) error {
	if int64(len(seqs)) != e.chunks() {
		return errEnd
	}
	e.seqs = seqs
	return nil
}

func encodeSeqs(seqs []uint64) (b []byte) {
	var last uint64
	for _, seq := range seqs {
		b = binary.AppendUvarint(b, seq-last) // wraps around, and back
		last = seq
	}
	return b
}

func decodeSeqs(b []byte) (seqs []uint64, err error) {
	var last uint64
	for len(b) > 0 {
		v, used := binary.Uvarint(b)
		if used <= 0 {
			return nil, errEnd
		}
		last += v
		seqs, b = append(seqs, last), b[used:]
	}
	return seqs, nil
}
