package wire

import (
	"net/http"
	"reflect"
	"strings"
)

// rpcCBOR is rpc-v2-cbor: a POST with a document, whose path names the service and
// the operation.
type rpcCBOR struct{}

func (rpcCBOR) String() string { return "rpc-v2-cbor" }

func (rpcCBOR) Matches(r *Request) bool { return r.header("Smithy-Protocol") == "rpc-v2-cbor" }

// ServiceName is the service of a path /service/<service>/operation/<operation>, which
// may stand below another path.
func (rpcCBOR) ServiceName(r *Request) string {
	service, _ := cutCBORPath(r.HTTP.URL.Path)
	return service
}

func (rpcCBOR) Find(s *Service, r *Request) (*Operation, string) {
	_, name := cutCBORPath(r.HTTP.URL.Path)
	return s.Operation(name), name
}

func cutCBORPath(path string) (service, operation string) {
	_, rest, _ := strings.Cut(path, "/service/")
	service, operation, ok := strings.Cut(rest, "/operation/")
	if !ok || strings.Contains(operation, "/") {
		return "", ""
	}
	return service, operation
}

func (rpcCBOR) UnknownOperation(s *Service, _ *Request, name string) *Error { return s.unknown(name) }

func (rpcCBOR) decode(op *Operation, r *Request, v reflect.Value) *Error {
	if len(r.Body) == 0 {
		return nil
	}
	d := decoder{reader: &cborReader{in: r.Body}}
	return d.document(op.Input, v)
}

func (p rpcCBOR) encodeResult(w http.ResponseWriter, _ *Service, op *Operation, r *Request, requestID string, v reflect.Value) error {
	setCBOR(w.Header())
	if op.StreamOut {
		return replyEvents(w, p, op, r, op.ok(), requestID, v, v)
	}
	c := cborWriter{}
	encodeStructure(&c, op.Output, v)
	return reply(w, op.ok(), requestID, c.out)
}

func (rpcCBOR) encodeError(h http.Header, s *Service, _ *Request, _ string, e *Error) []byte {
	setCBOR(h)
	shape := s.exception(e.Code)
	s.setQueryError(h, e, shape)
	c := &cborWriter{}
	e.encode(c, shape, h, s.qualified(e.Code))
	return c.out
}

func (rpcCBOR) document(m *Member, v reflect.Value) (kind string, body []byte) {
	c := cborWriter{}
	encodeStructure(&c, m.Shape, v)
	return "application/cbor", c.out
}

func (rpcCBOR) exception(sh *Shape, e *Error) (kind string, body []byte) {
	c := cborWriter{}
	e.encode(&c, sh, http.Header{}, "")
	return "application/cbor", c.out
}

// setCBOR says that an answer is CBOR; clients refuse one that does not.
func setCBOR(h http.Header) {
	h.Set("Content-Type", "application/cbor")
	h.Set("Smithy-Protocol", "rpc-v2-cbor")
}
