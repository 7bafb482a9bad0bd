package topic

import (
	"context"

	"millrace/runtime/queue"
)

// A Message is what is published.
type Message struct {
	Subject    string // "" for none
	Body       string
	ByProtocol map[string]string // of MessageStructure json: the bodies of protocols, "default" among them; nil when all get Body
	Attributes []queue.Attribute // sorted by name

	GroupID string // MessageGroupId; required on FIFO topics
	DedupID string // MessageDeduplicationId; "" on a FIFO topic with ContentDedup means the body's SHA-256

	TraceHeader string // X-Amzn-Trace-Id, "" for none
}

// Bytes is the size that MaximumMessageSize limits: of the body, and of the names, types
// and values of attributes. The subject does not count.
func (m *Message) Bytes() int {
	n := len(m.Body)
	for _, a := range m.Attributes {
		n += len(a.Name) + len(a.DataType) + len(a.Value)
	}
	return n
}

// A Published is what became of a message.
type Published struct {
	MessageID string
	Seq       uint64 // of FIFO topics: SequenceNumber; 0 for others
	Err       error  // it was not taken: fault.Unavailable, or an error of package keys
}

// Publish publishes messages to a topic, on a FIFO topic in their order, and returns when
// all that follows from them is durable: a Published for each. Duplicates on a FIFO topic
// are answered as the first was. fault.NotFound when there is no such topic.
func (ts *Topics) Publish(ctx context.Context, id ID, messages ...Message) ([]Published, error) {
	panic("publish.go")
}

// AskForConfirmation sends the subscriber of a pending subscription its token, again if
// need be, and returns when that is durable.
func (ts *Topics) AskForConfirmation(ctx context.Context, id SubscriptionID) error {
	panic("publish.go")
}

// Texts publishes to a phone number: the text is kept in the mailbox. It returns the
// message's id.
func (ts *Topics) Text(ctx context.Context, account, region, phone string, m Message) (messageID string, err error) {
	panic("publish.go")
}
