package backbone

import (
	"context"
	"sync"
	"sync/atomic"

	"millrace/runtime/fault"
)

// A condition is the health of a backbone. Several goroutines change it; every call
// reads it.
type condition struct {
	mu  sync.Mutex // held while now is replaced
	now atomic.Pointer[state]
}

// A state is immutable.
type state struct {
	session             context.Context
	end                 context.CancelCauseFunc
	broken              error // the store has to be reopened
	disconnected        error // there is no connection
	entriesDisconnected error // there is none for log entries
	unsynced            error // the last fsync failed
}

func newCondition() *condition {
	c := &condition{}
	s := &state{}
	s.session, s.end = context.WithCancelCause(context.Background())
	c.now.Store(s)
	return c
}

// down is why calls fail; nil if they do not.
func (s *state) down() error {
	switch {
	case s.broken != nil:
		return s.broken
	case s.disconnected != nil:
		return s.disconnected
	}
	return s.entriesDisconnected
}

// change replaces the state and returns the one before. The session ends when calls
// begin to fail, and the next one begins when they can succeed again.
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
		next.end(is) // last: whoever waits for it reads the new state
	}
	return before
}

// Session is a context that ends when pending writes may be lost: JetStream is being
// reopened, or the connection was lost. Its cause says why. A caller that waits for an
// acknowledgement stops waiting then, and reads what was stored in the next session.
// Between two sessions, Session returns the one that has ended.
func (b *Backbone) Session() context.Context { return b.condition.now.Load().session }

// Down is why calls fail at once, a fault.State; nil while they do not. It is always
// nil with an external server, which may be back before a call times out.
func (b *Backbone) Down() error {
	if b.srv == nil {
		return nil
	}
	return b.condition.now.Load().down()
}

// Err is why calls may fail or their writes may be lost: Down, an external server that
// is disconnected, or a failed fsync. It is nil when all is well.
func (b *Backbone) Err() error {
	s := b.condition.now.Load()
	if err := s.down(); err != nil {
		return err
	}
	return s.unsynced
}

// Admit implements capacity.Limit: it refuses new data that might be lost.
func (b *Backbone) Admit(int) error {
	if b.srv == nil {
		return nil
	}
	return b.Err()
}

// inSession makes a call, and cancels it when the session ends.
func inSession[T any](ctx context.Context, b *Backbone, call func(context.Context) (T, error)) (T, error) {
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
	if isUnavailable(err) {
		b.Report(err)
	}
	if s.session.Err() != nil {
		err = context.Cause(s.session)
	}
	return v, err
}

func errBroken(cause error) error {
	return fault.State(cause, "The store cannot be written or synced. It is reopened as soon as a write to its disk succeeds; the log names the cause.")
}

func errDisconnected(cause error) error {
	return fault.State(cause, "The connection to NATS is lost; it is being made again.")
}

func errUnsynced(cause error) error {
	return fault.State(cause, "What was acknowledged may not outlive a power cut: the disk fails to sync. The log names the cause; until a sync succeeds sends are refused.")
}
