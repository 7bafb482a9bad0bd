package gateway

import (
	"errors"
	"fmt"
	"net/http"

	"millrace/runtime/fault"
	"millrace/services/internal/wire"
)

// errRegion is the answer to a signature whose scope names no region. The region
// becomes a part of keys and names: one that cannot be comes no further.
var errRegion = &wire.Error{Code: "SignatureDoesNotMatch", Status: http.StatusForbidden,
	Message: "Credential should be scoped to a valid region."}

// unknownService is the answer when nothing tells which service is meant, or a
// signature tells one that is not supported.
func unknownService(req *request) *wire.Error {
	text := "The request names no service: it has no signature, target, action or path of one."
	switch {
	case req.Target != "":
		text = fmt.Sprintf("The target %s names no service that Millrace supports.", req.Target)
	case req.scope.service != "":
		text = fmt.Sprintf("The service %s is not supported by Millrace.", req.scope.service)
	}
	return &wire.Error{Code: "UnknownOperationException", Status: http.StatusNotFound, Message: text}
}

// nobody is the model of a service that is not known, for the errors of its requests.
var nobody = &wire.Service{JSONVersion: "1.0"}

// fail answers with an error in the request's own protocol.
func (c *call) fail(err error) {
	if c.wrote {
		c.g.Log.Debug("response truncated", "request", c.caller.RequestID, "err", err)
		if c.op.StreamOut {
			panic(http.ErrAbortHandler) // else it would look complete
		}
		return
	}
	e := c.translate(err)
	p, m := c.protocol, nobody
	if c.service != nil {
		m = c.service.Model()
	}
	if p == nil {
		p = wire.Guess(&c.req.Request)
	}
	if c.dismissBody(); c.unread {
		c.w.Header().Set("Connection", "close")
	}
	wire.EncodeError(c.w, p, m, &c.req.Request, c.caller.RequestID, e)
}

// translate gives an error its answer: the service's own, or what stands for one that
// no service named.
func (c *call) translate(err error) *wire.Error {
	var e *wire.Error
	if !errors.As(err, &e) {
		e = c.unnamed(err)
	}
	if t, ok := c.service.(ErrorTranslator); ok {
		e = t.TranslateError(e)
	}
	c.code = e.Code
	return e
}

// unnamed is the answer to an error that no service named. Its cause goes to the log,
// never to the client.
func (c *call) unnamed(err error) *wire.Error {
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
