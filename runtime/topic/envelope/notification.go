package envelope

import (
	"sync"
	"time"

	"millrace/runtime/queue"
)

// A Notification is a message that a topic delivers, as one protocol gets it.
type Notification struct {
	MessageID string // UUID
	TopicARN  string
	Subject   string // "" for none
	Message   string
	Timestamp time.Time // of the publish; documents have its milliseconds, in UTC

	Attributes []queue.Attribute

	// SequenceNumber, 20 digits, is that of a message of a FIFO topic. Its documents have
	// no signature. "" for standard topics.
	SequenceNumber string

	// Replayed marks what comes out of an archive again.
	Replayed bool

	SignatureVersion string // "1" or "2"; "" for "1"

	// CertURL is where the certificate that the signature belongs to is served, see
	// package signing. "" for documents without a signature.
	CertURL string

	// BaseURL is where SNS is reached, scheme and host, without a slash at its end:
	// "https://sns.us-east-1.amazonaws.com". The link to unsubscribe begins with it.
	BaseURL string
}

// A Draft is a notification before it is known who gets it. It is safe for concurrent use.
type Draft struct {
	n      Notification
	body   func() []string // two pieces, the subscription's ARN between them
	lambda func() []string // three pieces, the ARN between them
}

// NewDraft returns the draft of a notification, whose attributes must not change from now
// on. Nothing is written before it is asked for.
func NewDraft(n Notification) *Draft {
	d := &Draft{n: n}
	d.body = sync.OnceValue(d.writeBody)
	d.lambda = sync.OnceValue(d.writeLambda)
	return d
}

// Signed reports whether documents of the draft have a placeholder for Finish to sign.
func (d *Draft) Signed() bool { return d.n.CertURL != "" && d.n.SequenceNumber == "" }

// Body is the document for a queue, an HTTP endpoint or a mailbox that is subscribed
// without raw message delivery. The caller owns it.
func (d *Draft) Body(subscriptionARN string) []byte { return join(d.body(), subscriptionARN) }

// Lambda is the event for a function. The caller owns it.
func (d *Draft) Lambda(subscriptionARN string) []byte { return join(d.lambda(), subscriptionARN) }

func join(pieces []string, arn string) []byte {
	size := (len(pieces) - 1) * len(arn)
	for _, p := range pieces {
		size += len(p)
	}
	b := make([]byte, 0, size)
	for i, p := range pieces {
		if i > 0 {
			b = appendEscaped(b, arn)
		}
		b = append(b, p...)
	}
	return b
}

const notification = "Notification"

// documentBytes is what most documents have beside their message, or less.
const documentBytes = 1200

func (d *Draft) writeBody() []string {
	w := writer{style: pretty, buf: make([]byte, 0, documentBytes+len(d.n.Message))}
	w.member("Type", notification)
	w.member("MessageId", d.n.MessageID)
	if d.n.SequenceNumber != "" {
		w.member("SequenceNumber", d.n.SequenceNumber)
	}
	w.member("TopicArn", d.n.TopicARN)
	if d.n.Subject != "" {
		w.member("Subject", d.n.Subject)
	}
	w.member("Message", d.n.Message)
	w.member("Timestamp", timestamp(d.n.Timestamp))
	d.writeReplayed(&w)
	if d.Signed() {
		w.signature(d.n.SignatureVersion, "SigningCertURL", d.n.CertURL)
	}
	w.ending("UnsubscribeURL", d.unsubscribe())
	if len(d.n.Attributes) > 0 {
		w.attributes(d.n.Attributes)
	}
	w.end()
	w.cut()
	return w.pieces
}

func (d *Draft) writeLambda() []string {
	r := writer{style: compact}
	r.member("EventSource", "aws:sns")
	r.member("EventVersion", "1.0")
	r.ending("EventSubscriptionArn", "")
	r.name("Sns")

	w := writer{style: compact, buf: r.buf, pieces: r.pieces}
	w.member("Type", notification)
	w.member("MessageId", d.n.MessageID)
	if d.n.SequenceNumber != "" {
		w.member("SequenceNumber", d.n.SequenceNumber)
	}
	w.member("TopicArn", d.n.TopicARN)
	if d.n.Subject != "" {
		w.member("Subject", d.n.Subject)
	} else {
		w.literal("Subject", "null")
	}
	w.member("Message", d.n.Message)
	w.member("Timestamp", timestamp(d.n.Timestamp))
	d.writeReplayed(&w)
	if d.Signed() {
		w.signature(d.n.SignatureVersion, "SigningCertUrl", d.n.CertURL)
	}
	w.ending("UnsubscribeUrl", d.unsubscribe())
	w.attributes(d.n.Attributes)
	w.end()
	r.buf, r.pieces = w.buf, w.pieces
	r.end()
	r.buf = append(r.buf, "]}"...)
	r.cut()
	r.pieces[0] = `{"Records":[` + r.pieces[0]
	return r.pieces
}

// writeReplayed marks a replayed message. Where the member stands is not documented, nor
// recorded from SNS.
func (d *Draft) writeReplayed(w *writer) {
	if d.n.Replayed {
		w.literal("Replayed", "true")
	}
}

// unsubscribe is the link to unsubscribe, up to the subscription's ARN.
func (d *Draft) unsubscribe() string {
	return d.n.BaseURL + unsubscribeLink
}

const unsubscribeLink = "/?Action=Unsubscribe&SubscriptionArn="

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
