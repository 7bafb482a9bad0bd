package jetqueue

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/store/keys"
)

// A call is one operation on a queue, in a form that can be sent to the node that
// owns the queue. Each method uses the fields it needs.
type call struct {
	Method     method
	Queue      queue.ID
	Generation uint64 `json:"Source"` // of the queue that is meant
	From       string // the node that asks

	Messages         []queue.Message          `json:",omitempty"`
	Receive          *queue.ReceiveRequest    `json:",omitempty"`
	Handles          []string                 `json:",omitempty"`
	Changes          []queue.VisibilityChange `json:",omitempty"`
	Peek             *queue.PeekRequest       `json:",omitempty"`
	Max              int                      `json:",omitempty"`
	To               *queue.ID                `json:",omitempty"`
	SourceGeneration uint64                   `json:"Burier,omitempty"`
	Transfers        []queue.Transfer         `json:"Burials,omitempty"`
}

type method string

const (
	methodSend             method = "send"
	methodReceive          method = "receive"
	methodDelete           method = "delete"
	methodChangeVisibility method = "change visibility"
	methodPurge            method = "purge"
	methodCounts           method = "counts"
	methodMetrics          method = "metrics"
	methodPeek             method = "peek"
	methodMove             method = "move"
	methodAcceptTransfers  method = "arrive"
	methodConfigure        method = "configure" // the queue's record has changed
	methodRelease          method = "release"   // the asking node is the new owner
)

// isRepeatable reports whether the call can be made twice with the effect of one:
// then it is retried although its outcome is unknown. Messages that the first try of
// a receive handed out stay in flight, as when a response to a client is lost. FIFO
// sends are deduplicated by their ids, numbered ones by their numbers.
func (c *call) isRepeatable() bool {
	switch c.Method {
	case methodSend:
		return c.Queue.FIFO() || !slices.ContainsFunc(c.Messages, func(m queue.Message) bool { return !m.IsNumbered() })
	case methodPurge, methodMove:
		return false
	}
	return true
}

// lostError is the error of a call whose outcome is unknown: errMoved when the call
// can be repeated.
func (c *call) lostError(format string, args ...any) error {
	if c.isRepeatable() {
		return errMoved
	}
	return fault.New(fault.Unavailable, format, args...)
}

// A response is the result of a call.
type response struct {
	Error    *wireError              `json:",omitempty"`
	Errors   []*wireError            `json:",omitempty"` // one for each handle or change
	Sent     []queue.SendResult      `json:",omitempty"`
	Received []queue.ReceivedMessage `json:",omitempty"`
	Peeked   []queue.PeekedMessage   `json:",omitempty"`
	Counts   queue.Counts            `json:",omitzero"`
	Metrics  queue.Metrics           `json:",omitzero"`
	Moved    int                     `json:",omitempty"`

	err      error // Error and Errors, decoded
	itemErrs []error
}

// A wireError is an error between nodes: one of the sentinels, or a code and its
// sentence, or both. The cause stays in the owner's log.
type wireError struct {
	Known int        `json:",omitempty"` // index in sentinels, from 1; 0 for none
	Code  fault.Code `json:",omitempty"`
	What  string     `json:",omitempty"`
}

// errMoved says that another node owns the queue, and that the call was not begun:
// it can be made there.
var errMoved = fault.New(fault.Unavailable, "the queue has moved to another node")

// sentinels are the errors that callers compare. Their order is part of the protocol
// between nodes: only append.
var sentinels = []error{
	errMoved, queue.ErrInvalidHandle, queue.ErrMessageNotFound, queue.ErrHandleExpired, queue.ErrVisibilityTooLong, queue.ErrAttemptNotRetryable,
	queue.ErrTooManyInFlight, queue.ErrNoDeadLetterSource,
	keys.ErrNotFound, keys.ErrDisabled, keys.ErrState, keys.ErrUsage, keys.ErrAccess,
}

