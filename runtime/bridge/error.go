package bridge

import (
	"fmt"

	"millrace/runtime/fault"
)

// A Reason says why a Consumer has no connection.
type Reason string

// The reasons, with the code of the fault that an Error of each is.
const (
	NoBroker      Reason = "there is no such broker"                 // fault.NotFound
	NotRunning    Reason = "the broker does not run"                 // fault.Unavailable
	Unreachable   Reason = "the broker cannot be reached"            // fault.Unavailable
	Certificate   Reason = "the broker's certificate is not trusted" // fault.Unavailable
	NoLogin       Reason = "there are no credentials"                // that of Spec.Login's error
	BadLogin      Reason = "the broker refuses the credentials"      // fault.Denied
	NoVirtualHost Reason = "there is no such virtual host"           // fault.NotFound
	Denied        Reason = "the broker does not permit it"           // fault.Denied
	NoQueue       Reason = "there is no such queue"                  // fault.NotFound
	Exclusive     Reason = "the queue is another client's alone"     // fault.Conflict
	Lost          Reason = "the connection has ended"                // fault.Unavailable: broken, closed by the broker, or the queue was deleted
	NoStream      Reason = "the backbone does not carry the queue"   // fault.Unavailable
	Closed        Reason = "the consumer was closed"                 // fault.Canceled
)

// moved is that another runtime is to bridge the queue. Nobody outside sees it.
const moved Reason = "another runtime bridges the queue"

// An Error says why a Consumer has no connection. Its text has no secrets.
type Error struct {
	Reason Reason
	Queue  Queue
	Err    error // the cause; nil when the reason says all

	// Changed is closed when it is worth to try again at once; nil when that is not known.
	Changed <-chan struct{}
}

func (e *Error) Error() string {
	s := fmt.Sprintf("queue %q of virtual host %q of broker %s: %s", e.Queue.Name, e.Queue.VirtualHost, e.Queue.Broker, e.Reason)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap makes errors.Is find a code of package fault, and the cause.
func (e *Error) Unwrap() []error {
	var all []error
	if e.Reason != NoLogin {
		all = append(all, e.Reason.code())
	}
	if e.Err != nil {
		all = append(all, e.Err)
	}
	return all
}

func (r Reason) code() fault.Code {
	switch r {
	case NoBroker, NoVirtualHost, NoQueue:
		return fault.NotFound
	case BadLogin, Denied:
		return fault.Denied
	case Exclusive:
		return fault.Conflict
	case Closed:
		return fault.Canceled
	default:
		return fault.Unavailable
	}
}
