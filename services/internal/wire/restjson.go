package wire

import (
	"net/http"
	"reflect"
)

// restJSON is restJson1: operations are methods and paths, documents are JSON.
type restJSON struct{}

func (restJSON) String() string              { return "restJson1" }
func (restJSON) Matches(*Request) bool       { return true }
func (restJSON) ServiceName(*Request) string { return "" }

func (restJSON) Find(s *Service, r *Request) (*Operation, string) { return findPath(s, r) }

func (restJSON) UnknownOperation(s *Service, r *Request, _ string) *Error { return s.unknownPath(r) }

func (p restJSON) decode(op *Operation, r *Request, v reflect.Value) *Error {
	return decodeREST(p, r, op.Input, v)
}

func (p restJSON) encodeResult(w http.ResponseWriter, s *Service, op *Operation, r *Request, requestID string, v reflect.Value) error {
	return encodeREST(w, p, s, op, r, requestID, v)
}

func (restJSON) encodeError(h http.Header, s *Service, _ *Request, _ string, e *Error) []byte {
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Errortype", e.Code)
	j := &jsonWriter{}
	e.encode(j, s.exception(e.Code), h, "")
	return j.out
}

func (restJSON) readDocument(body []byte, m *Member, v reflect.Value) *Error {
	d := decoder{reader: &jsonReader{in: body}}
	return d.document(m.Shape, v)
}

func (restJSON) parameterError(_ *Member, _ string, err *Error) *Error { return err }

func (restJSON) document(m *Member, v reflect.Value) (kind string, body []byte) {
	return "application/json", jsonDocument(m.Shape, v)
}

func (restJSON) exception(sh *Shape, e *Error) (kind string, body []byte) {
	return "application/json", jsonException(sh, e)
}

// blobType is JSON: the only payload of bytes is the answer of a function.
func (restJSON) blobType() string { return "application/json" }
