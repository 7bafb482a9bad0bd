package wire_test

import (
	"cmp"
	"encoding/xml"
	"io"
	"slices"
	"strings"
)

// An element is an XML element with nothing left of its spelling. The order of
// those below it counts only between equal names, and not there when they are
// the entries of a map.
type element struct {
	Text  string
	Attrs map[string]string
	Below map[string][]*element
}

// elements reads a document; the name of its root does not count.
func elements(body string) (*element, error) {
	d := xml.NewDecoder(strings.NewReader(body))
	document := &element{}
	path := []*element{document}
	var root *element
	for {
		token, err := d.Token()
		if err == io.EOF && root != nil {
			root.Attrs = nil
			delete(root.Below, "ResponseMetadata") // the cases write these or not, as they please
			delete(root.Below, "RequestId")
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{}
			for _, a := range token.Attr {
				if e.Attrs == nil {
					e.Attrs = map[string]string{}
				}
				e.Attrs[a.Name.Local] = a.Value
			}
			top := path[len(path)-1]
			if top.Below == nil {
				top.Below = map[string][]*element{}
			}
			top.Below[token.Name.Local] = append(top.Below[token.Name.Local], e)
			path = append(path, e)
			if root == nil {
				root = e
			}
		case xml.CharData:
			path[len(path)-1].Text += strings.TrimSpace(string(token))
		case xml.EndElement:
			for _, list := range path[len(path)-1].Below {
				slices.SortStableFunc(list, func(a, b *element) int { return cmp.Compare(a.key(), b.key()) })
			}
			path = path[:len(path)-1]
		}
	}
}

// key is the key of a map's entry, and the same for all that are none.
func (e *element) key() string {
	for _, name := range []string{"key", "foo"} {
		if key := e.Below[name]; len(e.Below) == 2 && len(key) == 1 {
			return key[0].Text
		}
	}
	return ""
}
