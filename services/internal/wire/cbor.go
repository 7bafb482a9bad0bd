package wire

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"
)

// The major types of CBOR (RFC 8949, section 3.1), as the top bits of an item's
// first byte.
const (
	cborUint   = 0 << 5
	cborNegint = 1 << 5
	cborBytes  = 2 << 5
	cborText   = 3 << 5
	cborArray  = 4 << 5
	cborMap    = 5 << 5
	cborTag    = 6 << 5
	cborSimple = 7 << 5

	cborIndefinite = 31
	cborBreak      = 0xff
)

var badCBOR = serialization("The body is no CBOR, or not of the expected form.")

// A cborReader reads a CBOR document (RFC 8949), with lengths given or not.
type cborReader struct {
	in   []byte
	pos  int
	left []uint64 // entries of the structures and lists that are open; open-ended when they end with a break
}

const openEnded = math.MaxUint64

// head reads an item's first bytes. info is 31 when no length is given.
func (r *cborReader) head() (major, info byte, n uint64, ok bool) {
	if r.pos >= len(r.in) {
		return 0, 0, 0, false
	}
	major, info = r.in[r.pos]&0xe0, r.in[r.pos]&0x1f
	r.pos++
	if info < 24 {
		return major, info, uint64(info), true
	}
	if info == cborIndefinite {
		return major, info, 0, major >= cborBytes && major != cborTag
	}
	size := 1 << (info - 24)
	if info > 27 || len(r.in)-r.pos < size {
		return 0, 0, 0, false
	}
	for _, c := range r.in[r.pos : r.pos+size] {
		n = n<<8 | uint64(c)
	}
	r.pos += size
	return major, info, n, true
}

// next is head without the tags before it.
func (r *cborReader) next() (major, info byte, n uint64, ok bool) {
	for {
		if major, info, n, ok = r.head(); major != cborTag || !ok {
			return major, info, n, ok
		}
	}
}

func (r *cborReader) null() bool {
	if r.pos < len(r.in) && (r.in[r.pos] == 0xf6 || r.in[r.pos] == 0xf7) { // null, undefined
		r.pos++
		return true
	}
	return false
}

func (r *cborReader) end() *Error {
	if r.pos < len(r.in) {
		return badCBOR
	}
	return nil
}

func (r *cborReader) enter(k Kind) *Error {
	want := byte(cborMap)
	if k == List {
		want = cborArray
	}
	major, info, n, ok := r.next()
	if !ok || major != want {
		return badCBOR
	}
	if info == cborIndefinite {
		n = openEnded
	}
	return r.open(n)
}

func (r *cborReader) open(n uint64) *Error {
	if len(r.left) == maxDepth {
		return tooDeep
	}
	r.left = append(r.left, n)
	return nil
}

func (r *cborReader) more(Kind) (bool, *Error) {
	left := &r.left[len(r.left)-1]
	switch {
	case *left == openEnded && r.pos < len(r.in) && r.in[r.pos] == cborBreak:
		r.pos++
	case *left == openEnded:
		return true, nil
	case *left > 0:
		*left--
		return true, nil
	}
	r.left = r.left[:len(r.left)-1]
	return false, nil
}

// content reads the bytes of a text or a blob, which may come in pieces.
func (r *cborReader) content(want byte) ([]byte, *Error) {
	major, info, n, ok := r.next()
	if !ok || major != want {
		return nil, badCBOR
	}
	if info != cborIndefinite {
		return r.bytes(n)
	}
	whole := []byte{}
	for r.pos < len(r.in) && r.in[r.pos] != cborBreak {
		major, info, n, ok := r.head()
		if !ok || major != want || info == cborIndefinite {
			return nil, badCBOR
		}
		piece, err := r.bytes(n)
		if err != nil {
			return nil, err
		}
		whole = append(whole, piece...)
	}
	_, err := r.bytes(1) // the break
	return whole, err
}

func (r *cborReader) bytes(n uint64) ([]byte, *Error) {
	if n > uint64(len(r.in)-r.pos) {
		return nil, badCBOR
	}
	b := r.in[r.pos : r.pos+int(n)]
	r.pos += int(n)
	return b, nil
}

func (r *cborReader) key() ([]byte, *Error) {
	b, err := r.content(cborText)
	if err == nil && !utf8.Valid(b) {
		return nil, badCBOR
	}
	return b, err
}

func (r *cborReader) text() (string, *Error) {
	b, err := r.key()
	return string(b), err
}

func (r *cborReader) blob() ([]byte, *Error) {
	b, err := r.content(cborBytes)
	return append([]byte{}, b...), err
}

func (r *cborReader) boolean() (bool, *Error) {
	if major, info, _, ok := r.next(); ok && major == cborSimple && (info == 20 || info == 21) {
		return info == 21, nil
	}
	return false, badCBOR
}