func toWireError(err error) *wireError {
	if err == nil {
		return nil
	}
	f := &wireError{Code: fault.Of(err)}
	for i, k := range sentinels {
		if err == k {
			return &wireError{Known: i + 1}
		}
		if errors.Is(err, k) {
			f.Known = i + 1
			break
		}
	}
	var e *fault.Error
	if errors.As(err, &e) {
		f.What = e.What
	}
	return f
}

func (f *wireError) toError() error {
	switch {
	case f == nil:
		return nil
	case f.Known < 1 || f.Known > len(sentinels):
		return fault.New(f.Code, "%s", f.What)
	case f.Code == "":
		return sentinels[f.Known-1]
	}
	return fault.Wrap(f.Code, sentinels[f.Known-1], "%s", f.What)
}

// Bodies are most of the data. They follow the JSON of the rest as bytes, each
// prefixed with its length.

func packParts(v any, bodies []string) []byte {
	head, _ := json.Marshal(v) // the types can always be encoded
	size := len(head) + binary.MaxVarintLen64
	for _, b := range bodies {
		size += len(b) + binary.MaxVarintLen64
	}
	data := binary.AppendUvarint(make([]byte, 0, size), uint64(len(head)))
	data = append(data, head...)
	for _, b := range bodies {
		data = binary.AppendUvarint(data, uint64(len(b)))
		data = append(data, b...)
	}
	return data
}

var errMalformed = fault.New(fault.Internal, "malformed message from another node")

func unpackParts(data []byte, v any) (bodies []string, err error) {
	for first := true; first || len(data) > 0; first = false {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(len(data)-size) {
			return nil, errMalformed
		}
		part := data[size : size+int(n)]
		data = data[size+int(n):]
		if !first {
			bodies = append(bodies, string(part))
		} else if err := json.Unmarshal(part, v); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "malformed message from another node")
		}
	}
	return bodies, nil
}

func (c call) encode() []byte {
	var bodies []string
	c.Messages = append([]queue.Message(nil), c.Messages...)
	for i := range c.Messages {
		bodies = append(bodies, c.Messages[i].Body)
		c.Messages[i].Body = ""
	}
	c.Transfers = append([]queue.Transfer(nil), c.Transfers...)
	for i := range c.Transfers {
		bodies = append(bodies, string(c.Transfers[i].Content))
		c.Transfers[i].Content = ""
	}
	return packParts(&c, bodies)
}

func decodeCall(data []byte) (*call, error) {
	var c call
	bodies, err := unpackParts(data, &c)
	if err == nil && len(bodies) != len(c.Messages)+len(c.Transfers) {
		err = errMalformed
	}
	if err != nil {
		return nil, err
	}
	for i := range c.Messages {
		c.Messages[i].Body = bodies[i]
	}
	for i := range c.Transfers {
		c.Transfers[i].Content = queue.Content(bodies[len(c.Messages)+i])
	}
	return &c, nil
}

func (a response) encode() []byte {
	a.Error = toWireError(a.err)
	for _, err := range a.itemErrs {
		a.Errors = append(a.Errors, toWireError(err))
	}
	var bodies []string
	for i := range a.Received {
		bodies = append(bodies, a.Received[i].Body)
		a.Received[i].Body = ""
	}
	for i := range a.Peeked {
		bodies = append(bodies, a.Peeked[i].Body)
		a.Peeked[i].Body = ""
	}
	return packParts(&a, bodies)
}

func decodeResponse(data []byte) (response, error) {
	var a response
	bodies, err := unpackParts(data, &a)
	if err == nil && len(bodies) != len(a.Received)+len(a.Peeked) {
		err = errMalformed
	}
	if err != nil {
		return response{}, err
	}
	for i := range a.Received {
		a.Received[i].Body = bodies[i]
	}
	for i := range a.Peeked {
		a.Peeked[i].Body = bodies[len(a.Received)+i]
	}
	a.err = a.Error.toError()
	for _, f := range a.Errors {
		a.itemErrs = append(a.itemErrs, f.toError())
	}
	return a, nil
}
