// Package gateway is the one HTTP handler in front of every service.
//
// A request passes a chain that reads as a list: guard it against web pages,
// identify the caller, route it to a service and an operation by its head, read its
// body, decode it, check it, call the operation, encode the answer. Services see
// typed inputs and never a protocol; clients see AWS's answers, down to request ids
// and the shape of errors, also for requests that make no sense.
//
// The operation says how long its body may be, and whether it streams: then it
// reads the body itself, and its answer is sent as it comes. No service is known here
// by name; what one of them needs beyond its model, it implements ([Claimer],
// [Refuser], [Limiter]).
//
// Signatures are read, not verified: they say which account, region and service
// a request is for. The port is open to whoever reaches it, which is why the
// runtime listens on loopback only.
package gateway

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
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
	if g.isOwn(r) {
		if reason := g.guard.refuse(r); reason != "" {
			http.Error(w, reason, http.StatusForbidden)
			return
		}
		watchProgress(w, r)
		g.Own.ServeHTTP(w, r)
		return
	}
	watchProgress(w, r)
	c := &call{g: g, w: w, caller: identity.Caller{
		RequestID: requestID(), Host: r.Host, Path: r.URL.Path, TraceHeader: header(r, "X-Amzn-Trace-Id"),
		Remote: r.RemoteAddr, UserAgent: header(r, "User-Agent"), HTTP: r,
	}}
	c.req.HTTP = r
	if g.Log.Enabled(r.Context(), slog.LevelDebug) {
		defer c.logged()()
	}
	defer c.recover()
	if reason := g.guard.refuseHost(r); reason != "" {
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

	badRegion bool          // the signature's scope names none that can be
	service   Service       // nil until it is known
	protocol  wire.Protocol // nil until it is known
	op        *wire.Operation
	taken     bool   // the body was read, or given up
	unread    bool   // it was not read to its end, and the client may be sending it
	wrote     bool   // the answer has begun
	code      string // of the error that was answered

	observed func(error) // ends the span of an operation whose answer streams; nil for none
}

// isOwn reports whether a request is for the runtime itself. At the hosts of buckets it
// is not.
func (g *Gateway) isOwn(r *http.Request) bool {
	if !strings.HasPrefix(r.URL.Path, "/_runtime/") {
		return false
	}
	for _, s := range g.router.hosters {
		if _, ok := s.HostPath(r); ok {
			return false
		}
	}
	return true
}

// serve is the chain.
func (c *call) serve(ctx context.Context) error {
	c.identify()
	err := c.route()
	if served, err := c.servePage(ctx); served || err != nil {
		return err
	}
	if _, verifies := c.service.(Verifier); c.badRegion && !verifies { // who verifies has a sentence of its own
		return errRegion
	}
	if err != nil {
		return err
	}
	if err := c.verifyAndRead(ctx); err != nil {
		return err
	}
	model := c.service.Model()
	in := c.op.NewInput()
	if err := wire.Decode(c.protocol, c.op, &c.req.Request, in); err != nil {
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
	if c.op.StreamIn || c.op.StreamOut {
		return c.stream(model, out)
	}
	c.wrote = true
	return wire.EncodeResult(c.w, c.protocol, model, c.op, &c.req.Request, c.caller.RequestID, out)
}

// read takes the body in, whole and within the operation's limit, or hands it to an
// operation that reads it.
func (c *call) read() error {
	if c.op.StreamIn {
		return c.openStream()
	}
	if err := c.readBody(c.op.MaxBody); err != nil {
		return err
	}
	if c.protocol == wire.RestJSON || c.protocol == wire.RestXML {
		c.keepBody() // a payload becomes a part of the input
	}
	return nil
}

// verifyAndRead reads the body between the two looks of a service that wants them.
func (c *call) verifyAndRead(ctx context.Context) error {
	v, ok := c.service.(Verifier)
	if !ok {
		return c.read()
	}
	ctx = identity.With(ctx, &c.caller)
	if err := v.VerifyHead(ctx, c.op, &c.req.Request); err != nil {
		return err
	}
	if err := c.read(); err != nil || c.op.StreamIn {
		return err
	}
	return v.VerifyBody(ctx, c.op, &c.req.Request)
}

// refuse tells why a request may not be served, in its own protocol where it has
// one: a client that cannot read the answer does not show it.
func (c *call) refuse(reason string) {
	c.identify()
	_ = c.route() // what is wrong with it matters less
	c.refuseRouted(reason)
}

func (c *call) refuseRouted(reason string) {
	if c.service == nil && !c.req.isAWS() {
		http.Error(c.w, reason, http.StatusForbidden)
		return
	}
	c.fail(&wire.Error{Code: "AccessDeniedException", QueryCode: "AccessDenied", Status: http.StatusForbidden, Message: reason})
}

func (c *call) identify() {
	var signed bool
	c.req.scope, signed = scopeOf(c.req.HTTP)
	c.caller.AccessKey = c.req.scope.accessKey
	if !signed {
		c.caller.AccessKey = keyOfVersion2(c.req.HTTP)
	}
	c.caller.Anonymous = c.caller.AccessKey == ""
	c.caller.Account, c.caller.Session = c.g.account(c.caller.AccessKey)
	c.caller.Region = c.req.scope.region
	if !signed || c.req.scope.anyRegion {
		c.caller.Region = c.g.Region
	} else {
		c.badRegion = !arn.IsRegion(c.caller.Region)
	}
}

// invoke runs the operation, in a span of its own when somebody is watching.
func (c *call) invoke(ctx context.Context, m *wire.Service, in any) (any, error) {
	ctx = identity.With(ctx, &c.caller)
	if !telemetry.Tracing() && !telemetry.Metering() {
		return c.op.Call(ctx, c.service, in)
	}
	ctx = telemetry.Extract(ctx, propagation.HeaderCarrier(c.req.HTTP.Header))
	ctx = telemetry.WithXRay(ctx, c.caller.TraceHeader)
	ctx, end := observe(ctx, m, c.op, &c.caller, time.Now())
	out, err := c.op.Call(ctx, c.service, in)
	if c.op.StreamOut && err == nil {
		c.observed = end // when the stream has ended
	} else {
		end(err)
	}
	return out, err
}

// recover turns a panic into an internal failure: a bug in one operation must
// not take the others' requests with it.
func (c *call) recover() {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		c.g.Log.Error("panic", "value", fmt.Sprint(p), "stack", string(debug.Stack()))
		if c.wrote {
			panic(http.ErrAbortHandler) // what is there of the answer must not look like all
		}
		c.fail(fault.New(fault.Internal, "panic"))
	}
}
