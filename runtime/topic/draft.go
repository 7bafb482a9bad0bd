package topic

import (
	"context"
	"slices"
	"strconv"

	"millrace/runtime/delivery"
	"millrace/runtime/queue"
	"millrace/runtime/topic/envelope"
)

// A draft is a message on its way to subscribers. What several of them get alike is
// written once. It is for one goroutine.
type draft struct {
	stored
	topics   *Topics
	topic    *Topic
	seq      uint64 // 0 on standard topics
	replayed bool

	certURL   string // where the signature's certificate is; "" until it is asked for
	envelopes []envelopeOf
}

type envelopeOf struct {
	protocol string // whose body it has; "" when all have the same
	base     string
	*envelope.Draft
}

func (ts *Topics) newDraft(t *Topic, m stored, seq uint64) *draft {
	return &draft{stored: m, topics: ts, topic: t, seq: seq}
}

// SequenceNumber is a number of a FIFO topic as SNS writes it: 20 digits; "" for 0.
func SequenceNumber(seq uint64) string {
	if seq == 0 {
		return ""
	}
	return strconv.FormatUint(1e19+seq, 10)
}

// envelope is the message's envelope for subscribers of a protocol and a base URL.
func (d *draft) envelope(ctx context.Context, s *Subscription) (*envelope.Draft, error) {
	protocol := ""
	if d.Message.ByProtocol != nil {
		protocol = s.Protocol
	}
	i := slices.IndexFunc(d.envelopes, func(e envelopeOf) bool { return e.protocol == protocol && e.base == s.BaseURL })
	if i >= 0 {
		return d.envelopes[i].Draft, nil
	}
	n := envelope.Notification{
		MessageID: d.ID, TopicARN: d.topic.ARN(), Subject: d.Message.Subject, Message: d.Message.bodyFor(s.Protocol),
		Timestamp: d.Time, Attributes: d.Message.Attributes, Replayed: d.replayed,
		SignatureVersion: d.topic.Attributes[SignatureVersion], BaseURL: s.BaseURL,
	}
	if d.seq > 0 {
		n.SequenceNumber = SequenceNumber(d.seq)
	} else {
		if d.certURL == "" {
			var err error
			if d.certURL, err = d.topics.config.Signer.URL(ctx, d.topic.Region); err != nil {
				return nil, err
			}
		}
		n.CertURL = d.certURL
	}
	e := envelopeOf{protocol, s.BaseURL, envelope.NewDraft(n)}
	d.envelopes = append(d.envelopes, e)
	return e.Draft, nil
}

// event is what one subscriber gets.
func (d *draft) event(ctx context.Context, s *Subscription) (delivery.Event, error) {
	m := &d.Message
	e := delivery.Event{ID: d.ID, Source: source(d.topic.ID), TraceHeader: m.TraceHeader, TraceParent: d.TraceParent}
	raw := s.Raw() && s.Protocol != Lambda || s.Protocol == Email || s.Protocol == SMS // people get the text
	var env *envelope.Draft
	if !raw || s.Protocol == HTTP || s.Protocol == HTTPS {
		var err error
		if env, err = d.envelope(ctx, s); err != nil {
			return e, err
		}
	}
	switch {
	case raw:
		e.Body = []byte(m.bodyFor(s.Protocol))
	case s.Protocol == Lambda:
		e.Body, e.Unfinished = env.Lambda(s.ARN()), env.Signed()
	default:
		e.Body, e.Unfinished = env.Body(s.ARN()), env.Signed()
	}
	switch s.Protocol {
	case SQS:
		d.forQueue(&e, s, raw)
	case HTTP, HTTPS:
		e.Headers = env.Headers(s.ARN(), OverHTTP(d.topic, s).ContentType(raw), raw)
	case Email, EmailJSON, SMS:
		e.Subject = m.Subject
	}
	return e, nil
}

// forQueue adds what only queues get. A FIFO queue is told the message's group and
// deduplication id; a standard queue its group, which fair queues look at, if the topic
// is a standard one too (Amazon SNS Developer Guide, "Fair queues").
func (d *draft) forQueue(e *delivery.Event, s *Subscription, raw bool) {
	e.Unlimited = true // the queue's own MaximumMessageSize does not count
	if raw {
		e.Attributes = d.Message.Attributes
		if d.replayed {
			e.Attributes = append(slices.Clone(e.Attributes), queue.Attribute{Name: "Replayed", DataType: "String", Value: []byte("true")})
		}
	}
	switch fifo := isFIFO(s.Endpoint); {
	case fifo:
		e.GroupID, e.DedupID = d.Message.GroupID, d.Message.DedupID
	case !d.topic.FIFO():
		e.GroupID = d.Message.GroupID
	}
}
