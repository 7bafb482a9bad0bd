package jetqueue

import (
	"encoding/binary"
	"encoding/json"
	"errors"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/store/keys"
)

// A call is what one of a queue's methods was asked, in a form that can be
// carried to the node that owns the queue. A method uses the fields it needs.
type call struct {
	Method method
	Queue  queue.ID
	Source uint64 // the incarnation that was meant
	From   string // the node that asks

	Messages []queue.Message          `json:",omitempty"`
	Receive  *queue.ReceiveRequest    `json:",omitempty"`
	Handles  []string                 `json:",omitempty"`
	Changes  []queue.VisibilityChange `json:",omitempty"`
	Peek     *queue.PeekRequest       `json:",omitempty"`
	Max      int                      `json:",omitempty"`
	To       *queue.ID                `json:",omitempty"`
	Burier   uint64                   `json:",omitempty"`
	Burials  []queue.Transfer         `json:",omitempty"`
}

type method string

const (
	send             method = "send"
	receive          method = "receive"
	remove           method = "delete"
	changeVisibility method = "change visibility"
	purge            method = "purge"
	counts           method = "counts"
	metrics          method = "metrics"
	peek             method = "peek"
	move             method = "move"
	arrive           method = "arrive"
	configure        method = "configure" // the record has changed
	release          method = "release"   // the asking node owns the queue now
)

// again tells a call that may be carried out twice and mean the same: its fate
// need not be known to try once more. Messages that the first try of a receive
// handed out stay in flight, as when an answer is lost on the way to a client. A
// FIFO send is told apart by its deduplication id.
func (c *call) again() bool {
	switch c.Method {
	case send:
		return c.Queue.FIFO()
	case purge, move:
		return false
	}
	return true
}

// lost is the error of a call of which nobody knows whether it was carried out:
// errMoved when it may be made again.
func (c *call) lost(format string, args ...any) error {
	if c.again() {
		return errMoved
	}
	return fault.New(fault.Unavailable, format, args...)
}

// An answer is what came of a call.
type answer struct {
	Error    *failure                `json:",omitempty"`
	Errors   []*failure              `json:",omitempty"` // one for each handle or change
	Sent     []queue.SendResult      `json:",omitempty"`
	Received []queue.ReceivedMessage `json:",omitempty"`
	Peeked   []queue.PeekedMessage   `json:",omitempty"`
	Counts   queue.Counts            `json:",omitzero"`
	Metrics  queue.Metrics           `json:",omitzero"`
	Moved    int                     `json:",omitempty"`

	err  error // Error, and each of Errors, as they are inside a process
	errs []error
}

// A failure is an error on its way between nodes: one of those that callers
// compare, or a code and its sentence. The cause stays in the owner's log.
type failure struct {
	Known int        `json:",omitempty"` // in known, from 1
	Code  fault.Code `json:",omitempty"`
	What  string     `json:",omitempty"`
}

// errMoved says that another node owns the queue, and that the call was surely
// not begun: it can be made there.
var errMoved = fault.New(fault.Unavailable, "the queue has moved to another node")

// known are the errors that callers compare. Nodes of one version share it.
var known = []error{
	errMoved, queue.ErrInvalidHandle, queue.ErrMessageNotFound, queue.ErrHandleExpired, queue.ErrVisibilityTooLong, queue.ErrAttemptNotRetryable,
	queue.ErrTooManyInFlight, queue.ErrNoDeadLetterSource,
	keys.ErrNotFound, keys.ErrDisabled, keys.ErrState, keys.ErrUsage, keys.ErrAccess,
}

func fail(err error) *failure {
	if err == nil {
		return nil
	}
	f := &failure{Code: fault.Of(err)}
	for i, k := range known {
		if err == k {
			return &failure{Known: i + 1}
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

func (f *failure) err() error {
	switch {
	case f == nil:
		return nil
	case f.Known < 1 || f.Known > len(known):
		return fault.New(f.Code, "%s", f.What)
	case f.Code == "":
		return known[f.Known-1]
	}
	return fault.Wrap(f.Code, known[f.Known-1], "%s", f.What)
}

// Bodies are bytes to us, and most of what there is to carry. They travel behind
// the JSON of the rest, each with its length in front.

func pack(v any, bodies []string) []byte {
	head, _ := json.Marshal(v) // of types that always can be
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

var errGarbled = fault.New(fault.Internal, "what another node said cannot be read")

func unpack(data []byte, v any) (bodies []string, err error) {
	for first := true; first || len(data) > 0; first = false {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(len(data)-size) {
			return nil, errGarbled
		}
		part := data[size : size+int(n)]
		data = data[size+int(n):]
		if !first {
			bodies = append(bodies, string(part))
		} else if err := json.Unmarshal(part, v); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "what another node said cannot be read")
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
	c.Burials = append([]queue.Transfer(nil), c.Burials...)
	for i := range c.Burials {
		bodies = append(bodies, string(c.Burials[i].Content))
		c.Burials[i].Content = ""
	}
	return pack(&c, bodies)
}

func decodeCall(data []byte) (*call, error) {
	var c call
	bodies, err := unpack(data, &c)
	if err == nil && len(bodies) != len(c.Messages)+len(c.Burials) {
		err = errGarbled
	}
	if err != nil {
		return nil, err
	}
	for i := range c.Messages {
		c.Messages[i].Body = bodies[i]
	}
	for i := range c.Burials {
		c.Burials[i].Content = queue.Content(bodies[len(c.Messages)+i])
	}
	return &c, nil
}

func (a answer) encode() []byte {
	a.Error = fail(a.err)
	for _, err := range a.errs {
		a.Errors = append(a.Errors, fail(err))
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
	return pack(&a, bodies)
}

func decodeAnswer(data []byte) (answer, error) {
	var a answer
	bodies, err := unpack(data, &a)
	if err == nil && len(bodies) != len(a.Received)+len(a.Peeked) {
		err = errGarbled
	}
	if err != nil {
		return answer{}, err
	}
	for i := range a.Received {
		a.Received[i].Body = bodies[i]
	}
	for i := range a.Peeked {
		a.Peeked[i].Body = bodies[len(a.Received)+i]
	}
	a.err = a.Error.err()
	for _, f := range a.Errors {
		a.errs = append(a.errs, f.err())
	}
	return a, nil
}
