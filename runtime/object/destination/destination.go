// Package destination is S3 towards the queues, topics and functions that a bucket
// notifies: whether they are there and let it send, and how it sends.
//
//	err := destination.Check(c.Destinations, from, resolve) // all that S3 cannot use, in one error
//	err = destination.Test(ctx, c.Destinations, from, body, resolve)
//	…
//	d := destination.Delivery(event, resolve)
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

// source is on whose behalf a target is sent to.
func (b Bucket) source(t delivery.Target) delivery.Source {
	s := b.Source()
	if isOpen(t) {
		s.Principal = policy.RootPrincipal(b.Account)
	}
	return s
}

// isOpen reports whether a target is a queue that has no policy at all. AWS lets S3 send to
// none of those. Here a bucket sends on behalf of its account, which a queue of that account
// lets in: what people try out first has no policies.
func isOpen(t delivery.Target) bool {
	q, ok := t.(interface{ HasPolicy() bool })
	return ok && !q.HasPolicy()
}

// Delivery is the notification of an event for its destination: the same for queues,
// topics and functions, which take of it what they have a use for.
func Delivery(e *notify.Event, resolve delivery.Resolver) delivery.Delivery {
	from := Bucket{e.Bucket, e.Account}
	sent := message(from.Source(), e.Body())
	if t, err := resolve(e.Destination); err == nil { // else the outbox finds out what is wrong
		sent.Source = from.source(t)
	}
	sent.TraceHeader, sent.TraceParent = e.TraceHeader, e.TraceParent
	return delivery.Delivery{To: e.Destination, Event: sent, Policy: delivery.Policy{Sender: Sender, MaxAge: maxAge}}
}

func message(from delivery.Source, body []byte) delivery.Event {
	return delivery.Event{Body: body, Subject: notify.Subject, Source: from}
}
