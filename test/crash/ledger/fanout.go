package ledger

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// A Fanout holds the books of a topic: who subscribes to it, what was published, and
// who got what.
//
// Like a [Ledger] it is told of each request before it leaves and when its answer has
// come. A message must reach who had subscribed for sure before it was published, and
// stays. It may reach who might have been a subscriber in between, and nobody else.
//
// It is safe for concurrent use.
type Fanout struct {
	mu          sync.Mutex
	tick        int // grows with each entry: who was before whom
	subscribers map[string]*subscriber
	messages    map[string]*publication // by body
	order       []*publication          // as they were published first
	broken      []error
}

// A Publication is what is published. Its body is unlike any other's.
type Publication struct {
	Body  string
	Kind  string // what subscribers choose by
	Group string // FIFO only
}

// A Subscriber is where messages of a topic end.
type Subscriber struct {
	Name    string
	Wants   func(Publication) bool // nil for all
	Once    bool                   // it gets each message at most once
	Ordered bool                   // it gets each group in the order of publishing
}

type subscriber struct {
	Subscriber
	began, since, ending, ended int            // ticks, 0 for what has not happened
	got                         map[string]got // by body
	furthest                    map[string]int // the position of what it got last, by group
}

type got struct{ copy string }

type publication struct {
	Publication
	position    int // in the order of publishing
	began, done int // ticks
	id, seq     string
}

// NewFanout opens the books of a topic without subscribers.
func NewFanout() *Fanout {
	return &Fanout{subscribers: map[string]*subscriber{}, messages: map[string]*publication{}}
}

// Subscribing notes that somebody is about to be a subscriber, or asks for it again. The
// function that it returns notes that it is one.
func (f *Fanout) Subscribing(s Subscriber) (subscribed func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.subscribers[s.Name]
	if one == nil {
		one = &subscriber{Subscriber: s, began: f.next(), got: map[string]got{}, furthest: map[string]int{}}
		f.subscribers[s.Name] = one
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if one.since == 0 {
			one.since = f.next()
		}
	}
}

// Leaving notes that a subscriber is about to be none, or asks for it again. The function
// that it returns notes that it is none.
func (f *Fanout) Leaving(name string) (left func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.subscribers[name]
	if one.ending == 0 {
		one.ending = f.next()
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if one.ended == 0 {
			one.ended = f.next()
		}
	}
}

// Publishing notes that a message is about to be published, or once more under the same
// deduplication id. The function that it returns notes the answer: the message's ids,
// where seq is "" but on FIFO topics.
func (f *Fanout) Publishing(m Publication) (published func(id, seq string)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.messages[m.Body]
	if p == nil {
		p = &publication{Publication: m, position: len(f.order), began: f.next()}
		f.messages[m.Body], f.order = p, append(f.order, p)
	}
	return func(id, seq string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if p.done == 0 {
			p.done, p.id, p.seq = f.next(), id, seq
			f.checkSequence(p)
		} else if p.id != id || p.seq != seq {
			f.breaks("message %s is %s with number %q, and was %s with number %q", shorten(p.Body), id, seq, p.id, p.seq)
		}
	}
}

// checkSequence holds a number against those of the message's group.
func (f *Fanout) checkSequence(p *publication) {
	if p.seq == "" {
		return
	}
	for _, other := range f.order {
		if other.Group == p.Group && other.seq != "" && other != p && (other.position < p.position) != (other.seq < p.seq) {
			f.breaks("message %s has number %s, and %s has %s", shorten(p.Body), p.seq, shorten(other.Body), other.seq)
		}
	}
}

// Got notes that a subscriber was given a message. copy tells it from other copies of the
// same message; "" when that is not known.
func (f *Fanout) Got(name, body, copy string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, p := f.subscribers[name], f.messages[body]
	switch {
	case p == nil:
		f.breaks("%s got %s, which nobody published", name, shorten(body))
		return
	case s == nil:
		f.breaks("%s got %s, and is no subscriber", name, shorten(body))
		return
	case !s.wants(p):
		f.breaks("%s got %s, which is not for it", name, shorten(body))
	case p.done != 0 && p.done < s.began:
		f.breaks("%s got %s, which was published before it subscribed", name, shorten(body))
	case s.ended != 0 && s.ended < p.began:
		f.breaks("%s got %s, which was published after it had left", name, shorten(body))
	}
	if before, ok := s.got[body]; ok {
		if s.Once && before.copy != copy {
			f.breaks("%s got %s twice: as %s and as %s", name, shorten(body), before.copy, copy)
		}
		return
	}
	s.got[body] = got{copy}
	if last, ok := s.furthest[p.Group]; s.Ordered && ok && p.position < last {
		f.breaks("%s got %s after %s", name, shorten(body), shorten(f.order[last].Body))
	}
	s.furthest[p.Group] = p.position
}

func (s *subscriber) wants(p *publication) bool { return s.Wants == nil || s.Wants(p.Publication) }

// must reports whether a message has to reach a subscriber.
func (s *subscriber) must(p *publication) bool {
	return p.done != 0 && s.since != 0 && s.since < p.began && s.ending == 0 && s.wants(p)
}

// Missing is what was acknowledged and has not reached who must have it, each as
// "subscriber: body".
func (f *Fanout) Missing() (all []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.order {
		for name, s := range f.subscribers {
			if _, ok := s.got[p.Body]; !ok && s.must(p) {
				all = append(all, name+": "+shorten(p.Body))
			}
		}
	}
	slices.Sort(all)
	return all
}

// Published returns the messages that were acknowledged, and those whose publish had no
// answer, in their order.
func (f *Fanout) Published() (known, unknown []Publication) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.order {
		if p.done != 0 {
			known = append(known, p.Publication)
		} else {
			unknown = append(unknown, p.Publication)
		}
	}
	return known, unknown
}

// Deliveries is how many messages subscribers got, each counted once.
func (f *Fanout) Deliveries() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.subscribers {
		n += len(s.got)
	}
	return n
}

// Err is all that was found so far but what is missing.
func (f *Fanout) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.broken...)
}

func (f *Fanout) breaks(format string, args ...any) {
	f.broken = append(f.broken, fmt.Errorf(format, args...))
}

func (f *Fanout) next() int {
	f.tick++
	return f.tick
}
