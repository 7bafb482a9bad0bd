package envelope

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"millrace/runtime/queue"
)

// A style is the white space of a document.
type style struct {
	open, colon, comma, close string
}

var (
	pretty  = style{"{\n  ", " : ", ",\n  ", "\n}"} // of documents for queues and endpoints
	nested  = style{"{\n    ", " : ", ",\n    ", "\n  }"}
	compact = style{"{", ":", ",", "}"} // of events for functions
)

// A writer writes a JSON object, in pieces: between two of them goes what the document
// does not know yet.
type writer struct {
	style  style
	buf    []byte
	pieces []string
	begun  bool // the object has a member
}

// name begins a member.
func (w *writer) name(name string) {
	if w.begun {
		w.buf = append(w.buf, w.style.comma...)
	} else {
		w.buf = append(w.buf, w.style.open...)
	}
	w.begun = true
	w.buf = append(w.buf, '"')
	w.buf = appendEscaped(w.buf, name)
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, w.style.colon...)
}

// member writes a member whose value is a text.
func (w *writer) member(name, value string) {
	w.name(name)
	w.buf = append(w.buf, '"')
	w.buf = appendEscaped(w.buf, value)
	w.buf = append(w.buf, '"')
}

// literal writes a member whose value is JSON.
func (w *writer) literal(name, value string) {
	w.name(name)
	w.buf = append(w.buf, value...)
}

// ending writes a member whose value is a text that the next piece completes.
func (w *writer) ending(name, value string) {
	w.name(name)
	w.buf = append(w.buf, '"')
	w.buf = appendEscaped(w.buf, value)
	w.cut()
	w.buf = append(w.buf, '"')
}

func (w *writer) cut() {
	w.pieces = append(w.pieces, string(w.buf))
	w.buf = w.buf[:0]
}

func (w *writer) end() { w.buf = append(w.buf, w.style.close...) }

// attributes writes message attributes as a member.
func (w *writer) attributes(attributes []queue.Attribute) {
	w.name("MessageAttributes")
	in := writer{style: nested, buf: w.buf}
	if w.style == compact {
		in.style = compact
	}
	if len(attributes) == 0 {
		in.buf = append(in.buf, '{', '}')
	}
	for _, a := range attributes {
		in.name(a.Name)
		value := string(a.Value)
		if strings.HasPrefix(a.DataType, "Binary") {
			value = base64.StdEncoding.EncodeToString(a.Value)
		}
		one := writer{style: compact, buf: in.buf}
		one.member("Type", a.DataType)
		one.member("Value", value)
		one.end()
		in.buf = one.buf
	}
	if len(attributes) > 0 {
		in.end()
	}
	w.buf = in.buf
}

const hex = "0123456789ABCDEF"

// appendEscaped appends a text as it stands between the quotes of a JSON string, with the
// escapes of SNS and no more: "<", "&", "/" and characters beyond ASCII stand for
// themselves. What is not UTF-8 becomes U+FFFD.
func appendEscaped(b []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\t':
			b = append(b, '\\', 't')
		case '\n':
			b = append(b, '\\', 'n')
		case '\f':
			b = append(b, '\\', 'f')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	return append(b, s[from:]...)
}
