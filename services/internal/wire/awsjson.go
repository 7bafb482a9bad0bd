package wire

import (
	"net/http"
	"reflect"
	"strings"
)

// awsJSON is awsJson 1.0 and 1.1: a POST with a document, whose X-Amz-Target names
// the operation.
type awsJSON struct{}

func (awsJSON) String() string          { return "awsJson" }
func (awsJSON) Matches(r *Request) bool { return r.Target != "" }

// ServiceName is the target's prefix.
func (awsJSON) ServiceName(r *Request) string {
	prefix, _, _ := strings.Cut(r.Target, ".")
	return prefix
}

func (awsJSON) Find(s *Service, r *Request) (*Operation, string) {
	name := TargetOperation(r.Target)
	return s.Operation(name), name
}

// TargetOperation returns the operation that an X-Amz-Target names, whatever stands
// before it.
func TargetOperation(target string) string {
	i := strings.LastIndexByte(target, '.')
	if i < 0 {
		return ""
	}
	return target[i+1:]
}

func (awsJSON) UnknownOperation(s *Service, _ *Request, name string) *Error { return s.unknown(name) }

func (awsJSON) decode(op *Operation, r *Request, v reflect.Value) *Error {
	if len(r.Body) == 0 {
		return nil
	}
	d := decoder{reader: &jsonReader{in: r.Body}}
	return d.document(op.Input, v)
}

func (p awsJSON) encodeResult(w http.ResponseWriter, s *Service, op *Operation, r *Request, requestID string, v reflect.Value) error {
	if op.StreamOut {
		return replyEvents(w, p, op, r, op.ok(), requestID, v, v)
	}
	w.Header()["Content-Type"] = jsonType(s)
	j := jsonWriters.Get().(*jsonWriter)
	defer j.free()
	encodeStructure(j, op.Output, v)
	return reply(w, op.ok(), requestID, j.out)
}

func (awsJSON) encodeError(h http.Header, s *Service, _ *Request, _ string, e *Error) []byte {
	h["Content-Type"] = jsonType(s)
	shape := s.exception(e.Code)
	s.setQueryError(h, e, shape)
	j := &jsonWriter{}
	e.encode(j, shape, h, s.qualified(e.Code))
	return j.out
}

func (awsJSON) document(m *Member, v reflect.Value) (kind string, body []byte) {
	return "application/json", jsonDocument(m.Shape, v)
}

func (awsJSON) exception(sh *Shape, e *Error) (kind string, body []byte) {
	return "application/json", jsonException(sh, e)
}

func jsonDocument(sh *Shape, v reflect.Value) []byte {
	w := jsonWriter{out: make([]byte, 0, 512)}
	encodeStructure(&w, sh, v)
	return w.out
}

// jsonException is an error as an event holds it, whose type stands in a header.
func jsonException(sh *Shape, e *Error) []byte {
	w := jsonWriter{}
	e.encode(&w, sh, http.Header{}, "")
	return w.out
}

var jsonTypes = map[string][]string{
	"1.0": {"application/x-amz-json-1.0"},
	"1.1": {"application/x-amz-json-1.1"},
}

// jsonType is the Content-Type of a service's answers.
func jsonType(s *Service) []string {
	if t := jsonTypes[s.JSONVersion]; t != nil {
		return t
	}
	return jsonTypes["1.0"]
}
