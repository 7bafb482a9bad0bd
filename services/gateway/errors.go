package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"

	"millrace/services/internal/wire"
)

// errNoAction is what a browser meets that opens a queue's URL: AWS answers it
// in a form of its own.
var errNoAction = errors.New("no action")

// errRegion is the answer to a signature whose scope names no region. The region
// becomes a part of keys and names: one that cannot be comes no further.
var errRegion = &wire.Error{Code: "SignatureDoesNotMatch", Status: http.StatusForbidden,
	Message: "Credential should be scoped to a valid region."}

// malformedBody is the answer to a body whose chunks cannot be told apart.
var malformedBody = &wire.Error{Code: "MalformedHttpRequestException", QueryCode: "MalformedHttpRequest", Status: http.StatusBadRequest,
	Message: "The body of the request is malformed."}

// gone reports whether reading a body failed for a client that went away, or
// that stopped sending: what it has sent until then was right.
func gone(err error) bool {
	var n net.Error
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, context.Canceled) || errors.As(err, &n)
}

// tooLarge is the answer to a body over the limit; Lambda has words of its own.
func tooLarge(r *router, req *request) *wire.Error {
	e := &wire.Error{Code: "RequestEntityTooLargeException", QueryCode: "RequestEntityTooLarge", Status: http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("Request must be smaller than %d bytes", maxBody)}
	if s := r.service(req); s != nil && speaks(s.Model(), wire.RestJSON) {
		if op, _ := s.Model().Route(req.http); op != nil {
			e.Code = "RequestTooLargeException"
			e.Message += " for the " + op.Name + " operation"
		}
	}
	return e
}

// unknownService is the answer when nothing tells which service is meant, or a
// signature tells one that is not supported.
func unknownService(req *request) *wire.Error {
	text := "The request names no service: it has no signature, target, action or path of one."
	switch {
	case req.target != "":
		text = fmt.Sprintf("The target %s names no service that Millrace supports.", req.target)
	case req.scope.service != "":
		text = fmt.Sprintf("The service %s is not supported by Millrace.", req.scope.service)
	}
	return &wire.Error{Code: "UnknownOperationException", Status: http.StatusNotFound, Message: text}
}

// unknownOperation is AWS's answer for a name that the service does not have,
// or that is not supported; it says which of the two.
func unknownOperation(m *wire.Service, p wire.Protocol, name string) *wire.Error {
	text := fmt.Sprintf("The operation %s of %s is not supported by Millrace.", name, m.Name)
	if !slices.Contains(m.MissingOps, name) {
		text = ""
	}
	if p == wire.AWSQuery {
		e := &wire.Error{Code: "InvalidAction", Status: http.StatusBadRequest, Message: text}
		switch {
		case name == "":
			e.Code, e.Message = "MissingAction", "The request must contain the parameter Action."
		case text == "" && m.SigningName == "sqs":
			e.Message = fmt.Sprintf("The action %s is not valid for this endpoint.", name)
		case text == "":
			e.Message = fmt.Sprintf("Could not find operation %s for version %s", name, m.APIVersion)
		}
		return e
	}
	return &wire.Error{Code: "UnknownOperationException", Status: http.StatusBadRequest, Message: text}
}

// unknownPath is the same for a service whose operations are paths.
func unknownPath(m *wire.Service, r *http.Request) *wire.Error {
	return &wire.Error{Code: "UnknownOperationException", Status: http.StatusNotFound,
		Message: fmt.Sprintf("No operation of %s that Millrace supports answers %s %s.", m.Name, r.Method, r.URL.Path)}
}

// guess picks the protocol of an error when the service is not known: the one
// that the request seems to be written in.
func guess(req *request) (wire.Protocol, *wire.Service) {
	switch {
	case req.target != "":
		return wire.AWSJSON, &wire.Service{JSONVersion: "1.0"}
	case header(req.http, "Smithy-Protocol") != "":
		return wire.CBOR, &wire.Service{}
	case req.form.Has("Action") || req.isForm():
		return wire.AWSQuery, &wire.Service{}
	}
	return wire.RestJSON, &wire.Service{}
}
