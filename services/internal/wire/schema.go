package wire

import (
	"bytes"
	"strings"
)

// S3 holds documents against a schema before it reads them: what the schema does not
// know is not passed over but refused. So a document's settings are never stored in part.

// isRoot reports whether an element may be the root of the member's document. Of
// namespaces, none will do, and all that S3 has had: they end in the version of the API.
func (t *tree) isRoot(m *Member) bool {
	return t.name == m.wire() && (t.space == "" || t.space == m.Namespace || strings.Contains(t.space, "2006-03-01"))
}

// conforms reports whether an element holds nothing that the shape has not: no other
// elements, none twice that is no list, no text where there are elements to be. In which
// order they stand does not matter.
func (t *tree) conforms(sh *Shape) bool {
	switch sh.Kind {
	case Structure:
		return t.isBlank() && t.conformsMembers(sh)
	case List:
		entries := t.below[sh.Element.or("member")]
		return t.isBlank() && t.count() == len(entries) && allConform(entries, sh.Element.Shape)
	case Map:
		return true // no document of S3 has one
	}
	return len(t.below) == 0
}

func (t *tree) conformsMembers(sh *Shape) bool {
	known := 0
	for _, m := range sh.Members {
		if m.Location != "" || m.Attribute {
			continue
		}
		all := t.below[m.xmlName()]
		element := m.Shape
		if m.flat() && m.Shape.Kind == List {
			element = m.Shape.Element.Shape
		} else if len(all) > 1 {
			return false
		}
		if !allConform(all, element) {
			return false
		}
		known += len(all)
	}
	return known == t.count()
}

func allConform(all []*tree, sh *Shape) bool {
	for _, t := range all {
		if !t.conforms(sh) {
			return false
		}
	}
	return true
}

// count is how many elements there are in an element.
func (t *tree) count() (n int) {
	for _, all := range t.below {
		n += len(all)
	}
	return n
}

func (t *tree) isBlank() bool { return len(bytes.TrimSpace(t.text)) == 0 }
