// Package wire reads requests and writes answers in AWS's protocols: awsJson 1.0
// and 1.1, awsQuery, restJson1, restXml and rpc-v2-cbor.
//
// A [Service] is a service's model, generated from AWS's: its operations, and
// the [Shape]s that their inputs and outputs have. The codecs walk a shape and a
// Go value side by side, member i of the one being field i of the other; nothing
// is looked up by name but what the client wrote. A front end, then, is
//
//	in := op.NewInput()
//	if err := wire.Decode(protocol, op, request, in); err != nil { … }
//	if err := wire.Validate(op, in); err != nil { … }
//	out, err := op.Call(ctx, handler, in)
//	if err != nil { wire.EncodeError(…) } else { wire.EncodeResult(…) }
//
// with [Service.Operation] or, for the REST protocols, [Service.Route] to find
// op. In the Go types a nil pointer, slice or map is an absent member; an empty
// one is there. So a nil list is left out of a JSON answer, and an empty one is
// written as [].
//
// What it promises: texts and blobs arrive as they were sent, byte for byte, or
// the request is refused with AWS's words; nothing read holds a nil in a list or
// a map; requests that nest deeper than a hundred levels are refused; the same
// answer is written the same way every time. Unknown members are passed over, as
// AWS does. No generated type has a document or a union
// that would need more than a structure, and no input is a stream of events. How
// bodies and events stream is told in stream.go.
//
// The codecs are tested against AWS's own protocol test cases and AWS's clients;
// package wiretest holds what is generated for that.
package wire

import (
	"context"
	"net/http"
)

// A Service is one AWS service as its API model describes it.
type Service struct {
	Name         string   // "SQS"; for people
	SigningName  string   // "sqs": the service in a credential scope
	AlsoSigned   []string // further names in credential scopes
	APIVersion   string   // "2012-11-05": the Version of query requests
	TargetPrefix string   // "AmazonSQS": of X-Amz-Target; "" when the service has no JSON protocol
	ShapePrefix  string   // "com.amazonaws.sqs": put before error shapes in __type, or "" for bare names
	JSONVersion  string   // "1.0" or "1.1"
	XMLNamespace string
	QueryCompat  bool // JSON errors carry x-amzn-query-error (awsQueryCompatible)
	Protocols    []Protocol
	Operations   []*Operation
	Errors       []*Shape // the exceptions
	MissingOps   []string // operations of AWS's model that Millrace does not support
	// MissingRoutes are those of MissingOps that a request's method and path tell: they
	// have no more than a Name and a route. nil for a service that does not refuse
	// operations by name.
	MissingRoutes []*Operation
	GenericChecks bool // constraint failures get the generic "N validation errors detected" answer
}

// An Operation is one call of a service.
type Operation struct {
	Name          string   // "SendMessage"
	Method        string   // for the REST protocols
	URI           string   // "/2015-03-31/functions/{FunctionName}", with the fixed query string if any
	NeedsQuery    []string // of its route only requests with one of these parameters ask for it; nil for all
	NeedsHeaders  []string // of its route only requests with all of these headers ask for it
	Status        int      // of a success; 0 means 200
	Input         *Shape   // without members when there is none
	Output        *Shape
	ResultWrapper string // query: "SendMessageResult"; "" when there is no output
	Root          string // restXml: root element of an answer; "" for Name+"Response"
	MaxBody       int64  // of a request, in bytes; 0 for no limit
	StreamIn      bool   // a member of the input is the body, which the operation reads
	StreamOut     bool   // a member of the output is a stream: of bytes, or of events

	NewInput  func() any // a *SendMessageInput
	NewOutput func() any // a *SendMessageOutput
	// Call runs the operation on a service's implementation, a Handler of the
	// generated package. Its out is never a nil pointer when err is nil.
	Call func(ctx context.Context, handler, in any) (out any, err error)
}

// New makes a *T.
func New[T any]() any { return new(T) }

// Call makes an Operation's Call of a method of a Handler.
func Call[H, I, O any](method func(H, context.Context, *I) (*O, error)) func(ctx context.Context, handler, in any) (any, error) {
	return func(ctx context.Context, handler, in any) (any, error) {
		out, err := method(handler.(H), ctx, in.(*I))
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = new(O)
		}
		return out, nil
	}
}

// An Error is an error as a client shall see it: everything but the request id.
type Error struct {
	Code      string // the model's shape name, or the Coral name of an error without one: "QueueDoesNotExist", "InvalidParameterValueException"
	QueryCode string // in the query protocol and x-amzn-query-error; "" when it equals Code
	Status    int    // HTTP
	Fault     bool   // the server's fault (Receiver) rather than the sender's
	Message   string
	Fields    map[string]any // further members of the error shape, by wire name, for instance Reason
	Elements  []Element      // restXml: what follows the message, in this order
	Header    http.Header    // further headers of the answer; the names are canonical
	Body      string         // the whole body of an answer that is in no protocol's form; "" for the protocol's
}

// An Element is an element of an error in XML that holds a text.
type Element struct{ Name, Text string }

func (e *Error) Error() string { return e.Code + ": " + e.Message }
