package wire

import (
	"net/http"
	"reflect"
)

// restJSON is restJson1: operations are methods and paths, documents are JSON.
type restJSON struct{}

func (restJSON) String() string        { return "restJson1" }
func (restJSON) Matches(*Request) bool { return true }
func (restJSON) Names(*Request) string { return "" }

func (restJSON) Find(s *Service, r *Request) (*Operation, string) { return findPath(s, r) }

func (restJSON) Unknown(s *Service, r *Request, _ string) *Error { return s.unknownPath(r) }

func (p restJSON) decode(op *Operation, r *Request, v reflect.Value) *Error {
	return decodeREST(p, r, op.Input, v)
}

func (p restJSON) encodeResult(w http.ResponseWriter, _ *Service, op *Operation, _ *Request, requestID string, v reflect.Value) error {
	status, body := encodeREST(p, w.Header(), op, v)
	return reply(w, status, requestID, body)
}

func (restJSON) encodeError(h http.Header, s *Service, _ *Request, _ string, e *Error) []byte {
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Errortype", e.Code)
	j := &jsonWriter{}
	e.encode(j, s.exception(e.Code), h, "")
	return j.out
}

func (restJSON) readDocument(body []byte, sh *Shape, v reflect.Value) *Error {
	d := decoder{reader: &jsonReader{in: body}}
	return d.document(sh, v)
}

func (restJSON) document(m *Member, v reflect.Value) (kind string, body []byte) {
	w := jsonWriter{out: make([]byte, 0, 512)}
	encodeStructure(&w, m.Shape, v)
	return "application/json", w.out
}

// blobType is JSON: the only payload of bytes is the answer of a function.
func (restJSON) blobType() string { return "application/json" }
