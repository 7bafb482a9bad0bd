package wire

import (
	"encoding/base64"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// decodeQuery reads a form into a structure: Name.1, Name.member.1,
// Attribute.1.Name and their like.
func decodeQuery(form url.Values, sh *Shape, v reflect.Value) *Error {
	f := newForm(form)
	return f.value(sh, "", "", v)
}

// A form is the parameters as a tree: "A.1.B" leads from A to 1 to B.
type form struct {
	text     string
	set      bool
	children map[string]*form
}

func newForm(values url.Values) *form {
	root := &form{}
	for name, texts := range values {
		at := root
		for i, part := range strings.Split(name, ".") {
			if i > maxDepth {
				break
			}
			next := at.children[part]
			if next == nil {
				next = &form{}
				if at.children == nil {
					at.children = map[string]*form{}
				}
				at.children[part] = next
			}
			at = next
		}
		if len(texts) > 0 {
			at.text, at.set = texts[len(texts)-1], true
		}
	}
	return root
}

// numbered returns the children named 1, 2, 3 … in order, gaps closed.
func (f *form) numbered() []*form {
	type entry struct {
		n int
		f *form
	}
	var all []entry
	for name, child := range f.children {
		if n, err := strconv.Atoi(name); err == nil {
			all = append(all, entry{n, child})
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return a.n - b.n })
	out := make([]*form, len(all))
	for i, e := range all {
		out[i] = e.f
	}
	return out
}

func (m *Member) queryName() string {
	if m.Query != "" {
		return m.Query
	}
	return m.wire()
}

func (f *form) value(sh *Shape, format, _ string, v reflect.Value) *Error {
	if v.Kind() == reflect.Pointer {
		p := reflect.New(v.Type().Elem())
		if err := f.value(sh, format, "", p.Elem()); err != nil {
			return err
		}
		v.Set(p)
		return nil
	}
	switch sh.Kind {
	case Structure:
		for i, m := range sh.Members {
			child := f.children[f.memberName(m)]
			if child == nil {
				continue
			}
			if err := child.member(m, v.Field(i)); err != nil {
				return err
			}
		}
		return nil
	case List, Map:
		return f.member(&Member{Shape: sh}, v)
	}
	return setText(f.text, sh, format, v)
}

// memberName is what a member is called here. SQS clients of old write the name
// of the member where others write that of its entries.
func (f *form) memberName(m *Member) string {
	name := m.queryName()
	if (m.Flattened || m.Shape.Flattened) && m.Shape.Kind == List && m.Query == "" && m.Shape.Element.Wire != "" {
		name = m.Shape.Element.Wire
	}
	if f.children[name] == nil && f.children[m.wire()] != nil {
		return m.wire()
	}
	return name
}

// member reads a member; lists and maps are laid out as the member says.
func (f *form) member(m *Member, v reflect.Value) *Error {
	sh := m.Shape
	flat := m.Flattened || sh.Flattened
	switch sh.Kind {
	case List:
		entries := f
		if !flat {
			name := "member"
			if sh.Element.Wire != "" {
				name = sh.Element.Wire
			}
			if entries = f.children[name]; entries == nil {
				entries = f // tolerated: Name.1 where Name.member.1 is meant
			}
		}
		items := entries.numbered()
		list := reflect.MakeSlice(v.Type(), len(items), len(items))
		for i, item := range items {
			if err := item.value(sh.Element.Shape, sh.Element.Format, "", list.Index(i)); err != nil {
				return err
			}
		}
		v.Set(list)
		return nil
	case Map:
		entries := f
		if !flat {
			if entries = f.children["entry"]; entries == nil {
				entries = f
			}
		}
		key, value := "key", "value"
		if sh.Key.Wire != "" {
			key = sh.Key.Wire
		}
		if sh.Value.Wire != "" {
			value = sh.Value.Wire
		}
		table := reflect.MakeMap(v.Type())
		for _, item := range entries.numbered() {
			k, val := item.children[key], item.children[value]
			if k == nil {
				continue
			}
			e := reflect.New(v.Type().Elem()).Elem()
			if val != nil {
				if err := val.value(sh.Value.Shape, sh.Value.Format, "", e); err != nil {
					return err
				}
			}
			table.SetMapIndex(reflect.ValueOf(k.text), e)
		}
		v.Set(table)
		return nil
	}
	return f.value(sh, m.Format, "", v)
}

// setText reads a scalar's text, as forms, headers, URIs and XML hold it.
func setText(text string, sh *Shape, format string, v reflect.Value) *Error {
	malformed := func(what string) *Error {
		return &Error{Code: "MalformedInput", Status: 400, Message: "Can not convert '" + text + "' to " + what + "."}
	}
	switch sh.Kind {
	case String:
		v.SetString(text)
	case Boolean:
		b, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return malformed("a Boolean")
		}
		v.SetBool(b)
	case Integer, Long:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return malformed("an Integer")
		}
		v.SetInt(n)
	case Float, Double:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return malformed("a Double")
		}
		v.SetFloat(n)
	case Blob:
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return malformed("a Blob")
		}
		v.SetBytes(b)
	case Timestamp:
		t, ok := parseTime(text)
		if !ok {
			return malformed("a Timestamp")
		}
		v.Set(reflect.ValueOf(t))
	}
	return nil
}
