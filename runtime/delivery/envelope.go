package delivery

import (
	"encoding/json"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// An envelope is an event on its way, as the outbox's queue keeps it. The event's
// body is the message's, and so are its attributes, after the one that the rest
// travels in.
type envelope struct {
	To      string `json:"-"` // the group of the message
	ID      string
	Policy  Policy            `json:",omitzero"`
	Headers map[string]string `json:",omitempty"`
	GroupID string            `json:",omitempty"`
	DedupID string            `json:",omitempty"`
	Subject string            `json:",omitempty"`
	Key     string            `json:",omitempty"`
	Source  Source            `json:",omitzero"`

	Unfinished bool   `json:",omitempty"`
	Unlimited  bool   `json:",omitempty"`
	SeqSource  uint64 `json:",omitempty"`
	Seq        uint64 `json:",omitempty"`
	progress

	event Event // whole
}

// envelopeAttribute is the message attribute that an envelope travels in.
const envelopeAttribute = "delivery"

// seal makes the message of an envelope, to be received after a delay. The target
// is the message's group: so the queue is fair to targets.
func (e *envelope) seal(delay time.Duration) (queue.Message, error) {
	e.ID, e.Subject, e.Headers, e.GroupID, e.DedupID, e.Source = e.event.ID, e.event.Subject, e.event.Headers, e.event.GroupID, e.event.DedupID, e.event.Source
	e.Key, e.Unfinished, e.Unlimited, e.SeqSource, e.Seq = e.event.Key, e.event.Unfinished, e.event.Unlimited, e.event.SeqSource, e.event.Seq
	value, err := json.Marshal(e)
	if err != nil {
		return queue.Message{}, fault.Wrap(fault.Internal, err, "writing an envelope")
	}
	attributes := make([]queue.Attribute, 0, 1+len(e.event.Attributes))
	attributes = append(attributes, queue.Attribute{Name: envelopeAttribute, DataType: "String", Value: value})
	return queue.Message{
		Body:        string(e.event.Body),
		Attributes:  append(attributes, e.event.Attributes...),
		GroupID:     e.To,
		Delay:       &delay,
		TraceHeader: e.event.TraceHeader,
		TraceParent: e.event.TraceParent,
	}, nil
}

// unseal is the inverse of seal.
func unseal(m *queue.Message) (*envelope, error) {
	if len(m.Attributes) == 1 && m.Attributes[0].Name == earlierAttribute {
		return unsealEarlier(m)
	}
	if len(m.Attributes) == 0 || m.Attributes[0].Name != envelopeAttribute {
		return nil, fault.New(fault.Invalid, "a message without an envelope")
	}
	e := &envelope{To: m.GroupID}
	if err := json.Unmarshal(m.Attributes[0].Value, e); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "an envelope that cannot be read")
	}
	e.event = Event{
		ID: e.ID, Subject: e.Subject, Key: e.Key, Body: []byte(m.Body), Attributes: m.Attributes[1:], Headers: e.Headers,
		GroupID: e.GroupID, DedupID: e.DedupID, Source: e.Source,
		TraceHeader: m.TraceHeader, TraceParent: m.TraceParent,
		Unfinished: e.Unfinished, Unlimited: e.Unlimited, SeqSource: e.SeqSource, Seq: e.Seq,
	}
	return e, nil
}
