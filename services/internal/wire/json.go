package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

func serialization(text string) *Error {
	return &Error{Code: "SerializationException", Status: 400, Message: text}
}

// malformed is the answer to what is no JSON; AWS says nothing about where.
var malformed = serialization("")

// A jsonReader reads a JSON text. It is strict (RFC 8259), and of a string that
// is no UTF-8 it says so instead of repairing it: what is stored must be what
// was sent.
type jsonReader struct {
	in    []byte
	pos   int
	depth int
	fresh bool // a structure or list has just begun
}

// peek passes over space and returns the next byte, 0 at the end.
func (r *jsonReader) peek() byte {
	for r.pos < len(r.in) {
		switch c := r.in[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

func (r *jsonReader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.pos++
	return true
}

// word takes one of JSON's words.
func (r *jsonReader) word(w string) bool {
	r.peek()
	if len(r.in)-r.pos < len(w) || string(r.in[r.pos:r.pos+len(w)]) != w {
		return false
	}
	r.pos += len(w)
	return true
}

func (r *jsonReader) null() bool { return r.peek() == 'n' && r.word("null") }

func (r *jsonReader) end() *Error {
	if r.peek(); r.pos < len(r.in) {
		return malformed
	}
	return nil
}

func (r *jsonReader) enter(k Kind) *Error {
	open := byte('{')
	if k == List {
		open = '['
	}
	if !r.take(open) {
		return r.mismatch("")
	}
	if r.depth++; r.depth > maxDepth {
		return tooDeep
	}
	r.fresh = true
	return nil
}

func (r *jsonReader) more(k Kind) (bool, *Error) {
	shut := byte('}')
	if k == List {
		shut = ']'
	}
	fresh := r.fresh
	r.fresh = false
	switch {
	case r.take(shut):
		r.depth--
		return false, nil
	case fresh || r.take(','):
		return true, nil
	}
	return false, malformed
}

func (r *jsonReader) key() ([]byte, *Error) {
	if r.peek() != '"' {
		return nil, malformed
	}
	name, err := r.chars(nil)
	if err == nil && !r.take(':') {
		err = malformed
	}
	return name, err
}

func (r *jsonReader) text() (string, *Error) {
	if r.peek() != '"' {
		return "", r.mismatch("a String")
	}
	b, err := r.chars(nil)
	return string(b), err
}

// chars reads a string. What it returns is a part of the input or, when there
// are escapes in it, appended to b.
func (r *jsonReader) chars(b []byte) ([]byte, *Error) {
	r.pos++
	start, ascii := r.pos, true
	for i := start + plainBytes(r.in[start:]); i < len(r.in); i++ {
		switch c := r.in[i]; {
		case c == '"':
			r.pos = i + 1
			if s := r.in[start:i]; ascii || utf8.Valid(s) {
				return s, nil
			}
			return nil, serialization("Invalid UTF-8")
		case c == '\\':
			r.pos = i
			return r.escaped(append(b, r.in[start:i]...))
		case c < ' ':
			return nil, malformed
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, malformed
}

// plainBytes counts the bytes, eight at a time, before the first eight of which
// one means something in a string or is no ASCII: most texts are plain
// throughout, and this is where the time of a message goes.
func plainBytes(b []byte) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		// The high bit of a byte is set by a byte over 0x7f, and by borrowing:
		// by one below a space, and by what is zero once quotes and backslashes are.
		if (x|(x-ones*' ')|((x^ones*'"')-ones)|((x^ones*'\\')-ones))&high != 0 {
			break
		}
	}
	return n
}

// escaped goes on with a string at its first escape.
func (r *jsonReader) escaped(b []byte) ([]byte, *Error) {
	for r.pos < len(r.in) {
		c := r.in[r.pos]
		r.pos++
		switch {
		case c == '"':
			if !utf8.Valid(b) {
				return nil, serialization("Invalid UTF-8")
			}
			return b, nil
		case c < ' ':
			return nil, malformed
		case c != '\\':
			b = append(b, c)
			continue
		}
		if r.pos == len(r.in) {
			break
		}
		c = r.in[r.pos]
		r.pos++
		switch c {
		case '"', '\\', '/':
			b = append(b, c)
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			u, ok := r.unicode()
			if !ok {
				return nil, malformed
			}
			b = utf8.AppendRune(b, u)
		default:
			return nil, malformed
		}
	}
	return nil, malformed
}

// unicode reads the digits of an escape, and the second half of a surrogate
// pair. A half that stands alone becomes U+FFFD.
func (r *jsonReader) unicode() (rune, bool) {
	u, ok := r.hex()
	if !ok || !utf16.IsSurrogate(u) {
		return u, ok
	}
	if r.pos+1 < len(r.in) && r.in[r.pos] == '\\' && r.in[r.pos+1] == 'u' {
		back := r.pos
		r.pos += 2
		if low, ok := r.hex(); ok {
			if pair := utf16.DecodeRune(u, low); pair != utf8.RuneError {
				return pair, true
			}
		}
		r.pos = back
	}
	return utf8.RuneError, true
}

func (r *jsonReader) hex() (u rune, ok bool) {
	if len(r.in)-r.pos < 4 {
		return 0, false
	}
	for _, c := range r.in[r.pos : r.pos+4] {
		switch {
		case '0' <= c && c <= '9':
			u = u<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			u = u<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			u = u<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	r.pos += 4
	return u, true
}

// number reads a number's text; want is what to say that anything else is not.
func (r *jsonReader) number(want string) ([]byte, *Error) {
	if c := r.peek(); c != '-' && (c < '0' || c > '9') {
		return nil, r.mismatch(want)
	}
	start := r.pos
	if r.in[r.pos] == '-' {
		r.pos++
	}
	if r.pos < len(r.in) && r.in[r.pos] == '0' {
		r.pos++
	} else if !r.digits() {
		return nil, malformed
	}
	if r.pos < len(r.in) && r.in[r.pos] == '.' {
		if r.pos++; !r.digits() {
			return nil, malformed
		}
	}
	if r.pos < len(r.in) && r.in[r.pos]|0x20 == 'e' {
		if r.pos++; r.pos < len(r.in) && (r.in[r.pos] == '+' || r.in[r.pos] == '-') {
			r.pos++
		}
		if !r.digits() {
			return nil, malformed
		}
	}
	return r.in[start:r.pos], nil
}

func (r *jsonReader) digits() bool {
	start := r.pos
	for r.pos < len(r.in) && '0' <= r.in[r.pos] && r.in[r.pos] <= '9' {
		r.pos++
	}
	return r.pos > start
}

func (r *jsonReader) integer(bits int) (int64, *Error) {
	want := "an Integer"
	if bits == 64 {
		want = "a Long"
	}
	s, err := r.number(want)
	if err != nil {
		return 0, err
	}
	n, e := strconv.ParseInt(string(s), 10, bits)
	if e == nil {
		return n, nil
	}
	if f, e := strconv.ParseFloat(string(s), 64); e == nil && whole(f, bits) { // 1.0 and 1e3 are integers
		return int64(f), nil
	}
	return 0, serialization("NUMBER_VALUE can not be converted to " + want)
}

func (r *jsonReader) double() (float64, *Error) {
	if r.peek() == '"' {
		s, err := r.text()
		if err != nil {
			return 0, err
		}
		switch s {
		case "NaN":
			return math.NaN(), nil
		case "Infinity":
			return math.Inf(1), nil
		case "-Infinity":
			return math.Inf(-1), nil
		}
		return 0, serialization("STRING_VALUE can not be converted to a Double")
	}
	s, err := r.number("a Double")
	if err != nil {
		return 0, err
	}
	f, e := strconv.ParseFloat(string(s), 64)
	if e != nil {
		return 0, serialization("NUMBER_VALUE can not be converted to a Double")
	}
	return f, nil
}

func (r *jsonReader) boolean() (bool, *Error) {
	switch {
	case r.word("true"):
		return true, nil
	case r.word("false"):
		return false, nil
	}
	return false, r.mismatch("a Boolean")
}

func (r *jsonReader) blob() ([]byte, *Error) {
	if r.peek() != '"' {
		return nil, r.mismatch("a Blob")
	}
	s, err := r.chars(nil)
	if err != nil {
		return nil, err
	}
	return fromBase64(s)
}

func fromBase64(s []byte) ([]byte, *Error) {
	b := make([]byte, base64.StdEncoding.DecodedLen(len(s)))
	n, err := base64.StdEncoding.Decode(b, s)
	if err != nil || bytes.ContainsAny(s, "\r\n") {
		return nil, serialization("Unable to decode the base64 of a blob")
	}
	return b[:n], nil
}

func (r *jsonReader) time() (time.Time, *Error) {
	var s string
	if r.peek() == '"' {
		text, err := r.text()
		if err != nil {
			return time.Time{}, err
		}
		s = text
	} else {
		number, err := r.number("a Timestamp")
		if err != nil {
			return time.Time{}, err
		}
		s = string(number)
	}
	t, ok := parseTime(s)
	if !ok {
		return t, serialization(s + " can not be converted to a Timestamp")
	}
	return t, nil
}

func (r *jsonReader) skip() (err *Error) {
	switch r.peek() {
	case '{':
		return r.skipAll(Structure)
	case '[':
		return r.skipAll(List)
	case '"':
		_, err = r.chars(nil)
	case 't', 'f':
		_, err = r.boolean()
	case 'n':
		if !r.null() {
			return malformed
		}
	default:
		_, err = r.number("")
	}
	return err
}

func (r *jsonReader) skipAll(k Kind) *Error {
	if err := r.enter(k); err != nil {
		return err
	}
	for {
		ok, err := r.more(k)
		if !ok {
			return err
		}
		if k == Structure {
			if _, err := r.key(); err != nil {
				return err
			}
		}
		if err := r.skip(); err != nil {
			return err
		}
	}
}

// mismatch says in AWS's words what stands where something else was wanted; want
// is "" where a structure or a list was.
func (r *jsonReader) mismatch(want string) *Error {
	var got string
	switch c := r.peek(); {
	case c == '{' || c == '[':
		return serialization("Start of structure or map found where not expected.")
	case c == '"':
		got = "STRING_VALUE"
	case c == 't' && r.word("true"):
		got = "TRUE_VALUE"
	case c == 'f' && r.word("false"):
		got = "FALSE_VALUE"
	case c == '-' || '0' <= c && c <= '9':
		got = "NUMBER_VALUE"
	default:
		return malformed
	}
	if want == "" {
		return serialization("Unexpected field type")
	}
	return serialization(got + " can not be converted to " + want)
}
