package content_test

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"

	"millrace/runtime/object/content"
	"millrace/runtime/store/keys"
)

const frame = content.FrameSize

var customer = &content.CustomerKey{1, 2, 3}

// text is so many bytes, no two frames of which are alike.
func text(size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// sealed is a content, sealed by pieces of so many bytes.
func sealed(t testing.TB, plain []byte, piece int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := content.Seal(&out, customer.DataKey())
	for p := range slices.Chunk(plain, piece) {
		if n, err := w.Write(p); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(t testing.TB, sealed []byte) *content.Reader {
	t.Helper()
	r, err := content.Open(bytes.NewReader(sealed), int64(len(sealed)), customer.Unwrap)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var sizes = []int{0, 1, 1000, frame - 1, frame, frame + 1, 2*frame - 1, 2 * frame, 2*frame + 1, 5*frame + 77}

func TestRoundTrip(t *testing.T) {
	for _, size := range sizes {
		for _, piece := range []int{frame / 3, frame, frame + 1, 3 * frame, 10 * frame} {
			plain := text(size)
			s := sealed(t, plain, piece)
			if want := content.Size(int64(size), len(customer.DataKey().Wrapped)); int64(len(s)) != want {
				t.Errorf("%d bytes are %d sealed, Size says %d", size, len(s), want)
			}
			r := open(t, s)
			if r.Size() != int64(size) {
				t.Errorf("%d bytes are said to be %d", size, r.Size())
			}
			if err := iotest.TestReader(io.LimitReader(r.Range(0, r.Size()), int64(size)), plain); err != nil {
				t.Errorf("%d bytes in pieces of %d: %v", size, piece, err)
			}
			var out bytes.Buffer
			if n, err := r.Range(0, r.Size()).WriteTo(&out); err != nil || n != int64(size) || !bytes.Equal(out.Bytes(), plain) {
				t.Errorf("%d bytes in pieces of %d: wrote %d others, %v", size, piece, n, err)
			}
			if got, err := content.OpenBytes(customer.Unwrap, s); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%d bytes in pieces of %d: OpenBytes got others, %v", size, piece, err)
			}
		}
	}
}

func TestSealBytesIsWhatAWriterMakes(t *testing.T) {
	for _, size := range sizes {
		plain := text(size)
		s := content.SealBytes(customer.DataKey(), plain)
		if got, err := content.OpenBytes(customer.Unwrap, s); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: OpenBytes got others, %v", size, err)
		}
		if got, err := io.ReadAll(open(t, s).Range(0, int64(size))); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: a Reader got others, %v", size, err)
		}
	}
}

func TestRanges(t *testing.T) {
	plain := text(3*frame + 500)
	r := open(t, sealed(t, plain, frame))
	edges := []int{0, 1, frame - 1, frame, frame + 1, 2 * frame, 3 * frame, 3*frame + 499, 3*frame + 500}
	for _, from := range edges {
		for _, to := range edges {
			if to < from {
				continue
			}
			for _, size := range []int{512, frame, frame + 16, 4 * frame} { // the last two are read into directly
				var got []byte
				g := r.Range(int64(from), int64(to-from))
				for p := make([]byte, size); ; {
					n, err := g.Read(p)
					if got = append(got, p[:n]...); err == io.EOF {
						break
					} else if err != nil {
						t.Fatalf("%d to %d by %d: %v", from, to, size, err)
					}
				}
				if !bytes.Equal(got, plain[from:to]) {
					t.Errorf("%d to %d by %d: got others", from, to, size)
				}
			}
		}
	}
	if got, err := io.ReadAll(r.Range(int64(len(plain))-3, 1<<40)); err != nil || !bytes.Equal(got, plain[len(plain)-3:]) {
		t.Errorf("beyond the end: %d bytes, %v", len(got), err)
	}
}

// A range reads the frames that it is in, and no other.
func TestRangeReadsItsFramesAlone(t *testing.T) {
	s := sealed(t, text(10*frame), frame)
	var read int
	r, err := content.Open(countedReader{bytes.NewReader(s), &read}, int64(len(s)), customer.Unwrap)
	if err != nil {
		t.Fatal(err)
	}
	read = 0
	if _, err := io.ReadAll(r.Range(5*frame+10, frame)); err != nil || read != 2*(frame+16) {
		t.Errorf("read %d bytes for a range in two frames, %v", read, err)
	}
}

type countedReader struct {
	io.ReaderAt
	n *int
}

func (c countedReader) ReadAt(p []byte, off int64) (int, error) {
	*c.n += len(p)
	return c.ReaderAt.ReadAt(p, off)
}

// damaged reports how a content is found to be damaged that is read in both ways.
func damaged(t *testing.T, what string, s []byte) *content.DamageError {
	t.Helper()
	_, short := content.OpenBytes(customer.Unwrap, s)
	r, err := content.Open(bytes.NewReader(s), int64(len(s)), customer.Unwrap)
	if err == nil {
		_, err = io.Copy(io.Discard, r.Range(0, r.Size()))
	}
	var d *content.DamageError
	if !errors.Is(err, content.ErrDamaged) || !errors.As(err, &d) {
		t.Errorf("%s: got %v", what, err)
		return &content.DamageError{}
	}
	if !errors.Is(short, content.ErrDamaged) || short.Error() != err.Error() {
		t.Errorf("%s: got %v at once, and %v from a reader", what, short, err)
	}
	return d
}

func TestDamageNamesTheFrame(t *testing.T) {
	plain := text(3*frame + 500)
	s := sealed(t, plain, frame)
	head := len(s) - len(plain) - 4*16
	for bit := range head * 8 {
		d := slices.Clone(s)
		d[bit/8] ^= 1 << (bit % 8)
		if got := damaged(t, fmt.Sprintf("bit %d", bit), d); got.Frame != -1 {
			t.Errorf("bit %d is in the header: got %v", bit, got)
		}
	}
	for n := range int64(4) {
		for _, at := range []int{0, 100, 499, 500 + 15} {
			d := slices.Clone(s)
			d[head+int(n)*(frame+16)+at] ^= 4
			if got := damaged(t, fmt.Sprintf("byte %d of frame %d", at, n), d); got.Frame != n {
				t.Errorf("frame %d: got %v", n, got)
			}
		}
	}
}

func TestTruncationAndReorderingAreDamage(t *testing.T) {
	plain := text(3 * frame)
	s := sealed(t, plain, frame)
	head := len(s) - 3*(frame+16)
	at := func(n int) int { return head + n*(frame+16) }
	for _, size := range []int{0, 1, head - 1, head, head + 1, head + 15, head + 16, at(1) - 1, at(1), at(1) + 15, at(1) + 16, at(1) + 17, at(2), at(3) - 1} {
		damaged(t, fmt.Sprintf("cut to %d", size), s[:size])
	}
	frame := func(n int) []byte { return s[at(n):at(n+1)] }
	for what, frames := range map[string][][]byte{
		"swapped":      {frame(1), frame(0), frame(2)},
		"left out":     {frame(0), frame(2)},
		"twice":        {frame(0), frame(0), frame(1), frame(2)},
		"one appended": {frame(0), frame(1), frame(2), frame(2)},
		"last first":   {frame(2), frame(1), frame(0)},
	} {
		damaged(t, what, slices.Concat(append([][]byte{s[:head]}, frames...)...))
	}
	other := sealed(t, plain, len(plain)) // under another key
	damaged(t, "a frame of another content", slices.Concat(s[:at(1)], other[at(1):]))
	damaged(t, "more behind it", append(slices.Clone(s), 0))
	empty := sealed(t, nil, 1)
	empty[len(empty)-1] ^= 1
	damaged(t, "an empty one", empty)
}

// What is damaged is not given out, what is before it is.
func TestReadsUpToTheDamage(t *testing.T) {
	plain := text(2 * frame)
	s := sealed(t, plain, frame)
	s[len(s)-1] ^= 1
	for _, size := range []int{100, 2 * frame} {
		g := open(t, s).Range(0, int64(len(plain)))
		var got []byte
		var err error
		for p := make([]byte, size); err == nil; {
			var n int
			n, err = g.Read(p)
			got = append(got, p[:n]...)
		}
		if !errors.Is(err, content.ErrDamaged) || !bytes.Equal(got, plain[:frame]) {
			t.Errorf("by %d: got %d bytes, then %v", size, len(got), err)
		}
		if _, again := g.Read(make([]byte, 1)); again != err {
			t.Errorf("then %v", again)
		}
	}
}

func TestErrorsOfOthersPassThrough(t *testing.T) {
	broken := errors.New("broken")
	s := sealed(t, text(100), 100)
	refuse := func([]byte) (cipher.AEAD, error) { return nil, broken }
	if _, err := content.Open(bytes.NewReader(s), int64(len(s)), refuse); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := content.OpenBytes(refuse, s); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := content.OpenBytes((&content.CustomerKey{9}).Unwrap, s); !errors.Is(err, keys.ErrCiphertext) {
		t.Errorf("with another customer's key: got %v", err)
	}
	w := content.Seal(brokenWriter{broken}, customer.DataKey())
	_, err := w.Write(text(3 * frame))
	_, again := w.Write([]byte{1})
	if closed := w.Close(); !errors.Is(err, broken) || !errors.Is(again, broken) || !errors.Is(closed, broken) {
		t.Errorf("got %v, then %v, and %v from Close", err, again, closed)
	}
	if _, err := w.Write(nil); err == nil {
		t.Error("a closed writer took something")
	}
}

type brokenWriter struct{ err error }

func (b brokenWriter) Write([]byte) (int, error) { return 0, b.err }

func TestClosedRange(t *testing.T) {
	g := open(t, sealed(t, text(100), 100)).Range(0, 100)
	if _, err := g.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	g.Close()
	if _, err := g.Read(make([]byte, 10)); err == nil || err == io.EOF {
		t.Errorf("got %v", err)
	}
}

// Equal contents under one key would show that they are equal, if nothing in their
// nonces were random.
func TestEqualContentsDiffer(t *testing.T) {
	key := customer.DataKey()
	a, b := content.SealBytes(key, text(100)), content.SealBytes(key, text(100))
	if bytes.Equal(a[len(a)-100:], b[len(b)-100:]) {
		t.Error("they are the same")
	}
}

func TestNoAllocationForAFrame(t *testing.T) {
	plain := text(64 * frame)
	s := sealed(t, plain, frame)
	key, r := customer.DataKey(), open(t, s)
	if n := testing.AllocsPerRun(5, func() {
		w := content.Seal(io.Discard, key)
		w.Write(plain)
		w.Close()
		r.Range(0, r.Size()).WriteTo(io.Discard)
	}); n > 20 {
		t.Errorf("%v allocations for 64 frames, sealed and opened", n)
	}
}
