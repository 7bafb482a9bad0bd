package gateway

import (
	"maps"
	"net/http"
	"net/url"
	"strings"

	"millrace/services/internal/wire"
)

// A request is an HTTP request as far as routing has understood it.
type request struct {
	wire.Request
	scope scope
}

// isAWS reports whether the request is one of AWS's API, to whatever service.
func (r *request) isAWS() bool {
	return r.Target != "" || r.Form.Has("Action") || r.scope.service != "" || header(r.HTTP, "Smithy-Protocol") != ""
}

// header is the first value of a field; the name is in its canonical form, which
// [http.Header.Get] would look at each time.
func header(r *http.Request, name string) string {
	if values := r.Header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// A router knows the services and finds the one that a request is for.
type router struct {
	services  []Service
	hosters   []hoster
	bySigning map[string]Service
	byName    map[string]Service // target prefixes, and versions of services with the query protocol
	byAction  map[string]Service // only action names that one service alone has

	streaming   map[string]bool // names of operations that stream
	streamPaths []streamPath    // those of each service with paths
}

// A hoster is a service that is a Hoster.
type hoster interface {
	Service
	Hoster
}

func newRouter(services []Service) *router {
	r := &router{
		services:  services,
		bySigning: map[string]Service{},
		byName:    map[string]Service{},
		byAction:  map[string]Service{},
		streaming: map[string]bool{},
	}
	ambiguous := map[string]bool{}
	for _, s := range services {
		m := s.Model()
		for _, name := range append([]string{m.SigningName}, m.AlsoSigned...) {
			r.bySigning[name] = s
		}
		r.addStreams(s)
		if h, ok := s.(hoster); ok {
			r.hosters = append(r.hosters, h)
		}
		if m.TargetPrefix != "" {
			r.byName[m.TargetPrefix] = s
		}
		if !m.Speaks(wire.AWSQuery) {
			continue
		}
		r.byName[m.APIVersion] = s
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
// generic signers suggest: what was signed for, what the protocol names, the host,
// what a service claims, the action, and at last the path. nil when nothing tells.
func (r *router) service(req *request) Service {
	if s := r.bySigning[req.scope.service]; s != nil {
		return s
	}
	for _, p := range [...]wire.Protocol{wire.AWSJSON, wire.CBOR} {
		if name := p.ServiceName(&req.Request); name != "" {
			return r.byName[name]
		}
	}
	if s := r.byName[wire.AWSQuery.ServiceName(&req.Request)]; s != nil {
		return s
	}
	for _, s := range r.hosters {
		if _, ok := s.HostPath(req.HTTP); ok {
			return s
		}
	}
	label, _, _ := strings.Cut(strip(req.HTTP.Host), ".")
	if s := r.bySigning[label]; s != nil {
		return s
	}
	for _, s := range r.services {
		if c, ok := s.(Claimer); ok && c.Claims(req.HTTP) {
			return s
		}
	}
	if s := r.byAction[req.Form.Get("Action")]; s != nil {
		return s
	}
	for _, s := range r.services { // an unsigned REST call: whose path is it?
		m := s.Model()
		_, claims := s.(Claimer)
		if _, last := s.(LastClaimer); claims || last || !m.Speaks(wire.RestJSON) && !m.Speaks(wire.RestXML) {
			continue
		}
		if m.HasRoute(req.HTTP, req.HTTP.URL.EscapedPath()) {
			return s
		}
	}
	return nil
}

// lastClaim finds the service of a request that is nobody's otherwise; nil for none, and
// for a request to a service that is not supported.
func (r *router) lastClaim(req *request) Service {
	if req.isAWS() {
		return nil
	}
	for _, s := range r.services {
		if c, ok := s.(LastClaimer); ok && c.ClaimsRest(req.HTTP) {
			return s
		}
	}
	return nil
}

// route finds the service, the protocol and the operation, from the head of the
// request if that is enough.
func (c *call) route() error {
	c.readQuery()
	c.service = c.g.router.service(&c.req)
	if c.mayHoldAction() {
		if err := c.readForm(); err != nil {
			return err
		}
		if c.service == nil {
			c.service = c.g.router.service(&c.req)
		}
	}
	if c.service == nil {
		c.service = c.g.router.lastClaim(&c.req)
	}
	if c.service == nil {
		return unknownService(&c.req)
	}
	m := c.service.Model()
	if h, ok := c.service.(Hoster); ok {
		c.req.Path, _ = h.HostPath(c.req.HTTP)
	}
	c.protocol = m.ProtocolOf(&c.req.Request)
	c.caller.Query = c.protocol == wire.AWSQuery
	if c.protocol == wire.RestXML {
		c.caller.RequestID = wire.ShortID(c.caller.RequestID)
		c.caller.HostID = wire.HostID(c.caller.RequestID)
	}
	var name string
	if c.op, name = c.protocol.Find(m, &c.req.Request); c.op != nil {
		return nil
	}
	if s, ok := c.service.(Refuser); ok {
		if e := s.RefuseOperation(&c.req.Request, c.protocol, name); e != nil {
			return e
		}
	}
	return c.protocol.UnknownOperation(m, &c.req.Request, name)
}

// mayHoldAction reports whether the body is a form that says what is asked, or even of
// which service.
func (c *call) mayHoldAction() bool {
	if !c.req.IsForm() {
		return false
	}
	if c.service != nil {
		return c.service.Model().Speaks(wire.AWSQuery)
	}
	// An unsigned upload by curl is a form by its type, and no request in a form is a PUT.
	return c.req.HTTP.Method != http.MethodPut || c.g.router.lastClaim(&c.req) == nil
}

// readQuery reads the target, and the parameters of the query string where they may
// be a request's in the query protocol. Clients of Perl, Java and Ballerina that are
// older than SQS's JSON send a target with their forms, of another prefix
// (AmazonSQSv20121105): where there is an Action, it counts.
func (c *call) readQuery() {
	r := c.req.HTTP
	c.req.Target = header(r, "X-Amz-Target")
	if c.req.Target != "" && r.Method != http.MethodGet && !c.req.IsForm() {
		return
	}
	c.req.Form = c.req.Query()
	if c.req.Form.Has("Action") {
		c.req.Target = ""
	}
}

// readForm reads a body that is a form. One without an Action may be the JSON of a
// curl -d, when there is a target.
func (c *call) readForm() error {
	if err := c.readBody(maxForm); err != nil {
		return err
	}
	form, err := url.ParseQuery(string(c.req.Body))
	if err != nil && c.req.Target == "" && (c.service != nil || c.g.router.lastClaim(&c.req) == nil) {
		return &wire.Error{Code: "MalformedQueryString", Status: 400, Message: "The query string contains a syntax error"}
	}
	if c.req.Form == nil {
		c.req.Form = form
	} else {
		c.req.Form = maps.Clone(c.req.Form)
		maps.Copy(c.req.Form, form)
	}
	if c.req.Form.Has("Action") {
		c.req.Target = ""
	}
	return nil
}
