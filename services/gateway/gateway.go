// Package gateway is the one HTTP handler in front of every service.
//
// A request passes a chain that reads as a list: guard it against web pages,
// identify the caller, route it to a service and an operation, decode it, check
// it, call the operation, encode the answer. Services see typed inputs and
// never a protocol; clients see AWS's answers, down to request ids and the shape
// of errors, also for requests that make no sense.
//
// Signatures are read, not verified: they say which account, region and service
// a request is for. The port is open to whoever reaches it, which is why the
// runtime listens on loopback only.
package gateway

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/propagation"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
	"millrace/runtime/telemetry"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// maxBody bounds a request's body, in bytes: the largest that AWS takes for a
// service of ours, a base64 zip for CreateFunction.
const maxBody = 70167211

// trusted is the length up to which a request gets room for its body before any
// of it has come.
const trusted = 2 << 20

// A Service is one AWS service: the model of its API, and itself the handler of
// the model's operations.
type Service interface {
	Model() *wire.Service
}

// A Config says what the gateway serves and whom it trusts.
type Config struct {
	Services []Service
	Own      http.Handler // serves /_runtime/…
	Account  string       // of callers whose access key names none
	Region   string       // of callers whose scope names none
	Hosts    []string     // Host headers served beside loopback names and addresses
	Log      *slog.Logger // nil for none

	// SessionOf tells whose a temporary access key is; nil for all other keys. A
	// nil function knows none.
	SessionOf func(accessKey string) *identity.Session
}

// A Gateway is the handler.
type Gateway struct {
	Config
	guard  guard
	router *router
}

// New builds the handler.
func New(c Config) *Gateway {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Gateway{Config: c, guard: guard{c.Hosts}, router: newRouter(c.Services)}
}

// ServeHTTP answers a request in its own protocol.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	own := strings.HasPrefix(r.URL.Path, "/_runtime/")
	reason := g.guard.refuse(r)
	if own && reason != "" {
		http.Error(w, reason, http.StatusForbidden)
		return
	}
	watchProgress(w, r)
	if own {
		g.Own.ServeHTTP(w, r)
		return
	}
	c := &call{g: g, w: w, caller: identity.Caller{
		RequestID: requestID(), Host: r.Host, Path: r.URL.Path, TraceHeader: header(r, "X-Amzn-Trace-Id"),
		Remote: r.RemoteAddr, UserAgent: header(r, "User-Agent"),
	}}
	c.req.http = r
	if g.Log.Enabled(r.Context(), slog.LevelDebug) {
		defer c.logged()()
	}
	defer c.recover()
	if reason != "" {
		c.refuse(reason)
	} else if err := c.serve(r.Context()); err != nil {
		c.fail(err)
	}
	if c.unread {
		linger(c.w)
	}
}

