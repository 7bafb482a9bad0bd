package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Forms and XML hold trees of named texts, and do not say which of them are
// lists: that, the shapes know. A list's entries are numbered in a form, and
// repeated in XML.

// A tree is a node with what is below it.
type tree struct {
	text  []byte
	below map[string][]*tree
	attrs []xml.Attr
	name  string // in XML
	space string // its namespace
	form  bool   // entries are numbered
}

// parseForm makes a tree of parameters: "A.1.B" leads from A to 1 to B.
func parseForm(form url.Values) (*tree, *Error) {
	root := &tree{form: true}
	for name, texts := range form {
		if strings.Count(name, ".") >= maxDepth {
			return nil, tooDeep
		}
		at := root
		for part := range strings.SplitSeq(name, ".") {
			next := at.child(part)
			if next == nil {
				next = &tree{form: true}
				at.add(part, next)
			}
			at = next
		}
		if len(texts) > 0 {
			at.text = []byte(texts[len(texts)-1])
		}
	}
	return root, nil
}

var malformedXML = &Error{Code: "MalformedXML", Status: 400,
	Message: "The XML you provided was not well-formed or did not validate against our published schema"}

// parseXML makes a tree of a document, and returns its root element.
func parseXML(body []byte) (*tree, *Error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	document := &tree{}
	var root *tree
	path := []*tree{document}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root != nil && len(path) == 1 {
			return root, nil
		}
		if err != nil {
			return nil, malformedXML
		}
		switch token := token.(type) {
		case xml.StartElement:
			if len(path) > maxDepth {
				return nil, tooDeep
			}
			element := &tree{attrs: token.Attr, name: token.Name.Local, space: token.Name.Space}
			path[len(path)-1].add(token.Name.Local, element)
			path = append(path, element)
			if root == nil {
				root = element
			} else if len(path) == 2 {
				return nil, malformedXML
			}
		case xml.CharData:
			top := path[len(path)-1]
			if top == document && len(bytes.TrimSpace(token)) > 0 {
				return nil, malformedXML
			}
			top.text = append(top.text, token...)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.Directive: // a DTD, whose entities would be another document
			return nil, malformedXML
		}
	}
}

func (t *tree) add(name string, child *tree) {
	if t.below == nil {
		t.below = map[string][]*tree{}
	}
	t.below[name] = append(t.below[name], child)
}

// child returns the last one of a name, or nil.
func (t *tree) child(name string) *tree {
	if all := t.below[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// entries returns what a list or map of the name holds.
func (t *tree) entries(name string) []*tree {
	if !t.form {
		return t.below[name]
	}
	list := t.child(name)
	if list == nil {
		return nil
	}
	return list.numbered()
}

// numbered returns the children 1, 2, 3 … in order, gaps closed.
func (t *tree) numbered() []*tree {
	var order []int
	for name := range t.below {
		if n, err := strconv.Atoi(name); err == nil && n > 0 && strconv.Itoa(n) == name {
			order = append(order, n)
		}
	}
	slices.Sort(order)
	all := make([]*tree, len(order))
	for i, n := range order {
		all[i] = t.child(strconv.Itoa(n))
	}
	return all
}

// structure reads the members of a structure that are there.
func (t *tree) structure(sh *Shape, v reflect.Value) *Error {
	for i, m := range sh.Members {
		if m.Location != "" {
			continue
		}
		if err := t.member(m, v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) member(m *Member, v reflect.Value) *Error {
	switch name := m.xmlName(); {
	case m.Attribute:
		return t.attribute(m, v)
	case m.flat() && (t.form && t.child(name) != nil || len(t.below[name]) > 0):
		return fill(m.Shape, t.entries(name), v)
	case m.flat() || t.child(name) == nil:
		return nil
	default:
		return t.child(name).value(m.Shape, v)
	}
}

func (t *tree) attribute(m *Member, v reflect.Value) *Error {
	_, local, ok := strings.Cut(m.wire(), ":")
	if !ok {
		local = m.wire()
	}
	for _, a := range t.attrs {
		if a.Name.Local == local {
			return setText(a.Value, m.Shape, v)
		}
	}
	return nil
}

// value reads the node itself.
func (t *tree) value(sh *Shape, v reflect.Value) *Error {
	switch sh.Kind {
	case Structure:
		if v.Kind() == reflect.Pointer {
			v.Set(reflect.New(v.Type().Elem()))
			v = v.Elem()
		}
		return t.structure(sh, v)
	case List:
		return fill(sh, t.entries(sh.Element.or("member")), v)
	case Map:
		return fill(sh, t.entries("entry"), v)
	}
	if !t.form && sh.Kind != String {
		return setText(string(bytes.TrimSpace(t.text)), sh, v)
	}
	return setText(string(t.text), sh, v)
}

// fill makes a list or a map of its entries.
func fill(sh *Shape, entries []*tree, v reflect.Value) *Error {
	if sh.Kind == List {
		v.Set(reflect.MakeSlice(v.Type(), len(entries), len(entries)))
		for i, e := range entries {
			if err := e.value(sh.Element.Shape, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range entries {
		key, value := e.child(sh.Key.or("key")), e.child(sh.Value.or("value"))
		if key == nil {
			continue
		}
		slot := reflect.New(v.Type().Elem()).Elem()
		if value != nil {
			if err := value.value(sh.Value.Shape, slot); err != nil {
				return err
			}
		} else if slot.Kind() == reflect.Pointer {
			slot.Set(reflect.New(slot.Type().Elem())) // services meet no nil in a map
		}
		v.SetMapIndex(reflect.ValueOf(string(key.text)), slot)
	}
	return nil
}
