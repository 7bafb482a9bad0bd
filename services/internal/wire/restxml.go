package wire

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
)

// restXML is restXml: operations are methods and paths, documents are XML.
type restXML struct{}

func (restXML) String() string              { return "restXml" }
func (restXML) Matches(*Request) bool       { return true }
func (restXML) ServiceName(*Request) string { return "" }

func (restXML) Find(s *Service, r *Request) (*Operation, string) { return findPath(s, r) }

func (restXML) UnknownOperation(s *Service, r *Request, _ string) *Error { return s.unknownPath(r) }

func (p restXML) decode(op *Operation, r *Request, v reflect.Value) *Error {
	return decodeREST(p, r, op.Input, v)
}

func (p restXML) encodeResult(w http.ResponseWriter, _ *Service, op *Operation, r *Request, requestID string, v reflect.Value) error {
	w.Header().Set("X-Amz-Request-Id", requestID)
	return encodeREST(w, p, op, r, requestID, v)
}

// encodeError writes an error as S3 has it: with no wrapper.
func (restXML) encodeError(h http.Header, _ *Service, _ *Request, requestID string, e *Error) []byte {
	h.Set("X-Amz-Request-Id", requestID)
	h.Set("Content-Type", "application/xml")
	return shut(appendLeaf(e.appendXML([]byte(xmlHeader)), "RequestId", requestID), "Error")
}

// appendXML writes the error's element but for its end.
func (e *Error) appendXML(b []byte) []byte {
	b = append(b, "<Error>"...)
	b = appendLeaf(b, "Code", e.Code)
	b = appendLeaf(b, "Message", e.Message)
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		b = appendLeaf(b, name, fmt.Sprint(e.Fields[name]))
	}
	return b
}

func (restXML) readDocument(body []byte, sh *Shape, v reflect.Value) *Error {
	root, err := parseXML(body)
	if err != nil {
		return err
	}
	return root.structure(sh, v)
}

func (restXML) document(m *Member, v reflect.Value) (kind string, body []byte) {
	return "application/xml", appendElement([]byte(xmlHeader), m.wire(), m, v)
}

func (restXML) exception(_ *Shape, e *Error) (kind string, body []byte) {
	return "application/xml", shut(e.appendXML([]byte(xmlHeader)), "Error")
}

func (restXML) blobType() string { return "application/octet-stream" }
