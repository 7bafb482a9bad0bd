package content_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"millrace/runtime/object/content"
)

// Whatever changes one bit or cuts something off is damage.
func FuzzDamage(f *testing.F) {
	f.Add(uint(0), uint(3), uint(0), uint(0))
	f.Add(uint(frame), uint(0), uint(1), uint(0))
	f.Add(uint(2*frame+1), uint(8*frame), uint(0), uint(17))
	f.Fuzz(func(t *testing.T, size, bit, flip, cut uint) {
		s := sealed(t, text(int(size%(3*frame))), frame)
		d := slices.Clone(s)
		if flip%2 == 1 {
			d[int(bit/8)%len(d)] ^= 1 << (bit % 8)
		}
		d = d[:len(d)-int(cut%uint(len(d)))]
		got, err := content.OpenBytes(customer.Unwrap, d)
		if bytes.Equal(s, d) {
			if err != nil || len(got) != int(size%(3*frame)) {
				t.Errorf("undamaged: %d bytes, %v", len(got), err)
			}
			return
		}
		if !errors.Is(err, content.ErrDamaged) {
			t.Errorf("got %v", err)
		}
	})
}

// Whatever is in a file, reading it ends with its content or an error.
func FuzzOpen(f *testing.F) {
	f.Add([]byte{})
	f.Add(content.SealBytes(customer.DataKey(), nil))
	f.Add(content.SealBytes(customer.DataKey(), text(100)))
	f.Fuzz(func(t *testing.T, s []byte) {
		whole, err := content.OpenBytes(customer.Unwrap, s)
		r, failed := content.Open(bytes.NewReader(s), int64(len(s)), customer.Unwrap)
		var read []byte
		if failed == nil {
			read, failed = io.ReadAll(r.Range(0, r.Size()))
		}
		if (err == nil) != (failed == nil) || err == nil && !bytes.Equal(whole, read) {
			t.Errorf("at once: %d bytes, %v; from a reader: %d bytes, %v", len(whole), err, len(read), failed)
		}
	})
}