// requestID makes the UUID of an answer. Nobody gains by guessing one.
func requestID() string {
	var id uuid.UUID
	binary.NativeEndian.PutUint64(id[:], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // variant of RFC 9562
	return id.String()
}

// A call is one request on its way through the chain. What it has learned so
// far decides how an error is told.
type call struct {
	g      *Gateway
	w      http.ResponseWriter
	req    request
	caller identity.Caller

	badRegion bool    // the signature's scope names none that can be
	service   Service // nil until it is known
	protocol  wire.Protocol
	op        *wire.Operation
	wrote     bool   // the answer has begun
	unread    bool   // the body was not read to its end, and the client may be sending it
	code      string // of the error that was answered
}

// serve is the chain.
func (c *call) serve(ctx context.Context) error {
	c.identify()
	if err := c.read(); err != nil {
		return err
	}
	labels, err := c.route()
	if c.badRegion {
		return errRegion
	}
	if err != nil {
		return err
	}
	model := c.service.Model()
	in := c.op.NewInput()
	if err := wire.Decode(c.protocol, c.op, &wire.Request{HTTP: c.req.http, Body: c.req.body, Form: c.req.form, Labels: labels}, in); err != nil {
		return err
	}
	if model.GenericChecks {
		if err := wire.Validate(c.op, in); err != nil {
			return err
		}
	}
	out, err := c.invoke(ctx, model, in)
	if err != nil {
		return err
	}
	c.wrote = true
	return wire.EncodeResult(c.w, c.protocol, model, c.op, &wire.Request{HTTP: c.req.http}, c.caller.RequestID, out)
}

// read takes the whole body in: every protocol but S3's needs it whole. One that
// is there already (http1) is read where it is.
func (c *call) read() error {
	r := c.req.http
	c.req.target = header(r, "X-Amz-Target")
	if whole, ok := r.Body.(interface{ Bytes() []byte }); ok {
		c.req.body, c.req.lent = whole.Bytes(), true
		return c.readForm()
	}
	var err error
	switch n := r.ContentLength; {
	case n > maxBody:
		c.unread = true
		return tooLarge(c.g.router, &c.req)
	case 0 <= n && n <= trusted:
		c.req.body = make([]byte, n)
		_, err = io.ReadFull(r.Body, c.req.body)
	default:
		c.req.body, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if len(c.req.body) > maxBody {
			c.unread = true
			return tooLarge(c.g.router, &c.req)
		}
	}
	if err != nil {
		c.unread = true
		if gone(err) {
			return fault.Wrap(fault.Canceled, err, "reading the request")
		}
		return malformedBody
	}
	return c.readForm()
}

// readForm reads the parameters of a request in the query protocol. Clients of
// Perl, Java and Ballerina that are older than SQS's JSON send a target with
// their forms, of another prefix (AmazonSQSv20121105): where there is an Action,
// it counts. A form without one may be the JSON of a curl -d.
func (c *call) readForm() error {
	r := c.req.http
	isForm := c.req.isForm()
	if c.req.target != "" && !isForm && r.Method != http.MethodGet {
		return nil
	}
	c.req.form = r.URL.Query()
	if isForm {
		body, err := url.ParseQuery(string(c.req.body))
		if err != nil && c.req.target == "" {
			return &wire.Error{Code: "MalformedQueryString", Status: 400, Message: "The query string contains a syntax error"}
		}
		maps.Copy(c.req.form, body)
	}
	if c.req.form.Has("Action") {
		c.req.target = ""
	}
	return nil
}

// refuse tells why a request may not be served, in its own protocol where it has
// one: a client that cannot read the answer does not show it.
func (c *call) refuse(reason string) {
	c.identify()
	_ = c.read() // what is wrong with it matters less
	if c.service = c.g.router.service(&c.req); c.service != nil {
		c.protocol = protocol(c.service.Model(), &c.req)
	} else if !c.req.isAWS() {
		http.Error(c.w, reason, http.StatusForbidden)
		return
	}
	c.fail(&wire.Error{Code: "AccessDeniedException", QueryCode: "AccessDenied", Status: http.StatusForbidden, Message: reason})
}

func (c *call) identify() {
	var signed bool
	c.req.scope, signed = scopeOf(c.req.http)
	c.caller.AccessKey = c.req.scope.accessKey
	c.caller.Anonymous = c.caller.AccessKey == ""
	c.caller.Account, c.caller.Session = c.g.account(c.caller.AccessKey)
	c.caller.Region = c.req.scope.region
	if !signed || c.req.scope.anyRegion {
		c.caller.Region = c.g.Region
	} else {
		c.badRegion = !arn.IsRegion(c.caller.Region)
	}
}

// route finds the service, the protocol and the operation.
func (c *call) route() (labels map[string]string, err error) {
	c.service = c.g.router.service(&c.req)
	if c.service == nil {
		return nil, unknownService(&c.req)
	}
	m := c.service.Model()
	c.protocol = protocol(m, &c.req)
	c.caller.Query = c.protocol == wire.AWSQuery
	var name string
	switch c.protocol {
	case wire.AWSJSON:
		_, name, _ = strings.Cut(c.req.target, ".")
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			name = name[i+1:]
		}
	case wire.CBOR:
		_, name, _ = cborPath(c.req.http.URL.Path)
	case wire.AWSQuery:
		name = c.req.form.Get("Action")
		if name == "" && isQueuePath(c.req.http.URL.Path) {
			return nil, errNoAction
		}
	default:
		c.req.own() // a payload becomes a part of the input
		c.op, labels = m.Route(c.req.http)
		if c.op == nil {
			return nil, unknownPath(m, c.req.http)
		}
		return labels, nil
	}
	if c.op = m.Operation(name); c.op == nil {
		return nil, unknownOperation(m, c.protocol, name)
	}
	if c.protocol == wire.AWSQuery {
		nameEntries(c.op, c.req.form)
	}
	return nil, nil
}

