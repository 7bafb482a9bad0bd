package wire

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep a request may nest.
const maxDepth = 100

func serialization(text string) *Error {
	return &Error{Code: "SerializationException", Status: 400, Message: text}
}

// A jsonReader reads one JSON text, and builds nothing that nobody asked for.
type jsonReader struct {
	in    []byte
	pos   int
	depth int
}

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

func (r *jsonReader) bad() *Error { return serialization("") }

// end says whether nothing but space is left.
func (r *jsonReader) end() bool { return r.peek() == 0 && r.pos == len(r.in) }

// null takes a null if one is next.
func (r *jsonReader) null() bool {
	if r.peek() == 'n' && strings.HasPrefix(string(r.in[r.pos:min(len(r.in), r.pos+4)]), "null") {
		r.pos += 4
		return true
	}
	return false
}

// object calls member for each name of an object, which must read its value.
func (r *jsonReader) object(member func(name string) *Error) *Error {
	if !r.take('{') {
		return r.mismatch("a structure")
	}
	if r.depth++; r.depth > maxDepth {
		return serialization("The request nests too deep.")
	}
	defer func() { r.depth-- }()
	if r.take('}') {
		return nil
	}
	for {
		if r.peek() != '"' {
			return r.bad()
		}
		name, err := r.text()
		if err != nil {
			return err
		}
		if !r.take(':') {
			return r.bad()
		}
		if err := member(name); err != nil {
			return err
		}
		if r.take('}') {
			return nil
		}
		if !r.take(',') {
			return r.bad()
		}
	}
}

// list calls element before each value of a list.
func (r *jsonReader) list(element func() *Error) *Error {
	if !r.take('[') {
		return r.mismatch("a list")
	}
	if r.depth++; r.depth > maxDepth {
		return serialization("The request nests too deep.")
	}
	defer func() { r.depth-- }()
	if r.take(']') {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if r.take(']') {
			return nil
		}
		if !r.take(',') {
			return r.bad()
		}
	}
}

// text reads a string.
func (r *jsonReader) text() (string, *Error) {
	if !r.take('"') {
		return "", r.mismatch("a String")
	}
	start := r.pos
	for r.pos < len(r.in) {
		switch c := r.in[r.pos]; {
		case c == '"':
			s := r.in[start:r.pos]
			r.pos++
			if !utf8.Valid(s) {
				return "", serialization("Invalid UTF-8")
			}
			return string(s), nil
		case c == '\\':
			return r.escaped(start)
		case c < ' ':
			return "", r.bad()
		default:
			r.pos++
		}
	}
	return "", r.bad()
}

// escaped goes on with a string from its first escape.
func (r *jsonReader) escaped(start int) (string, *Error) {
	b := append(make([]byte, 0, len(r.in[start:r.pos])*2+16), r.in[start:r.pos]...)
	for r.pos < len(r.in) {
		c := r.in[r.pos]
		r.pos++
		switch {
		case c == '"':
			if !utf8.Valid(b) {
				return "", serialization("Invalid UTF-8")
			}
			return string(b), nil
		case c < ' ':
			return "", r.bad()
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
			u, ok := r.hex()
			if !ok {
				return "", r.bad()
			}
			if utf16.IsSurrogate(u) {
				low := rune(utf8.RuneError)
				if save := r.pos; r.pos+1 < len(r.in) && r.in[r.pos] == '\\' && r.in[r.pos+1] == 'u' {
					r.pos += 2
					if l, ok := r.hex(); ok {
						low = l
					}
					if utf16.DecodeRune(u, low) == utf8.RuneError {
						r.pos = save
					}
				}
				u = utf16.DecodeRune(u, low)
			}
			b = utf8.AppendRune(b, u)
		default:
			return "", r.bad()
		}
	}
	return "", r.bad()
}

func (r *jsonReader) hex() (rune, bool) {
	if r.pos+4 > len(r.in) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(r.in[r.pos:r.pos+4]), 16, 16)
	r.pos += 4
	return rune(n), err == nil
}

// number reads a number's text.
func (r *jsonReader) number() (string, *Error) {
	c := r.peek()
	if c != '-' && (c < '0' || c > '9') {
		return "", r.mismatch("a Number")
	}
	start := r.pos
	for r.pos < len(r.in) && strings.IndexByte("+-.eE0123456789", r.in[r.pos]) >= 0 {
		r.pos++
	}
	s := string(r.in[start:r.pos])
	if !validNumber(s) {
		return "", r.bad()
	}
	return s, nil
}

func validNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	digits := func() bool {
		n := 0
		for n < len(s) && '0' <= s[n] && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n > 0
	}
	if strings.HasPrefix(s, "0") && len(s) > 1 && '0' <= s[1] && s[1] <= '9' || !digits() {
		return false
	}
	if strings.HasPrefix(s, ".") {
		if s = s[1:]; !digits() {
			return false
		}
	}
	if strings.HasPrefix(s, "e") || strings.HasPrefix(s, "E") {
		s = strings.TrimLeft(s[1:2], "+-") + s[min(2, len(s)):]
		if !digits() {
			return false
		}
	}
	return s == ""
}

func (r *jsonReader) boolean() (bool, *Error) {
	r.peek()
	rest := r.in[r.pos:]
	switch {
	case strings.HasPrefix(string(rest[:min(4, len(rest))]), "true"):
		r.pos += 4
		return true, nil
	case strings.HasPrefix(string(rest[:min(5, len(rest))]), "false"):
		r.pos += 5
		return false, nil
	}
	return false, r.mismatch("a Boolean")
}

// skip reads over a value of any kind.
func (r *jsonReader) skip() *Error {
	switch r.peek() {
	case '{':
		return r.object(func(string) *Error { return r.skip() })
	case '[':
		return r.list(r.skip)
	case '"':
		_, err := r.text()
		return err
	case 't', 'f':
		_, err := r.boolean()
		return err
	case 'n':
		if r.null() {
			return nil
		}
		return r.bad()
	}
	_, err := r.number()
	return err
}

// mismatch says in AWS's words what stands where something else was wanted.
func (r *jsonReader) mismatch(want string) *Error {
	got := ""
	switch c := r.peek(); {
	case c == '{' || c == '[':
		return serialization("Start of structure or map found where not expected.")
	case c == '"':
		got = "STRING_VALUE"
	case c == 't':
		got = "TRUE_VALUE"
	case c == 'f':
		got = "FALSE_VALUE"
	case c == '-' || '0' <= c && c <= '9':
		got = "NUMBER_VALUE"
	default:
		return r.bad()
	}
	if want == "a structure" || want == "a list" {
		return serialization("Unexpected field type")
	}
	return serialization(got + " can not be converted to " + want)
}
