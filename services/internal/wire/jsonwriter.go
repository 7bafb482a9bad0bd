package wire

import (
	"encoding/base64"
	"math"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// A jsonWriter appends a JSON text to out.
type jsonWriter struct {
	out   []byte
	comma bool // before the next entry
	query bool // as AWS's query front writes it: members that are not there are null, maps are lists of pairs
}

// jsonWriters are used again and again: answers are many and alike.
var jsonWriters = sync.Pool{New: func() any { return new(jsonWriter) }}

// free gives back a writer whose text has been sent. A huge one is left to the
// collector.
func (w *jsonWriter) free() {
	if cap(w.out) <= 64<<10 {
		*w = jsonWriter{out: w.out[:0]}
		jsonWriters.Put(w)
	}
}

func (w *jsonWriter) entry() {
	if w.comma {
		w.out = append(w.out, ',')
	}
	w.comma = true
}

func (w *jsonWriter) begin(k Kind) {
	w.entry()
	w.comma = false
	if k == List {
		w.out = append(w.out, '[')
	} else {
		w.out = append(w.out, '{')
	}
}

func (w *jsonWriter) end(k Kind) {
	w.comma = true
	if k == List {
		w.out = append(w.out, ']')
	} else {
		w.out = append(w.out, '}')
	}
}

func (w *jsonWriter) key(s string) {
	w.text(s)
	w.out = append(w.out, ':')
	w.comma = false
}

func (w *jsonWriter) text(s string) {
	w.entry()
	w.out = appendText(w.out, s)
}

func (w *jsonWriter) null() {
	w.entry()
	w.out = append(w.out, "null"...)
}

func (w *jsonWriter) absent(key string) {
	if w.query {
		w.key(key)
		w.null()
	}
}

func (w *jsonWriter) boolean(b bool) {
	w.entry()
	w.out = strconv.AppendBool(w.out, b)
}

func (w *jsonWriter) integer(n int64) {
	w.entry()
	w.out = strconv.AppendInt(w.out, n, 10)
}

func (w *jsonWriter) double(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.text(floatText(f))
		return
	}
	w.entry()
	w.out = strconv.AppendFloat(w.out, f, 'g', -1, 64)
}

func (w *jsonWriter) blob(b []byte) {
	w.entry()
	w.out = append(base64.StdEncoding.AppendEncode(append(w.out, '"'), b), '"')
}

func (w *jsonWriter) time(t time.Time, format string) {
	w.entry()
	if format == "" || format == epoch {
		w.out = appendTime(w.out, t, epoch)
	} else {
		w.out = append(appendTime(append(w.out, '"'), t, format), '"')
	}
}

const hexDigits = "0123456789abcdef"

// appendText writes a JSON string. Bytes that are no UTF-8 become U+FFFD.
func appendText(b []byte, s string) []byte {
	b = append(append(b, '"'), s...)
	plain := plainBytes(b[len(b)-len(s):])
	b = b[:len(b)-len(s)+plain] // what follows is looked at one by one
	start := plain
	for i := plain; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
