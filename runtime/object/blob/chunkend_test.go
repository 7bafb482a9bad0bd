package blob

import (
	"reflect"
	"slices"
	"testing"
)

func TestEnds(t *testing.T) {
	for _, e := range []*end{
		{size: 0, chunk: 100},
		{size: 1, chunk: 100, seqs: []uint64{7}},
		{size: 201, chunk: 100, seqs: []uint64{7, 9, 1 << 60}},
		{size: 201, chunk: 100, index: []uint64{1000, 1001}},
		{size: 201, chunk: 100, seqs: []uint64{3, 2, 1}}, // acknowledged in this order, whatever for
	} {
		if got, err := decodeEnd(e.encode()); err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%+v became %+v, %v", e, got, err)
		}
	}
}

// Whatever is in a message, it is an end that makes sense, or an error.
func FuzzEnd(f *testing.F) {
	f.Add((&end{size: 201, chunk: 100, seqs: []uint64{7, 9, 12}}).encode())
	f.Add((&end{size: 201, chunk: 100, index: []uint64{1000}}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeEnd(b)
		if err != nil {
			return
		}
		if e.size < 0 || e.chunk < 1 || len(e.index) == 0 && int64(len(e.seqs)) != e.chunks() {
			t.Errorf("%+v", e)
		}
		again, err := decodeEnd(e.encode())
		if err != nil || !slices.Equal(again.seqs, e.seqs) || !slices.Equal(again.index, e.index) || again.size != e.size {
			t.Errorf("%+v became %+v, %v", e, again, err)
		}
	})
}
