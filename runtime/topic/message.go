package topic

import (
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

// bodyFor is what a protocol gets of the message.
func (m *Message) bodyFor(protocol string) string {
	if m.ByProtocol == nil {
		return m.Body
	}
	if text, ok := m.ByProtocol[protocol]; ok {
		return text
	}
	return m.ByProtocol["default"]
}
