package config

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

const (
	core        = "http://activemq.apache.org/schema/core"
	declaration = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`
	maxDepth    = 32 // of elements in elements; what is allowed needs fewer than half
)

// sanitize writes a text again with only the elements, attributes and values that are
// allowed. All that it writes stands in a table or is escaped; comments stay as they
// are, and text between elements, which means nothing in any of them, goes silently.
func sanitize(data []byte, ldap bool) (stored []byte, warnings []Warning, err error) {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	// The decoder lets comments pass whatever is in them.
	if bytes.ContainsFunc(data, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF }) {
		return nil, nil, refuse("", "The configuration has a character that XML does not allow.")
	}
	s := sanitizer{ldap: ldap, in: xml.NewDecoder(bytes.NewReader(data))}
	for {
		token, err := s.in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line, _ := s.in.InputPos()
			return nil, nil, refuse("", "The configuration is not well-formed XML: see line %d.", line)
		}
		if err := s.take(token); err != nil {
			return nil, nil, err
		}
	}
	if !s.rooted {
		return nil, nil, rootless()
	}
	return s.out.Bytes(), s.warnings, nil
}

func rootless() error {
	return refuse("", "The configuration must be one element <broker xmlns=%q>.", core)
}

type sanitizer struct {
	in       *xml.Decoder
	ldap     bool
	out      bytes.Buffer
	open     []node // from the root on
	pending  bool   // the last start tag lacks its ">"
	dropped  int    // how deep we are in an element that goes
	rooted   bool
	warnings []Warning
}

func (s *sanitizer) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.ProcInst:
		if token.Target != "xml" {
			return refuse("", "The configuration has a processing instruction, which is not supported.")
		}
		if s.out.Len() > 0 {
			return refuse("", "The XML declaration must be at the begin of the configuration.")
		}
		s.out.WriteString(declaration)
	case xml.Directive:
		return refuse("", "The configuration has a document type declaration, which is not supported.")
	case xml.Comment:
		if s.dropped == 0 {
			s.finish()
			s.out.WriteString("<!--" + string(token) + "-->")
		}
	case xml.CharData:
		return s.text(token)
	case xml.StartElement:
		return s.start(token)
	case xml.EndElement:
		s.end(token.Name.Local)
	}
	return nil
}

func (s *sanitizer) text(data xml.CharData) error {
	switch blank := len(bytes.Trim(data, " \t\r\n")) == 0; {
	case s.dropped > 0:
	case blank:
		s.finish()
		s.out.Write(bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))) // of a "&#13;"
	case len(s.open) == 0:
		return rootless()
	}
	return nil
}

func (s *sanitizer) start(e xml.StartElement) error {
	if len(s.open)+s.dropped >= maxDepth {
		return refuse("", "The configuration has elements in more than %d others.", maxDepth)
	}
	if s.dropped > 0 {
		s.dropped++
		return nil
	}
	n := node{}
	if len(s.open) == 0 {
		if s.rooted || e.Name != (xml.Name{Space: core, Local: "broker"}) {
			return rootless()
		}
		n, s.rooted = node{bean: "broker"}, true
	} else {
		var ok bool
		if n, ok = s.open[len(s.open)-1].child(e.Name.Local, s.ldap); !ok || e.Name.Space != core {
			s.warn(DisallowedElement, e.Name.Local, "")
			s.dropped++
			return nil
		}
	}
	s.finish()
	s.open = append(s.open, n)
	s.out.WriteString("<" + e.Name.Local)
	s.pending = true
	return s.attributes(e)
}

func (s *sanitizer) attributes(e xml.StartElement) error {
	seen := map[xml.Name]bool{}
	root, declared := len(s.open) == 1, false
	for _, a := range e.Attr {
		if seen[a.Name] {
			return refuse("", "The configuration is not well-formed XML: an element %s has an attribute twice.", e.Name.Local)
		}
		seen[a.Name] = true
		value := strings.Map(blank, a.Value)
		switch {
		case a.Name.Space == "xmlns": // nothing that stays has a prefix
		case a.Name == xml.Name{Local: "xmlns"}:
			if root {
				s.attribute("xmlns", core)
				declared = true
			}
		case a.Name.Space != "" || !s.open[len(s.open)-1].allows(a.Name.Local):
			s.warn(DisallowedAttribute, e.Name.Local, a.Name.Local)
		case !valid(a.Name.Local, value):
			s.warn(InvalidValue, e.Name.Local, a.Name.Local)
		default:
			s.attribute(a.Name.Local, value)
		}
	}
	if root && !declared {
		s.attribute("xmlns", core)
	}
	return nil
}

// blank makes spaces of line ends, as every reader of XML does.
func blank(r rune) rune {
	switch r {
	case '\t', '\n', '\r':
		return ' '
	}
	return r
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func (s *sanitizer) attribute(name, value string) {
	s.out.WriteString(" " + name + `="`)
	_, _ = escape.WriteString(&s.out, value) // a buffer takes everything
	s.out.WriteString(`"`)
}

func (s *sanitizer) end(name string) {
	if s.dropped > 0 {
		s.dropped--
		return
	}
	s.open = s.open[:len(s.open)-1]
	if s.pending {
		s.pending = false
		s.out.WriteString("/>")
		return
	}
	s.out.WriteString("</" + name + ">")
}

// finish ends a start tag whose element is not empty.
func (s *sanitizer) finish() {
	if s.pending {
		s.pending = false
		s.out.WriteString(">")
	}
}

func (s *sanitizer) warn(reason Reason, element, attribute string) {
	s.warnings = append(s.warnings, Warning{reason, element, attribute})
}