// invoke runs the operation, in a span of its own when somebody is watching.
func (c *call) invoke(ctx context.Context, m *wire.Service, in any) (any, error) {
	ctx = identity.With(ctx, &c.caller)
	if !telemetry.Tracing() && !telemetry.Metering() {
		return c.op.Call(ctx, c.service, in)
	}
	ctx = telemetry.Extract(ctx, propagation.HeaderCarrier(c.req.http.Header))
	ctx = telemetry.WithXRay(ctx, c.caller.TraceHeader)
	ctx, end := observe(ctx, m, c.op, &c.caller, time.Now())
	out, err := c.op.Call(ctx, c.service, in)
	end(err)
	return out, err
}

// fail answers with an error in the request's own protocol.
func (c *call) fail(err error) {
	if c.wrote {
		c.g.Log.Debug("response truncated", "request", c.caller.RequestID, "err", err)
		return
	}
	if err == errNoAction {
		c.w.Header().Set("X-Amzn-Requestid", c.caller.RequestID)
		c.w.WriteHeader(http.StatusNotFound)
		io.WriteString(c.w, "<UnknownOperationException/>")
		return
	}
	var e *wire.Error
	if !errors.As(err, &e) {
		e = c.translate(err)
	}
	p, m := c.protocol, (*wire.Service)(nil)
	if c.service != nil {
		m = c.service.Model()
	} else {
		p, m = guess(&c.req)
	}
	if c.unread {
		c.w.Header().Set("Connection", "close")
	}
	c.code = e.Code
	wire.EncodeError(c.w, p, m, &wire.Request{HTTP: c.req.http}, c.caller.RequestID, e)
}

// translate gives an error that no service named its answer. Its cause goes to
// the log, never to the client.
func (c *call) translate(err error) *wire.Error {
	name := ""
	if c.op != nil {
		name = c.op.Name
	}
	switch fault.Of(err) {
	case fault.Canceled, fault.Timeout:
		return &wire.Error{Code: "RequestTimeout", Status: 408, Message: "The request was given up before it was answered."}
	case fault.Invalid: // that no service foresaw; the client must not try it again
		c.g.Log.Info("invalid", "operation", name, "request", c.caller.RequestID, "err", err)
		return &wire.Error{Code: "ValidationException", QueryCode: "ValidationError", Status: 400, Message: "The request holds a value that cannot be stored."}
	case fault.Unavailable:
		if what, told := fault.Told(err); told {
			c.g.Log.Debug("unavailable", "operation", name, "request", c.caller.RequestID, "err", err)
			return &wire.Error{Code: "ServiceUnavailable", Status: 503, Fault: true, Message: "The service is unavailable. " + what}
		}
		c.g.Log.Warn("unavailable", "operation", name, "request", c.caller.RequestID, "err", err)
		return &wire.Error{Code: "ServiceUnavailable", Status: 503, Fault: true, Message: "The service is unavailable. Please try again."}
	}
	c.g.Log.Error("failed", "operation", name, "request", c.caller.RequestID, "err", err)
	return &wire.Error{Code: "InternalFailure", Status: 500, Fault: true, Message: "The request processing has failed because of an unknown error, exception or failure."}
}

// recover turns a panic into an internal failure: a bug in one operation must
// not take the others' requests with it.
func (c *call) recover() {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		c.g.Log.Error("panic", "value", fmt.Sprint(p), "stack", string(debug.Stack()))
		c.fail(fault.New(fault.Internal, "panic"))
	}
}
