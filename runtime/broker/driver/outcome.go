package driver

import "sync"

// An Outcome is how a node ends: what Instances of all drivers have for Done and Err.
type Outcome struct {
	done chan struct{}

	mu      sync.Mutex
	stopped bool  // by us
	err     error // for after done
}

// NewOutcome is the Outcome of a node that runs.
func NewOutcome() *Outcome { return &Outcome{done: make(chan struct{})} }

// Done implements Instance.
func (o *Outcome) Done() <-chan struct{} { return o.done }

// Err implements Instance.
func (o *Outcome) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// Stopping says that the node is ended on purpose: then its end is no error.
func (o *Outcome) Stopping() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopped = true
}

// End says that the node is over, once, and why if that was not on purpose.
func (o *Outcome) End(why error) {
	o.mu.Lock()
	if !o.stopped {
		o.err = why
	}
	o.mu.Unlock()
	close(o.done)
}
