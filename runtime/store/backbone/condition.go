package backbone

import (
	"context"
	"sync"
	"sync/atomic"

	"millrace/runtime/fault"
)

// A condition is how a backbone is. It is told by many and asked at each call.
type condition struct {
	mu  sync.Mutex // held while now is changed
	now atomic.Pointer[state]
}

// A state does not change.
type state struct {
	session  context.Context
	end      context.CancelCauseFunc
	broken   error // the store has to be opened anew
	away     error // there is no connection
	cut      error // there is none for log entries
	unsynced error // the last fsync failed
}

func newCondition() *condition {
	c := &condition{}
	s := &state{}
	s.session, s.end = context.WithCancelCause(context.Background())
	c.now.Store(s)
	return c
}

// down is why no call can be carried out; nil when they can.
func (s *state) down() error {
	switch {
	case s.broken != nil:
		return s.broken
	case s.away != nil:
		return s.away
	}
	return s.cut
}

// change changes the state. The session ends when calls cannot be carried out,
// and the next one begins when they can. It returns what was before.
func (c *condition) change(change func(*state)) (before *state) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before = c.now.Load()
	next := *before
	change(&next)
	was, is := before.down(), next.down()
	if was != nil && is == nil {
		next.session, next.end = context.WithCancelCause(context.Background())
	}
	c.now.Store(&next)
	if was == nil && is != nil {
		next.end(is) // last: who waited for it asks why, and finds it
	}
	return before
}

// Session ends when what was under way may be lost: JetStream is opened anew, or
// the connection was lost. Its cause says why. Who waits for an acknowledgement
// waits no longer than that, and then finds out what is stored. While there is
// none, Session returns the one that has ended.
func (b *Backbone) Session() context.Context { return b.condition.now.Load().session }

// Down is why calls fail at once, a fault.State; nil while they do not. An external
// server may be away for a moment and be back before a call is given up, so for
// one it is nil.
func (b *Backbone) Down() error {
	if b.srv == nil {
		return nil
	}
	return b.condition.now.Load().down()
}

// Err is why calls may fail, or what they did be lost: Down, an external server
// that is away, or an fsync that failed. It is nil when all is well.
func (b *Backbone) Err() error {
	s := b.condition.now.Load()
	if err := s.down(); err != nil {
		return err
	}
	return s.unsynced
}

// Admit implements capacity.Limit: nothing is taken in while that may be lost.
func (b *Backbone) Admit(int) error {
	if b.srv == nil {
		return nil
	}
	return b.Err()
}

// while makes a call that ends early when what it is part of is lost.
func while[T any](ctx context.Context, b *Backbone, call func(context.Context) (T, error)) (T, error) {
	if b.srv == nil {
		return call(ctx)
	}
	s := b.condition.now.Load()
	if err := s.down(); err != nil {
		var none T
		return none, err
	}
	b.Drain(entrySlack)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.session, func() { cancel(context.Cause(s.session)) })()
	v, err := call(ctx)
	if err == nil {
		return v, nil
	}
	if gone(err) {
		b.Report(err)
	}
	if s.session.Err() != nil {
		err = context.Cause(s.session)
	}
	return v, err
}

func broken(cause error) error {
	return fault.State(cause, "The store cannot be written or synced. It is opened anew as soon as a write to its disk succeeds; the log names the cause.")
}

func away(cause error) error {
	return fault.State(cause, "The connection to NATS is lost; it is being made again.")
}

func unsynced(cause error) error {
	return fault.State(cause, "What was acknowledged may not outlive a power cut: the disk fails to sync. The log names the cause; until a sync succeeds sends are refused.")
}