func (r *cborReader) integer(bits int) (int64, *Error) {
	f, n, err := r.number()
	limit := uint64(1) << (bits - 1)
	switch {
	case err != nil:
		return 0, err
	case f != 0 && whole(f, bits):
		return int64(f), nil
	case f != 0:
		return 0, badCBOR
	case n.negative && n.value < limit:
		return -1 - int64(n.value), nil
	case !n.negative && n.value < limit:
		return int64(n.value), nil
	}
	return 0, badCBOR
}

func (r *cborReader) double() (float64, *Error) {
	f, n, err := r.number()
	switch {
	case f != 0 || err != nil:
		return f, err
	case n.negative:
		return -1 - float64(n.value), nil
	}
	return float64(n.value), nil
}

// A cborInt is value, or -1-value when it is negative.
type cborInt struct {
	negative bool
	value    uint64
}

// number reads a number of any size: a float that is not zero, or an integer.
func (r *cborReader) number() (float64, cborInt, *Error) {
	major, info, n, ok := r.next()
	switch {
	case !ok:
	case major == cborUint || major == cborNegint:
		return 0, cborInt{major == cborNegint, n}, nil
	case major == cborSimple && info == 25:
		return float16(uint16(n)), cborInt{}, nil
	case major == cborSimple && info == 26:
		return float64(math.Float32frombits(uint32(n))), cborInt{}, nil
	case major == cborSimple && info == 27:
		return math.Float64frombits(n), cborInt{}, nil
	}
	return 0, cborInt{}, badCBOR
}

// float16 is a half-precision number (RFC 8949, appendix D).
func float16(bits uint16) float64 {
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	f := math.Ldexp(fraction+1024, exponent-25)
	switch exponent {
	case 0:
		f = math.Ldexp(fraction, -24)
	case 31:
		if f = math.Inf(1); fraction != 0 {
			f = math.NaN()
		}
	}
	if bits>>15 == 1 {
		return -f
	}
	return f
}

func (r *cborReader) time() (time.Time, *Error) {
	seconds, err := r.double()
	if err != nil {
		return time.Time{}, err
	}
	t, ok := epochTime(seconds)
	if !ok {
		return t, badCBOR
	}
	return t, nil
}

func (r *cborReader) skip() *Error {
	start := r.pos
	major, info, n, ok := r.next()
	switch {
	case !ok || major == cborSimple && info == cborIndefinite: // a break that nothing waits for
		return badCBOR
	case major == cborBytes || major == cborText:
		r.pos = start
		for r.in[r.pos]&0xe0 == cborTag {
			r.head()
		}
		_, err := r.content(major)
		return err
	case major != cborArray && major != cborMap:
		return nil
	case info == cborIndefinite:
		n = openEnded
	}
	if err := r.open(n); err != nil {
		return err
	}
	for {
		ok, err := r.more(List)
		if !ok {
			return err
		}
		if major == cborMap {
			if _, err := r.key(); err != nil {
				return err
			}
		}
		if err := r.skip(); err != nil {
			return err
		}
	}
}

// A cborWriter appends a CBOR document to out.
type cborWriter struct{ out []byte }

func (w *cborWriter) head(major byte, n uint64) {
	switch {
	case n < 24:
		w.out = append(w.out, major|byte(n))
	case n <= math.MaxUint8:
		w.out = append(w.out, major|24, byte(n))
	case n <= math.MaxUint16:
		w.out = binary.BigEndian.AppendUint16(append(w.out, major|25), uint16(n))
	case n <= math.MaxUint32:
		w.out = binary.BigEndian.AppendUint32(append(w.out, major|26), uint32(n))
	default:
		w.out = binary.BigEndian.AppendUint64(append(w.out, major|27), n)
	}
}

func (w *cborWriter) begin(k Kind) {
	major := byte(cborMap)
	if k == List {
		major = cborArray
	}
	w.out = append(w.out, major|cborIndefinite)
}

func (w *cborWriter) end(Kind)      { w.out = append(w.out, cborBreak) }
func (w *cborWriter) key(s string)  { w.text(s) }
func (w *cborWriter) null()         { w.out = append(w.out, 0xf6) }
func (w *cborWriter) absent(string) {}

func (w *cborWriter) text(s string) {
	w.head(cborText, uint64(len(s)))
	w.out = append(w.out, s...)
}

func (w *cborWriter) blob(b []byte) {
	w.head(cborBytes, uint64(len(b)))
	w.out = append(w.out, b...)
}

func (w *cborWriter) boolean(b bool) {
	bit := byte(20)
	if b {
		bit = 21
	}
	w.out = append(w.out, cborSimple|bit)
}

func (w *cborWriter) integer(n int64) {
	if n < 0 {
		w.head(cborNegint, uint64(-1-n))
	} else {
		w.head(cborUint, uint64(n))
	}
}

func (w *cborWriter) double(f float64) {
	w.out = binary.BigEndian.AppendUint64(append(w.out, cborSimple|27), math.Float64bits(f))
}

// time is a double under tag 1, whatever the model's format for it is.
func (w *cborWriter) time(t time.Time, _ string) {
	w.head(cborTag, 1)
	w.double(float64(t.UnixMilli()) / 1e3)
}
