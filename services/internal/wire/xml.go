package wire

import (
	"encoding/base64"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// appendXML writes the members of a structure as elements, as the query
// protocol and the bodies of restXml have them.
func appendXML(b []byte, sh *Shape, v reflect.Value) []byte {
	for i, m := range sh.Members {
		if f := v.Field(i); !f.IsNil() && m.Location == "" {
			b = appendMember(b, m, f)
		}
	}
	return b
}

func appendMember(b []byte, m *Member, v reflect.Value) []byte {
	sh, name := m.Shape, m.queryName()
	flat := m.Flattened || sh.Flattened
	switch sh.Kind {
	case List:
		element := "member"
		if sh.Element.Wire != "" {
			element = sh.Element.Wire
		}
		if flat {
			element = name
			if m.Query == "" && sh.Element.Wire != "" {
				element = sh.Element.Wire
			}
		} else {
			b = open(b, name)
		}
		for i := range v.Len() {
			b = appendElement(b, element, sh.Element.Shape, sh.Element.Format, v.Index(i))
		}
		if !flat {
			b = shut(b, name)
		}
		return b
	case Map:
		entry, key, value := "entry", "key", "value"
		if sh.Key.Wire != "" {
			key = sh.Key.Wire
		}
		if sh.Value.Wire != "" {
			value = sh.Value.Wire
		}
		if flat {
			entry = name
		} else {
			b = open(b, name)
		}
		for _, k := range sortedKeys(v) {
			b = open(b, entry)
			b = shut(appendEscaped(open(b, key), k), key)
			b = appendElement(b, value, sh.Value.Shape, sh.Value.Format, v.MapIndex(reflect.ValueOf(k)))
			b = shut(b, entry)
		}
		if !flat {
			b = shut(b, name)
		}
		return b
	}
	return appendElement(b, name, sh, m.Format, v)
}

func appendElement(b []byte, name string, sh *Shape, format string, v reflect.Value) []byte {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return shut(open(b, name), name)
		}
		v = v.Elem()
	}
	b = open(b, name)
	switch sh.Kind {
	case Structure:
		b = appendXML(b, sh, v)
	case List, Map:
		b = appendMember(b, &Member{Name: name, Shape: sh}, v)
	default:
		b = appendEscaped(b, scalarText(sh, format, "iso8601", v))
	}
	return shut(b, name)
}

// scalarText is a scalar as text. usual is the protocol's timestamp format.
func scalarText(sh *Shape, format, usual string, v reflect.Value) string {
	switch sh.Kind {
	case String:
		return v.String()
	case Boolean:
		return strconv.FormatBool(v.Bool())
	case Integer, Long:
		return strconv.FormatInt(v.Int(), 10)
	case Float, Double:
		return floatText(v.Float())
	case Blob:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case Timestamp:
		return formatTime(v.Interface().(time.Time), pickFormat(format, sh.Format, usual))
	}
	return ""
}

func open(b []byte, name string) []byte { return append(append(append(b, '<'), name...), '>') }
func shut(b []byte, name string) []byte { return append(append(append(b, "</"...), name...), '>') }

// appendEscaped writes character data. A carriage return is escaped, since a
// reader would make a line feed of it.
func appendEscaped(b []byte, s string) []byte {
	if !strings.ContainsAny(s, "<>&\"'\r") && utf8.ValidString(s) {
		return append(b, s...)
	}
	for _, r := range s {
		switch r {
		case '<':
			b = append(b, "&lt;"...)
		case '>':
			b = append(b, "&gt;"...)
		case '&':
			b = append(b, "&amp;"...)
		case '"':
			b = append(b, "&quot;"...)
		case '\'':
			b = append(b, "&apos;"...)
		case '\r':
			b = append(b, "&#xD;"...)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}
