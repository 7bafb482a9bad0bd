package wire

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strings"
)

// A Protocol is one of AWS's wire protocols: it recognizes its requests, finds the
// operation that they ask for, reads them and writes the answers. There are five,
// the variables below, and each has a file of its own.
type Protocol interface {
	// String is the name that AWS's models have for the protocol.
	String() string

	// Matches reports whether a request to a service that speaks the protocol is
	// written in it, by the request's head and its form as far as it is read.
	Matches(r *Request) bool

	// ServiceName returns the name by which a request in the protocol says which service
	// it is for, a Service's TargetPrefix or APIVersion; "" where it says nothing.
	ServiceName(r *Request) string

	// Find returns the operation that a request asks for, nil for none, and how the
	// request names it. In the REST protocols it also sets the request's Labels.
	Find(s *Service, r *Request) (op *Operation, name string)

	// UnknownOperation is the refusal of a request for which Find finds nothing.
	UnknownOperation(s *Service, r *Request, name string) *Error

	decode(op *Operation, r *Request, v reflect.Value) *Error
	encodeResult(w http.ResponseWriter, s *Service, op *Operation, r *Request, requestID string, v reflect.Value) error
	// encodeError sets the headers of an error and returns its body.
	encodeError(h http.Header, s *Service, r *Request, requestID string, e *Error) []byte
}

// The protocols.
var (
	AWSJSON  Protocol = awsJSON{} // awsJson1_0 and awsJson1_1
	AWSQuery Protocol = awsQuery{}
	RestJSON Protocol = restJSON{}
	RestXML  Protocol = restXML{}
	CBOR     Protocol = rpcCBOR{} // rpc-v2-cbor
)

// Speaks reports whether a service has a protocol.
func (s *Service) Speaks(p Protocol) bool {
	for _, q := range s.Protocols {
		if q == p {
			return true
		}
	}
	return false
}

// ProtocolOf returns in which of the service's protocols a request is written. One
// that shows no sign of any is in the service's first; a browser's, in the one that
// browsers can show.
func (s *Service) ProtocolOf(r *Request) Protocol {
	// The most telling ones first.
	for _, p := range [...]Protocol{CBOR, AWSJSON, RestJSON, RestXML, AWSQuery} {
		if s.Speaks(p) && p.Matches(r) {
			return p
		}
	}
	if r.HTTP.Method == http.MethodGet && r.mediaType() == "" && s.Speaks(AWSQuery) {
		return AWSQuery
	}
	return s.Protocols[0]
}

// Guess returns the protocol that a request seems to be written in when nobody
// knows its service, and RestJSON when it does not seem to be in any.
func Guess(r *Request) Protocol {
	for _, p := range [...]Protocol{AWSJSON, CBOR, AWSQuery} {
		if p.Matches(r) {
			return p
		}
	}
	return RestJSON
}

// A Request is what a protocol reads.
type Request struct {
	HTTP   *http.Request
	Target string            // X-Amz-Target; "" when the form has an Action, which counts then
	Form   url.Values        // of the query string and, once it is read, of a body that is a form
	Body   []byte            // all of it; in the REST protocols a payload that is bytes becomes a part of the input
	Stream io.Reader         // the body, not read yet, of an operation whose input streams; Body is nil then
	Labels map[string]string // REST protocols: of the path, from Find
	Path   string            // REST protocols: escaped, where it is not the URL's own; "" for that

	query url.Values // of the URL, once it is read

	// Translate gives an error that ends a stream of events its answer; nil stands for
	// an internal failure.
	Translate func(error) *Error
}

const formType = "application/x-www-form-urlencoded"

// Query returns the parameters of the URL, read once: they may not be changed. nil for
// none.
func (r *Request) Query() url.Values {
	if r.query == nil && r.HTTP.URL.RawQuery != "" {
		r.query = r.HTTP.URL.Query()
	}
	return r.query
}

// IsForm reports whether the body is a form, by its type.
func (r *Request) IsForm() bool {
	kind := r.header("Content-Type")
	return len(kind) >= len(formType) && r.mediaType() == formType // most types are shorter
}

func (r *Request) mediaType() string {
	kind, _, _ := strings.Cut(r.header("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// header is the first value of a field; the name is in its canonical form, which
// [http.Header.Get] would look at each time.
func (r *Request) header(name string) string {
	if values := r.HTTP.Header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Decode reads a request into in, which op.NewInput made. An error is an *Error:
// a SerializationException, or what the protocol has in its place.
func Decode(p Protocol, op *Operation, r *Request, in any) error {
	if err := p.decode(op, r, reflect.ValueOf(in).Elem()); err != nil {
		return err
	}
	return nil
}

// EncodeResult answers a request with what its operation returned.
func EncodeResult(w http.ResponseWriter, p Protocol, s *Service, op *Operation, r *Request, requestID string, out any) error {
	return p.encodeResult(w, s, op, r, requestID, reflect.ValueOf(out).Elem())
}

// EncodeError answers a request with an error. Where the service's model has the
// error, its members' names are the model's.
func EncodeError(w http.ResponseWriter, p Protocol, s *Service, r *Request, requestID string, e *Error) {
	h := w.Header()
	body := []byte(e.Body)
	if e.Body == "" {
		body = p.encodeError(h, s, r, requestID, e)
	}
	maps.Copy(h, e.Header)
	if r.HTTP != nil && r.HTTP.Method == http.MethodHead || e.Status == http.StatusNotModified {
		if e.Status == http.StatusNotModified {
			delete(h, "Content-Type")
		}
		w.WriteHeader(e.Status)
		return
	}
	_ = reply(w, e.Status, requestID, body) // a client that does not take the answer has no use for it
}

// ok is the status of an operation's success.
func (op *Operation) ok() int {
	if op.Status == 0 {
		return http.StatusOK
	}
	return op.Status
}
