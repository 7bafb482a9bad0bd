package wire

import (
	"encoding/base64"
	"net/http"
	"net/textproto"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// payload returns the index of the member that is the whole body, or -1.
func (sh *Shape) payload() int {
	return slices.IndexFunc(sh.Members, func(m *Member) bool { return m.Name == sh.Payload })
}

// hasBody reports whether members travel in the body one by one.
func (sh *Shape) hasBody() bool {
	return sh.Payload == "" && slices.ContainsFunc(sh.Members, func(m *Member) bool { return m.Location == "" })
}

// A restProtocol is what the two REST protocols do not have in common: the form of
// their documents.
type restProtocol interface {
	documents
	readDocument(body []byte, m *Member, v reflect.Value) *Error
	// parameterError is the answer to a text that is none for m, a member outside the
	// body; err is the codec's own.
	parameterError(m *Member, text string, err *Error) *Error
	blobType() string // Content-Type of a payload of bytes that does not say its own
}

// findPath finds the operation of a path, and its labels.
func findPath(s *Service, r *Request) (op *Operation, name string) {
	op, r.Labels = s.route(r.HTTP, first(r.Path, r.HTTP.URL.EscapedPath()), r.Query())
	switch {
	case op == nil:
		return nil, ""
	case op.Call == nil: // one of MissingRoutes
		return nil, op.Name
	}
	return op, op.Name
}

// decodeREST reads the labels, the query string, the headers and the body.
func decodeREST(p restProtocol, r *Request, sh *Shape, v reflect.Value) *Error {
	query := r.Query()
	for i, m := range sh.Members {
		switch f := v.Field(i); m.Location {
		case "uri":
			if err := setText(r.Labels[m.wire()], m.Shape, f); err != nil {
				return p.parameterError(m, r.Labels[m.wire()], err)
			}
		case "querystring":
			if err := setQuery(query, sh, m, f); err != nil {
				return p.parameterError(m, query.Get(m.wire()), err)
			}
		case "header":
			texts := r.HTTP.Header[m.Header]
			if len(texts) == 0 {
				continue
			}
			if err := setHeader(texts, m, f); err != nil {
				return p.parameterError(m, texts[0], err)
			}
		case "headers":
			setPrefixed(r.HTTP.Header, m.Wire, f)
		}
	}
	if i := sh.payload(); i >= 0 && sh.Members[i].Location == "stream" {
		if r.Stream != nil {
			v.Field(i).Set(reflect.ValueOf(r.Stream))
		}
		return nil
	} else if i >= 0 {
		return decodePayload(p, r.Body, sh.Members[i], v.Field(i))
	}
	if !sh.hasBody() {
		return nil
	}
	return decodeBody(p, r.Body, &Member{Shape: sh}, v)
}

// decodeBody reads a body that is a structure. None at all is an empty one.
func decodeBody(p restProtocol, body []byte, m *Member, v reflect.Value) *Error {
	if len(body) == 0 {
		return nil
	}
	return p.readDocument(body, m, v)
}

func decodePayload(p restProtocol, body []byte, m *Member, f reflect.Value) *Error {
	switch sh := m.Shape; {
	case len(body) == 0:
		return nil
	case sh.Kind == Blob:
		f.SetBytes(body)
		return nil
	case sh.Kind == String:
		return setText(string(body), sh, f)
	}
	f.Set(reflect.New(f.Type().Elem()))
	return decodeBody(p, body, m, f.Elem())
}

// setQuery reads a member from the query string. A map takes the parameters that
// no other member does.
func setQuery(query url.Values, sh *Shape, m *Member, f reflect.Value) *Error {
	switch texts := query[m.wire()]; {
	case m.Shape.Kind == Map:
		f.Set(reflect.MakeMap(f.Type()))
		for name, texts := range query {
			taken := func(o *Member) bool { return o != m && o.Location == "querystring" && o.wire() == name }
			if slices.ContainsFunc(sh.Members, taken) {
				continue
			}
			slot := reflect.New(f.Type().Elem()).Elem()
			if err := setTexts(texts, m.Shape.Value.Shape, slot); err != nil {
				return err
			}
			f.SetMapIndex(reflect.ValueOf(name), slot)
		}
	case len(texts) > 0:
		return setTexts(texts, m.Shape, f)
	}
	return nil
}

// setTexts reads a list of texts, or the first one as a scalar.
func setTexts(texts []string, sh *Shape, v reflect.Value) *Error {
	if sh.Kind != List {
		return setText(texts[0], sh, v)
	}
	v.Set(reflect.MakeSlice(v.Type(), len(texts), len(texts)))
	for i, text := range texts {
		if err := setText(text, sh.Element.Shape, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func setHeader(texts []string, m *Member, f reflect.Value) *Error {
	switch {
	case m.JSONValue:
		b, err := base64.StdEncoding.DecodeString(texts[0])
		if err != nil {
			return serialization("Unable to decode the base64 of a header")
		}
		texts = []string{string(b)}
	case m.Shape.Kind == List:
		texts = splitHeader(strings.Join(texts, ","))
	}
	err := setTexts(texts, m.Shape, f)
	if err != nil && m.Shape.Kind == Timestamp && strings.HasPrefix(m.wire(), "If-") {
		f.SetZero() // a condition without a date is none (RFC 9110, 13.1.3)
		return nil
	}
	return err
}

// splitHeader cuts a list at its commas, but for those in quoted texts.
func splitHeader(list string) (texts []string) {
	var text strings.Builder
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\' && i+1 < len(list):
			i++
			text.WriteByte(list[i])
		case c == ',' && !quoted:
			texts = append(texts, strings.TrimSpace(text.String()))
			text.Reset()
		default:
			text.WriteByte(c)
		}
	}
	return append(texts, strings.TrimSpace(text.String()))
}

// setPrefixed reads the headers of a prefix into a map. net/http has made their
// names canonical already.
func setPrefixed(h http.Header, prefix string, f reflect.Value) {
	prefix = textproto.CanonicalMIMEHeaderKey(prefix)
	all := map[string]string{}
	for name, texts := range h {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			all[strings.ToLower(rest)] = strings.Join(texts, ",")
		}
	}
	if len(all) > 0 {
		f.Set(reflect.ValueOf(all))
	}
}

// encodeREST answers with headers and a body, or a stream.
func encodeREST(w http.ResponseWriter, p restProtocol, s *Service, op *Operation, r *Request, requestID string, v reflect.Value) error {
	h, sh := w.Header(), op.Output
	status := encodeHead(h, op, v)
	if op.StreamOut {
		if src := sh.reader(v); src != nil {
			return replyReader(w, r, status, requestID, src)
		} else if sh.Members[sh.streamed()].Shape.Kind == Structure {
			return replyEvents(w, p, op, r, status, requestID, reflect.Value{}, v)
		}
		return reply(w, status, requestID, nil)
	}
	var body []byte
	if i := sh.payload(); i >= 0 {
		body = encodePayload(p, h, sh.Members[i].asRoot(s), v.Field(i))
	} else if i := op.bare(); i >= 0 {
		body = encodeBody(p, h, sh.Members[i].asRoot(s), v.Field(i))
	} else if sh.hasBody() && status != http.StatusNoContent {
		root := &Member{Name: first(op.Root, op.Name+"Response"), Shape: sh}
		body = encodeBody(p, h, root.asRoot(s), v)
	}
	return reply(w, status, requestID, body)
}

// asRoot is the member as the root of a document, which has the service's namespace.
func (m *Member) asRoot(s *Service) *Member {
	if m.Namespace != "" || s.XMLNamespace == "" {
		return m
	}
	root := *m
	root.Namespace = s.XMLNamespace
	return &root
}

// bare returns the index of a member that is the whole document itself, which has its
// name, though the model does not say so; or -1. GetBucketLocation has one.
func (op *Operation) bare() int {
	if sh := op.Output; op.Root != "" && len(sh.Members) == 1 && sh.Members[0].wire() == op.Root {
		return 0
	}
	return -1
}

// encodeHead sets the members that are headers, and returns the status.
func encodeHead(h http.Header, op *Operation, v reflect.Value) (status int) {
	status = op.ok()
	for i, m := range op.Output.Members {
		f := v.Field(i)
		if f.IsNil() {
			continue
		}
		switch m.Location {
		case "statusCode":
			status = int(f.Elem().Int())
		case "header":
			h[m.Header] = []string{headerText(m, f)}
			if m.Header == "Content-Range" && status == http.StatusOK {
				status = http.StatusPartialContent
			}
		case "headers":
			prefix := strings.ToLower(m.Wire) // not as net/http writes names: clients take the rest as it is
			for k, text := range f.Seq2() {
				h[prefix+k.String()] = []string{text.String()}
			}
		}
	}
	return status
}

func headerText(m *Member, f reflect.Value) string {
	if m.Shape.Kind == List {
		texts := make([]string, f.Len())
		for i := range texts {
			texts[i] = scalarText(m.Shape.Element.Shape, m.Shape.Element.Format, rfc822, f.Index(i))
		}
		return strings.Join(texts, ",")
	}
	text := scalarText(m.Shape, m.Format, rfc822, f)
	if m.JSONValue {
		return base64.StdEncoding.EncodeToString([]byte(text))
	}
	return text
}

func encodePayload(p restProtocol, h http.Header, m *Member, f reflect.Value) []byte {
	switch {
	case f.IsNil():
		return nil
	case m.Shape.Kind == Blob:
		if h.Get("Content-Type") == "" {
			h.Set("Content-Type", p.blobType())
		}
		return f.Bytes()
	case m.Shape.Kind == String:
		if h.Get("Content-Type") == "" {
			h.Set("Content-Type", "text/plain")
		}
		return []byte(f.Elem().String())
	}
	return encodeBody(p, h, m, f.Elem())
}

func encodeBody(p restProtocol, h http.Header, m *Member, v reflect.Value) []byte {
	kind, body := p.document(m, v)
	h.Set("Content-Type", kind)
	return body
}
