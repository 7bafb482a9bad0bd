// Package destination is S3 towards the queues, topics and functions that a bucket
// notifies: whether they are there and let it send, and how it sends.
//
//	err := destination.Check(c.Destinations, from, resolve) // all that S3 cannot use, in one error
//	err = destination.Test(ctx, c.Destinations, from, body, resolve)
//	…
//	d := destination.Delivery(event)
//	err = outbox.Put(ctx, d.To, d.Event, d.Policy)
//
// It keeps nothing and starts nothing. What is true of a destination can change after it
// was checked; delivery asks its policy each time.
package destination

import (
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/object/notify"
	"millrace/runtime/policy"
)

// Sender is the name of S3 among the senders of an outbox.
const Sender = "s3"

// maxAge is how long a notification is tried. AWS does not say how long it does.
const maxAge = 24 * time.Hour

// Senders is S3 as a sender: a destination that is out of reach is tried again after a
// second, then more and more rarely, down to once a minute. Nothing follows from a
// notification that was given up.
func Senders() map[string]delivery.Sender {
	return map[string]delivery.Sender{
		Sender: {Failed: delivery.Backoff{{First: time.Second, Last: time.Minute, Jitter: 0.2}}},
	}
}

// A Bucket is what notifications come from.
type Bucket struct {
	Name    string
	Account string // that owns it
}

// Source is the bucket for the policies of destinations: S3 as a service, with the
// bucket's ARN as aws:SourceArn and its owner as aws:SourceAccount.
func (b Bucket) Source() delivery.Source {
	return delivery.Source{
		Principal: policy.ServicePrincipal("s3.amazonaws.com"),
		ARN:       notify.BucketARN(b.Name),
		Account:   b.Account,
	}
}

// Delivery is the notification of an event for its destination: the same for queues,
// topics and functions, which take of it what they have a use for.
func Delivery(e *notify.Event) delivery.Delivery {
	sent := message(Bucket{e.Bucket, e.Account}, e.Body())
	sent.TraceHeader, sent.TraceParent = e.TraceHeader, e.TraceParent
	return delivery.Delivery{To: e.Destination, Event: sent, Policy: delivery.Policy{Sender: Sender, MaxAge: maxAge}}
}

func message(from Bucket, body []byte) delivery.Event {
	return delivery.Event{Body: body, Subject: notify.Subject, Source: from.Source()}
}
