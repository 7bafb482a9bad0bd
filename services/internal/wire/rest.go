package wire

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
)

// Route finds the operation whose method and path a request has, and the labels
// of its URI. A slash at the end does not matter.
func (s *Service) Route(r *http.Request) (*Operation, map[string]string) {
	path := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	for _, op := range s.Operations {
		if op.Method != r.Method {
			continue
		}
		pattern, fixed, _ := strings.Cut(op.URI, "?")
		if labels, ok := match(strings.Split(strings.Trim(pattern, "/"), "/"), path); ok && hasQuery(r, fixed) {
			return op, labels
		}
	}
	return nil, nil
}

func match(pattern, path []string) (map[string]string, bool) {
	labels := map[string]string{}
	for i, part := range pattern {
		if i >= len(path) {
			return nil, false
		}
		if !strings.HasPrefix(part, "{") {
			if part != path[i] {
				return nil, false
			}
			continue
		}
		name, text := strings.Trim(part, "{}"), path[i]
		greedy := strings.HasSuffix(name, "+")
		if greedy {
			name, text = strings.TrimSuffix(name, "+"), strings.Join(path[i:], "/")
		}
		decoded, err := url.PathUnescape(text)
		if err != nil || decoded == "" {
			return nil, false
		}
		labels[name] = decoded
		if greedy {
			return labels, true
		}
	}
	return labels, len(pattern) == len(path)
}

func hasQuery(r *http.Request, fixed string) bool {
	if fixed == "" {
		return true
	}
	name, value, _ := strings.Cut(fixed, "=")
	q := r.URL.Query()
	return q.Has(name) && (value == "" || q.Get(name) == value)
}

// decodeREST reads labels, query string, headers and body.
func decodeREST(r *Request, sh *Shape, v reflect.Value) *Error {
	query := r.HTTP.URL.Query()
	hasBody := false
	for i, m := range sh.Members {
		f := v.Field(i)
		switch m.Location {
		case "uri":
			if err := setMember(r.Labels[m.wire()], m, f); err != nil {
				return err
			}
		case "querystring":
			if err := setQuery(query, m, f); err != nil {
				return err
			}
		case "header":
			if text := r.HTTP.Header.Get(m.wire()); text != "" {
				if err := setMember(text, m, f); err != nil {
					return err
				}
			}
		case "headers":
			f.Set(reflect.ValueOf(prefixed(r.HTTP.Header, m.wire())))
		case "":
			if m.Name == sh.Payload {
				return decodePayload(r.Body, m, f)
			}
			hasBody = true
		}
	}
	if !hasBody {
		return nil
	}
	return decodeJSON(r.Body, sh, v)
}

func decodePayload(body []byte, m *Member, f reflect.Value) *Error {
	switch {
	case m.Shape.Kind == Blob:
		if body == nil {
			body = []byte{}
		}
		f.SetBytes(body)
		return nil
	case m.Shape.Kind == String:
		return setMember(string(body), m, f)
	case len(body) == 0:
		return nil
	}
	p := reflect.New(f.Type().Elem())
	f.Set(p)
	return decodeJSON(body, m.Shape, p.Elem())
}

func setMember(text string, m *Member, f reflect.Value) *Error {
	p := reflect.New(f.Type().Elem())
	if err := setText(text, m.Shape, m.Format, p.Elem()); err != nil {
		return serialization(err.Message)
	}
	f.Set(p)
	return nil
}

func setQuery(query url.Values, m *Member, f reflect.Value) *Error {
	switch m.Shape.Kind {
	case List:
		texts := query[m.wire()]
		if len(texts) == 0 {
			return nil
		}
		list := reflect.MakeSlice(f.Type(), len(texts), len(texts))
		for i, text := range texts {
			if err := setText(text, m.Shape.Element.Shape, "", list.Index(i)); err != nil {
				return serialization(err.Message)
			}
		}
		f.Set(list)
	case Map:
		table := reflect.MakeMap(f.Type())
		for name, texts := range query {
			if m.Shape.Value.Shape.Kind == List {
				table.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(texts))
			} else {
				table.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(texts[0]))
			}
		}
		f.Set(table)
	default:
		if query.Has(m.wire()) {
			return setMember(query.Get(m.wire()), m, f)
		}
	}
	return nil
}

func prefixed(h http.Header, prefix string) map[string]string {
	out := map[string]string{}
	for name, texts := range h {
		if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			out[strings.ToLower(name[len(prefix):])] = texts[0]
		}
	}
	return out
}

// encodeREST writes headers and returns the body and the status.
func encodeREST(h http.Header, sh *Shape, status int, v reflect.Value) ([]byte, int) {
	hasBody := false
	var payload []byte
	for i, m := range sh.Members {
		f := v.Field(i)
		if m.Location == "" && m.Name != sh.Payload {
			hasBody = true
		}
		if f.IsNil() {
			continue
		}
		switch {
		case m.Location == "statusCode":
			status = int(f.Elem().Int())
		case m.Location == "header":
			h.Set(m.wire(), scalarText(m.Shape, m.Format, "rfc822", f.Elem()))
		case m.Location == "headers":
			for _, k := range sortedKeys(f) {
				h.Set(m.wire()+k, f.MapIndex(reflect.ValueOf(k)).String())
			}
		case m.Name == sh.Payload && m.Shape.Kind == Blob:
			payload = f.Bytes()
		case m.Name == sh.Payload && m.Shape.Kind == String:
			payload = []byte(f.Elem().String())
		case m.Name == sh.Payload:
			h.Set("Content-Type", "application/json")
			payload = appendJSON(nil, m.Shape, "", f)
		}
	}
	if sh.Payload != "" {
		if h.Get("Content-Type") == "" && len(payload) > 0 {
			h.Set("Content-Type", "application/json")
		}
		return payload, status
	}
	if !hasBody || status == http.StatusNoContent {
		return nil, status
	}
	h.Set("Content-Type", "application/json")
	return appendObject(nil, sh, v, func(m *Member) bool { return m.Location == "" }), status
}

// restError is the body of an error: Type, message, and what else its shape has.
// A missing resource says Message where all others say message.
func restError(e *Error) []byte {
	kind := "User"
	if e.Fault {
		kind = "Service"
	}
	name := `,"message":`
	if e.Code == "ResourceNotFoundException" {
		name = `,"Message":`
	}
	b := appendText([]byte(`{"Type":`), kind)
	b = appendText(append(b, name...), e.Message)
	for _, field := range sortedKeys(reflect.ValueOf(e.Fields)) {
		value, err := json.Marshal(e.Fields[field])
		if err != nil {
			continue
		}
		b = append(append(appendText(append(b, ','), field), ':'), value...)
	}
	return append(b, '}')
}
