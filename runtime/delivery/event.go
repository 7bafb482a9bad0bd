package delivery

import (
	"cmp"
	"context"
	"errors"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/policy"
	"millrace/runtime/queue"
)

// An Event is what a target is handed. A target uses of it what it has a use for.
type Event struct {
	ID         string            // the same on each attempt; Put fills in a UUID for ""
	Body       []byte            // as the target shall get it
	Attributes []queue.Attribute // message attributes, for queues and topics
	Headers    map[string]string // of the request, for HTTP endpoints
	GroupID    string            // message group, for queues and topics
	DedupID    string            // deduplication id, for FIFO queues and topics
	Subject    string            // for topics, and for mails
	Key        string            // of the object that it becomes, for buckets
	Source     Source            // on whose behalf it is delivered

	// Unfinished says that the body is to be completed before anybody reads it: by a queue,
	// when it is received (see queue.Message).
	Unfinished bool
	// Unlimited says that the queue's own limit of a message's size does not count. What
	// an entry of its log can hold still does.
	Unlimited bool

	TraceHeader string // X-Amzn-Trace-Id, "" for none
	TraceParent string // W3C traceparent; "" takes the one of Put's context

	// SeqSource and Seq number the event for a queue, which drops it unless its Seq is
	// higher than that of all events before from the same source: they are Source and
	// Seq of queue.Message. So an event that waits in the outbox while a later one is
	// delivered is lost: whoever numbers events delivers them one after another.
	SeqSource uint64
	Seq       uint64
}

// A Source says on whose behalf an event is delivered, for the policies of targets.
type Source struct {
	Principal policy.Principal `json:",omitzero"`  // a service, or the role that a function runs in
	ARN       string           `json:",omitempty"` // aws:SourceArn: the topic, bucket, rule or function
	Account   string           `json:",omitempty"` // aws:SourceAccount
}

// Context has the condition keys of the source, for the policy of a target.
func (s Source) Context() policy.Context {
	if s.Principal.Service != "" {
		return policy.ServiceContext(s.Principal.Service, policy.Source{ARN: s.ARN, Account: s.Account}, "", time.Now())()
	}
	c := policy.NewContext("", time.Now())
	c.Set("aws:PrincipalAccount", s.Principal.Account)
	c.Set("aws:SourceArn", s.ARN)
	c.Set("aws:SourceAccount", s.Account)
	return c
}

// Name is who delivers, for errors.
func (s Source) Name() string {
	return cmp.Or(s.Principal.Service, s.Principal.ARN, s.Principal.Account, "anonymous")
}

// A Reply is what a target answered.
type Reply struct {
	Status  int    // HTTP status; 0 where there is none
	Version string // of the function that ran
	Failure string // "" unless the target took the event and failed: "Unhandled"
	Reason  string // why it failed, in short: for logs and dead letters
	Body    []byte // what a function returned or an endpoint answered, within its bounds
}

// A Target is what events are delivered to.
type Target interface {
	// Deliver hands over one event, and returns when the target has it or has
	// refused it. It ends soon after ctx does and in bounded time without.
	//
	// fault.NotFound, fault.Denied, fault.Invalid and fault.TooLarge are final, as is
	// what Final marks; any other error says that the target could not be reached or
	// refused for now.
	Deliver(ctx context.Context, e Event) (Reply, error)

	// Allows asks the target's own policy whether a source may deliver to it:
	// fault.Denied, with the reason, if not.
	Allows(s Source) error
}

// A DurableTarget has an event on disk when its Deliver returns. Put hands it
// events itself, without keeping them before.
type DurableTarget interface {
	Target
	Durable()
}

// Final marks an error of Deliver that no further attempt can change.
func Final(err error) error { return finalError{err} }

type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// IsFinal reports whether an error of Deliver is one that no further attempt can change.
func IsFinal(err error) bool {
	if final := (finalError{}); errors.As(err, &final) {
		return true
	}
	switch fault.Of(err) {
	case fault.NotFound, fault.Denied, fault.Invalid, fault.TooLarge:
		return true
	}
	return false
}
