package wire

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// restHeader begins a document, as S3 does it.
const restHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// restXML is restXml: operations are methods and paths, documents are XML.
type restXML struct{}

func (restXML) String() string              { return "restXml" }
func (restXML) Matches(*Request) bool       { return true }
func (restXML) ServiceName(*Request) string { return "" }

func (restXML) Find(s *Service, r *Request) (*Operation, string) { return findPath(s, r) }

func (restXML) UnknownOperation(s *Service, r *Request, name string) *Error {
	if name != "" {
		return NotSupported(name)
	}
	return s.unknownPath(r)
}

func (p restXML) decode(op *Operation, r *Request, v reflect.Value) *Error {
	return decodeREST(p, r, op.Input, v)
}

func (p restXML) encodeResult(w http.ResponseWriter, s *Service, op *Operation, r *Request, requestID string, v reflect.Value) error {
	setRequestIDs(w.Header(), requestID)
	return encodeREST(w, p, s, op, r, requestID, v)
}

// encodeError writes an error as S3 has it: with no wrapper.
func (restXML) encodeError(h http.Header, _ *Service, r *Request, requestID string, e *Error) []byte {
	setRequestIDs(h, requestID)
	h.Set("Content-Type", "application/xml")
	b := e.appendXML([]byte(restHeader))
	if r.HTTP != nil {
		b = appendLeaf(b, "Resource", r.resource())
	}
	b = appendLeaf(b, "RequestId", requestID)
	return shut(appendLeaf(b, "HostId", HostID(requestID)), "Error")
}

// resource is the path that a request is about, as people read it.
func (r *Request) resource() string {
	path := cmp.Or(r.Path, r.HTTP.URL.EscapedPath())
	if text, err := url.PathUnescape(path); err == nil {
		return text
	}
	return path
}

// setRequestIDs sets the two names that S3 gives a request.
func setRequestIDs(h http.Header, requestID string) {
	values := []string{requestID, HostID(requestID)}
	h["X-Amz-Request-Id"], h["X-Amz-Id-2"] = values[:1:1], values[1:]
}

// ShortID makes a request's ID of the form that S3's have, 16 digits, of a UUID.
func ShortID(id string) string {
	if len(id) < 36 {
		return id
	}
	return strings.ToUpper(id[:8] + id[9:13] + id[24:28])
}

// HostID returns the second name of a request in S3, x-amz-id-2: 64 characters of
// base64, which say nothing but are always the same for the same request.
func HostID(requestID string) string {
	seed, _ := strconv.ParseUint(requestID, 16, 64) // another ID's is the same as none's
	source := rand.NewPCG(seed, 2)
	var raw [48]byte
	for i := 0; i < len(raw); i += 8 {
		binary.BigEndian.PutUint64(raw[i:], source.Uint64())
	}
	return base64.StdEncoding.EncodeToString(raw[:])
}

// appendXML writes the error's element but for its end.
func (e *Error) appendXML(b []byte) []byte {
	b = append(b, "<Error>"...)
	b = appendLeaf(b, "Code", e.Code)
	b = appendLeaf(b, "Message", e.Message)
	for _, element := range e.Elements {
		b = appendLeaf(b, element.Name, element.Text)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		b = appendLeaf(b, name, fmt.Sprint(e.Fields[name]))
	}
	return b
}

// readDocument reads a document that is to be of m's name, unless it is "". One for
// which m has a namespace must be of the schema, and else what is unknown is passed
// over.
func (restXML) readDocument(body []byte, m *Member, v reflect.Value) *Error {
	root, err := parseXML(body)
	if err != nil {
		return malformedXML // however deep
	}
	if m.Namespace != "" && !(root.isRoot(m) && root.conforms(m.Shape)) {
		return malformedXML
	}
	if err := root.structure(m.Shape, v); err != nil {
		return malformedXML
	}
	return nil
}

// parameterError says that a parameter or a header does not hold what it is to hold.
func (restXML) parameterError(m *Member, text string, _ *Error) *Error {
	e := &Error{Code: "InvalidArgument", Status: http.StatusBadRequest, Message: "The value of " + m.wire() + " is invalid.",
		Elements: []Element{{"ArgumentName", m.wire()}, {"ArgumentValue", text}}}
	if m.Shape.Kind == Integer || m.Shape.Kind == Long {
		e.Message = "Provided " + m.wire() + " not an integer or within integer range"
	}
	return e
}

func (restXML) document(m *Member, v reflect.Value) (kind string, body []byte) {
	return "application/xml", appendElement([]byte(restHeader), m.wire(), m, v)
}

func (restXML) exception(_ *Shape, e *Error) (kind string, body []byte) {
	return "application/xml", shut(e.appendXML([]byte(restHeader)), "Error")
}

func (restXML) blobType() string { return "application/octet-stream" }
