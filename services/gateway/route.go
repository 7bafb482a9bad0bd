package gateway

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"millrace/runtime/policy"
	"millrace/services/internal/wire"
)

// A router knows the services and finds the one that a request is for.
type router struct {
	services  []Service
	bySigning map[string]Service
	byTarget  map[string]Service
	byVersion map[string]Service
	byAction  map[string]Service // only action names that one service alone has
}

func newRouter(services []Service) *router {
	r := &router{
		services:  services,
		bySigning: map[string]Service{},
		byTarget:  map[string]Service{},
		byVersion: map[string]Service{},
		byAction:  map[string]Service{},
	}
	ambiguous := map[string]bool{}
	for _, s := range services {
		m := s.Model()
		r.bySigning[m.SigningName] = s
		if m.TargetPrefix != "" {
			r.byTarget[m.TargetPrefix] = s
		}
		if !speaks(m, wire.AWSQuery) {
			continue
		}
		r.byVersion[m.APIVersion] = s
		for _, op := range m.Operations {
			if r.byAction[op.Name] != nil {
				ambiguous[op.Name] = true
			}
			r.byAction[op.Name] = s
		}
	}
	for name := range ambiguous {
		delete(r.byAction, name)
	}
	return r
}

// service finds the service in the order that AWS's own front doors and years of
// generic signers suggest: what was signed for, what the protocol names, what
// the form says, the host, and at last the path. nil when nothing tells.
func (r *router) service(req *request) Service {
	if s := r.bySigning[req.scope.service]; s != nil {
		return s
	}
	if req.target != "" {
		prefix, _, _ := strings.Cut(req.target, ".")
		return r.byTarget[prefix]
	}
	if shape, _, ok := cborPath(req.http.URL.Path); ok {
		return r.byTarget[shape]
	}
	if s := r.byVersion[req.form.Get("Version")]; s != nil {
		return s
	}
	if action := req.form.Get("Action"); action != "" {
		if isQueuePath(req.http.URL.Path) {
			return r.bySigning["sqs"]
		}
		if s := r.byAction[action]; s != nil {
			return s
		}
	}
	label, _, _ := strings.Cut(strip(req.http.Host), ".")
	if s := r.bySigning[label]; s != nil {
		return s
	}
	if label == "queue" || isQueuePath(req.http.URL.Path) {
		return r.bySigning["sqs"]
	}
	for _, s := range r.services { // an unsigned REST call: whose path is it?
		if m := s.Model(); speaks(m, wire.RestJSON) {
			if op, _ := m.Route(req.http); op != nil {
				return s
			}
		}
	}
	return nil
}

// protocol tells in which of the service's protocols the request is written.
func protocol(m *wire.Service, req *request) wire.Protocol {
	if header(req.http, "Smithy-Protocol") == "rpc-v2-cbor" && speaks(m, wire.CBOR) {
		return wire.CBOR
	}
	if req.target != "" && speaks(m, wire.AWSJSON) {
		return wire.AWSJSON
	}
	for _, p := range []wire.Protocol{wire.RestJSON, wire.RestXML} {
		if speaks(m, p) {
			return p
		}
	}
	if speaks(m, wire.AWSQuery) && (req.isForm() || req.form.Has("Action") || !speaks(m, wire.AWSJSON)) {
		return wire.AWSQuery
	}
	if mediaType(req.http) == "" && req.http.Method == http.MethodGet && speaks(m, wire.AWSQuery) {
		return wire.AWSQuery
	}
	return wire.AWSJSON
}

func speaks(m *wire.Service, p wire.Protocol) bool {
	for _, q := range m.Protocols {
		if q == p {
			return true
		}
	}
	return false
}

// cborPath reads /service/<shape>/operation/<name>.
func cborPath(path string) (shape, op string, ok bool) {
	_, rest, ok := strings.Cut(path, "/service/")
	if !ok {
		return "", "", false
	}
	shape, op, ok = strings.Cut(rest, "/operation/")
	return shape, op, ok && !strings.Contains(op, "/")
}

// isQueuePath tells /<account>/<name> and /queue/<region>/<account>/<name>.
func isQueuePath(path string) bool {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch len(parts) {
	case 2:
		return policy.IsAccount(parts[0])
	case 4:
		return parts[0] == "queue" && policy.IsAccount(parts[2])
	}
	return false
}

// A request is an HTTP request as far as routing has understood it.
type request struct {
	http   *http.Request
	body   []byte
	lent   bool // body is the connection's, for as long as the handler runs
	scope  scope
	target string     // X-Amz-Target
	form   url.Values // of the query string and, in a form request, the body
}

// own makes a copy of a body that is lent.
func (r *request) own() {
	if r.lent {
		r.body, r.lent = bytes.Clone(r.body), false
	}
}

func (r *request) isForm() bool { return mediaType(r.http) == "application/x-www-form-urlencoded" }

// isAWS reports whether the request is one of AWS's API, to whatever service.
func (r *request) isAWS() bool {
	return r.target != "" || r.form.Has("Action") || r.scope.service != "" || header(r.http, "Smithy-Protocol") != ""
}

// header is the first value of a field; the name is in its canonical form, which
// [http.Header.Get] would look at each time.
func header(r *http.Request, name string) string {
	if values := r.Header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func mediaType(r *http.Request) string {
	ct := header(r, "Content-Type")
	if ct == "" || !strings.Contains(ct, ";") {
		return strings.ToLower(ct)
	}
	mt, _, _ := mime.ParseMediaType(ct)
	return mt
}
