package jetobject

import (
	"context"
	"slices"
	"sync"

	"millrace/runtime/fault"
	"millrace/runtime/object"
)

// A bucket has no goroutine of its own. Whoever has something to be written and finds
// nobody leading leads: it takes what waits, has it stored, answers, and hands the lead to
// the first of those who have come meanwhile.
type lead struct {
	mu      sync.Mutex
	leading bool // somebody leads
	waiting []*request
}

// A request is something for the leader to do.
type request struct {
	commands []object.Command
	left     int                         // commands that are not decided yet
	alone    func(context.Context) error // instead of commands

	err    error // the store's, once it is answered
	unsure bool  // with err: some of it is stored, or may be
	closed bool  // it was answered; of the leader
	turn   chan turn
}

// A turn is what happens to a request that waits.
type turn int

const (
	answered turn = iota
	leads         // its goroutine is to lead, with it as the first request
)

// maxRequests is how many requests a leader takes at once.
const maxRequests = 1024

// submit has a request done, by this goroutine or another one. It is not begun anymore when
// ctx ends before, and finished once it is begun.
func (b *Bucket) submit(ctx context.Context, r *request) error {
	r.turn = make(chan turn, 1) // who leads does not wait for who is answered
	b.lead.mu.Lock()
	if !b.lead.leading {
		b.lead.leading = true
		b.lead.mu.Unlock()
		b.takeLead(r)
		return r.err
	}
	b.lead.waiting = append(b.lead.waiting, r)
	b.lead.mu.Unlock()
	var t turn
	select {
	case t = <-r.turn:
	case <-ctx.Done():
		if b.lead.withdraw(r) {
			return fault.Wrap(fault.Of(ctx.Err()), ctx.Err(), "waiting for the bucket")
		}
		t = <-r.turn
	}
	if t == leads {
		b.takeLead(r)
	}
	return r.err
}

// withdraw takes a request back; false when it was begun.
func (l *lead) withdraw(r *request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.waiting, r)
	if i < 0 {
		return false
	}
	l.waiting = slices.Delete(l.waiting, i, i+1)
	return true
}

// takeLead does a request and those that wait, and hands on the lead.
func (b *Bucket) takeLead(first *request) {
	b.lead.mu.Lock()
	n := min(len(b.lead.waiting), maxRequests)
	all := append([]*request{first}, b.lead.waiting[:n]...)
	b.lead.waiting = append(b.lead.waiting[:0], b.lead.waiting[n:]...)
	b.lead.mu.Unlock()
	defer func() {
		p := recover()
		if p != nil { // what the machine was about is not known: it is read again
			b.forget()
			for _, r := range all {
				r.unsure = true
				r.answer(fault.New(fault.Internal, "a write to the bucket panicked"))
			}
		}
		b.lead.handOn()
		if p != nil {
			panic(p)
		}
	}()
	b.doAll(all)
}

// handOn has the first of those who wait lead, if there is one.
func (l *lead) handOn() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.leading = false
		return
	}
	next := l.waiting[0]
	l.waiting = append(l.waiting[:0], l.waiting[1:]...)
	next.turn <- leads
}

// answer ends a request, unless it was answered before.
func (r *request) answer(err error) {
	if r.closed {
		return
	}
	r.err, r.closed = err, true
	r.turn <- answered
}
