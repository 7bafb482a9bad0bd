package jetobject

import (
	"context"
	"sync"

	"millrace/runtime/fault"
)

// Runtimes that share a bucket each follow its log. Before a read the stream's leader is asked
// how far it is: what another runtime has stored, and answered, is seen. Readers who come
// while a question is under way share the next one, since the answer to this one may be older
// than what they have to see.
type freshness struct {
	mu   sync.Mutex
	now  *question // under way
	next *question // of those who have come meanwhile
}

type question struct {
	answered chan struct{}
	last     uint64
	err      error
}

// catchUp has the machine apply what other runtimes have stored before catchUp was called.
func (b *Bucket) catchUp(ctx context.Context) error {
	q, err := b.ask()
	if err != nil {
		return err
	}
	select {
	case <-q.answered:
	case <-ctx.Done():
		return fault.Wrap(fault.Of(ctx.Err()), ctx.Err(), "waiting for the bucket")
	}
	if q.err != nil {
		return b.unavailable(q.err)
	}
	b.mu.RLock()
	behind := b.state.machine != nil && b.state.last != q.last
	b.mu.RUnlock()
	if !behind {
		return nil
	}
	return b.submit(ctx, &request{alone: func(ctx context.Context) error {
		if b.state.last < q.last { // a later question may have brought it already
			b.invalidate()
		}
		return b.refresh(ctx)
	}})
}

// ask returns a question that begins after it was asked.
func (b *Bucket) ask() (*question, error) {
	run, err := b.buckets.run()
	if err != nil {
		return nil, err
	}
	f := &b.fresh
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next == nil {
		f.next = &question{answered: make(chan struct{})}
	}
	q := f.next
	if f.now == nil {
		f.now, f.next = q, nil
		if !run.Go(func() { b.answerQuestions(run.Work()) }) {
			f.now = nil
			return nil, errStopped
		}
	}
	return q, nil
}

// answerQuestions asks JetStream until nobody wants to know more. It begins with now.
func (b *Bucket) answerQuestions(ctx context.Context) {
	f := &b.fresh
	for q := f.current(); q != nil; q = f.following() {
		_, q.last, q.err = b.stream.bounds(ctx)
		close(q.answered)
	}
}

func (f *freshness) current() *question {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// following goes on to the next question; nil when there is none.
func (f *freshness) following() *question {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now, f.next = f.next, nil
	return f.now
}
