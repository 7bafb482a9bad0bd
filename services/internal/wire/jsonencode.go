package wire

import (
	"encoding/base64"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// appendJSON writes a value of a shape. What is nil is left out by the structure
// that holds it; an empty list or map that is not nil is written.
func appendJSON(b []byte, sh *Shape, format string, v reflect.Value) []byte {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return append(b, "null"...)
		}
		v = v.Elem()
	}
	switch sh.Kind {
	case Structure:
		return appendObject(b, sh, v, func(*Member) bool { return true })
	case List:
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, sh.Element.Shape, sh.Element.Format, v.Index(i))
		}
		return append(b, ']')
	case Map:
		b = append(b, '{')
		for i, key := range sortedKeys(v) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, key), ':')
			b = appendJSON(b, sh.Value.Shape, sh.Value.Format, v.MapIndex(reflect.ValueOf(key)))
		}
		return append(b, '}')
	case String:
		return appendText(b, v.String())
	case Boolean:
		return strconv.AppendBool(b, v.Bool())
	case Integer, Long:
		return strconv.AppendInt(b, v.Int(), 10)
	case Float, Double:
		f := v.Float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return append(append(append(b, '"'), floatText(f)...), '"')
		}
		return strconv.AppendFloat(b, f, 'g', -1, 64)
	case Blob:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, v.Bytes())
		return append(b, '"')
	case Timestamp:
		t := v.Interface().(time.Time)
		if text := formatTime(t, pickFormat(format, sh.Format, "unixTimestamp")); text[0] >= '0' && text[0] <= '9' && !strings.ContainsAny(text, ":") || text[0] == '-' {
			return append(b, text...)
		} else {
			return appendText(b, text)
		}
	}
	return append(b, "null"...)
}

// appendObject writes the members of a structure that are there and wanted.
func appendObject(b []byte, sh *Shape, v reflect.Value, want func(*Member) bool) []byte {
	b = append(b, '{')
	first := true
	for i, m := range sh.Members {
		f := v.Field(i)
		if f.IsNil() || !want(m) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendText(b, m.wire()), ':')
		b = appendJSON(b, m.Shape, m.Format, f)
	}
	return append(b, '}')
}

func sortedKeys(v reflect.Value) []string {
	keys := make([]string, 0, v.Len())
	for _, k := range v.MapKeys() {
		keys = append(keys, k.String())
	}
	slices.Sort(keys)
	return keys
}

const hexDigits = "0123456789abcdef"

// appendText writes a JSON string. Bytes that are no UTF-8 become U+FFFD.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
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

func pickFormat(formats ...string) string {
	for _, f := range formats {
		if f != "" {
			return f
		}
	}
	return ""
}

// formatTime writes a time as one of the model's formats has it.
func formatTime(t time.Time, format string) string {
	t = t.UTC()
	switch format {
	case "rfc822":
		return t.Format("Mon, 02 Jan 2006 15:04:05 GMT")
	case "unixTimestamp":
		if ms := t.UnixMilli(); ms%1000 != 0 {
			return strconv.FormatFloat(float64(ms)/1e3, 'f', -1, 64)
		}
		return strconv.FormatInt(t.Unix(), 10)
	}
	if t.Nanosecond()/1e6 != 0 {
		return t.Format("2006-01-02T15:04:05.000Z")
	}
	return t.Format("2006-01-02T15:04:05Z")
}
