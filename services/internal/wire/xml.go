package wire

import (
	"reflect"
	"strings"
	"unicode/utf8"
)

// or is the member's name on the wire, or the protocol's own name for it.
func (m *Member) or(usual string) string {
	if m.Wire != "" {
		return m.Wire
	}
	return usual
}

func (m *Member) wire() string { return m.or(m.Name) }

// flat says that the entries of a list or map stand where it would stand itself.
func (m *Member) flat() bool { return m.Flattened || m.Shape.Flattened }

// xmlName is the member's name in forms and XML. The entries of a flat list may
// have a name of their own.
func (m *Member) xmlName() string {
	switch {
	case m.Query != "":
		return m.Query
	case m.Shape.Kind == List && m.flat():
		return m.Shape.Element.or(m.wire())
	}
	return m.wire()
}

// appendMembers writes the members of a structure as elements.
func appendMembers(b []byte, sh *Shape, v reflect.Value) []byte {
	for i, m := range sh.Members {
		if f := v.Field(i); !f.IsNil() && m.Location == "" && !m.Attribute {
			b = appendMember(b, m, f)
		}
	}
	return b
}

func appendMember(b []byte, m *Member, v reflect.Value) []byte {
	switch name := m.xmlName(); {
	case m.flat() && m.Shape.Kind == List:
		return appendList(b, name, m.Shape, v)
	case m.flat() && m.Shape.Kind == Map:
		return appendMap(b, name, m.Shape, v)
	default:
		return appendElement(b, name, m, v)
	}
}

func appendList(b []byte, name string, sh *Shape, v reflect.Value) []byte {
	for i := range v.Len() {
		b = appendElement(b, name, sh.Element, v.Index(i))
	}
	return b
}

func appendMap(b []byte, entry string, sh *Shape, v reflect.Value) []byte {
	for _, k := range sortedKeys(v) {
		b = open(b, entry)
		key := sh.Key.or("key")
		b = shut(appendEscaped(open(b, key), k), key)
		b = appendElement(b, sh.Value.or("value"), sh.Value, v.MapIndex(reflect.ValueOf(k)))
		b = shut(b, entry)
	}
	return b
}

// appendElement writes a value as one element.
func appendElement(b []byte, name string, m *Member, v reflect.Value) []byte {
	sh := m.Shape
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			b = appendNamespace(append(append(b, '<'), name...), m.Prefix, m.Namespace)
			return shut(append(b, '>'), name)
		}
		v = v.Elem()
	}
	b = append(append(b, '<'), name...)
	b = appendNamespace(b, m.Prefix, m.Namespace)
	if m.Namespace == "" {
		b = appendNamespace(b, sh.Prefix, sh.Namespace)
	}
	if sh.Kind == Structure {
		b = appendAttributes(b, sh, v)
	}
	b = append(b, '>')
	switch sh.Kind {
	case Structure:
		b = appendMembers(b, sh, v)
	case List:
		b = appendList(b, sh.Element.or("member"), sh, v)
	case Map:
		b = appendMap(b, "entry", sh, v)
	default:
		b = appendXMLScalar(b, m, v)
	}
	return shut(b, name)
}

// appendXMLScalar writes a scalar as character data. Only texts may need escapes.
func appendXMLScalar(b []byte, m *Member, v reflect.Value) []byte {
	if m.Shape.Kind == String {
		return appendEscaped(b, reflect.Indirect(v).String())
	}
	return appendScalar(b, m.Shape, m.Format, iso8601, v)
}

func appendNamespace(b []byte, prefix, uri string) []byte {
	if uri == "" {
		return b
	}
	b = append(b, " xmlns"...)
	if prefix != "" {
		b = append(append(b, ':'), prefix...)
	}
	return append(appendEscaped(append(b, '=', '"'), uri), '"')
}

func appendAttributes(b []byte, sh *Shape, v reflect.Value) []byte {
	for i, m := range sh.Members {
		if f := v.Field(i); m.Attribute && !f.IsNil() {
			b = append(append(append(b, ' '), m.wire()...), '=', '"')
			b = append(appendXMLScalar(b, m, f), '"')
		}
	}
	return b
}

func open(b []byte, name string) []byte { return append(append(append(b, '<'), name...), '>') }
func shut(b []byte, name string) []byte { return append(append(append(b, "</"...), name...), '>') }

// appendLeaf writes an element that holds a text.
func appendLeaf(b []byte, name, text string) []byte {
	return shut(appendEscaped(open(b, name), text), name)
}

// appendEscaped writes character data. A carriage return is escaped, since a
// reader would make a line feed of it; what XML 1.0 cannot hold at all becomes
// U+FFFD.
func appendEscaped(b []byte, s string) []byte {
	if isVerbatim(s) {
		return append(b, s...)
	}
	for _, r := range s {
		switch {
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '"':
			b = append(b, "&quot;"...)
		case r == '\'':
			b = append(b, "&apos;"...)
		case r == '\r':
			b = append(b, "&#xD;"...)
		case !inXML(r):
			b = utf8.AppendRune(b, utf8.RuneError)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// isVerbatim reports whether a text is of ASCII that stands for itself, as most are.
func isVerbatim(s string) bool {
	for i := range len(s) {
		if !verbatim[s[i]] {
			return false
		}
	}
	return true
}

// verbatim are the bytes of ASCII that character data holds as they are.
var verbatim = func() (is [256]bool) {
	for c := range byte(utf8.RuneSelf) {
		is[c] = inXML(rune(c)) && strings.IndexByte("<>&\"'\r", c) < 0
	}
	return is
}()

// inXML reports whether XML 1.0 has the character (section 2.2).
func inXML(r rune) bool {
	return r >= ' ' && r != 0xfffe && r != 0xffff || r == '\t' || r == '\n' || r == '\r'
}
