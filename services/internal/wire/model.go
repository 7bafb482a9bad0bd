package wire

import "context"

// A Service is one AWS service as its API model describes it.
type Service struct {
	Name          string // "SQS"; for people
	SigningName   string // "sqs": the service in a credential scope
	APIVersion    string // "2012-11-05": the Version of query requests
	TargetPrefix  string // "AmazonSQS": of X-Amz-Target; "" when the service has no JSON protocol
	ShapePrefix   string // "com.amazonaws.sqs": put before error shapes in __type, or "" for bare names
	JSONVersion   string // "1.0" or "1.1"
	XMLNamespace  string
	QueryCompat   bool // JSON errors carry x-amzn-query-error (awsQueryCompatible)
	Protocols     []Protocol
	Operations    []*Operation
	Errors        []*Shape // the exceptions
	MissingOps    []string // operations of AWS's model that we do not imitate
	GenericChecks bool     // constraint failures get the generic "N validation errors detected" answer
}

// A Protocol is one of AWS's wire protocols.
type Protocol int

// The protocols.
const (
	AWSJSON Protocol = iota + 1 // awsJson1_0 and awsJson1_1
	AWSQuery
	RestJSON
	RestXML
	CBOR // rpc-v2-cbor
)

// An Operation is one call of a service.
type Operation struct {
	Name          string // "SendMessage"
	Method        string // for the REST protocols
	URI           string // "/2015-03-31/functions/{FunctionName}", with the fixed query string if any
	Status        int    // of a success; 0 means 200
	Input         *Shape // without members when there is none
	Output        *Shape
	ResultWrapper string // query: "SendMessageResult"; "" when there is no output

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
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }
