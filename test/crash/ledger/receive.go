package ledger

import (
	"slices"
	"time"
)

// A Receive is a receive that is on its way.
type Receive struct {
	l     *Ledger
	f     *family
	queue string
	max   int
	hide  time.Duration
	began time.Time
	tick  int
}

// Receiving notes that a client is about to ask for up to max messages, to be
// hidden for so long.
func (l *Ledger) Receiving(queue string, max int, hide time.Duration, now time.Time) *Receive {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.families[queue]
	f.open += max
	return &Receive{l, f, queue, max, hide, now, l.next()}
}

// Done notes the answer.
func (r *Receive) Done(now time.Time, got ...Delivery) {
	r.l.mu.Lock()
	defer r.l.mu.Unlock()
	r.f.open -= r.max
	tick := r.l.next()
	for i, d := range got {
		m := r.l.byBody[d.Body]
		if m == nil {
			r.l.breaks(nil, "%s: message %s was never sent: %.80q", r.queue, d.ID, d.Body)
			continue
		}
		if m.family != r.f {
			r.l.breaks(m, "it is in %s", r.queue)
			continue
		}
		if r.queue == r.f.Dead {
			d.Sequence = ""
		}
		r.l.identify(m, d.ID, d.Sequence)
		if d.Group != m.Group {
			r.l.breaks(m, "its group was %q and is %q", m.Group, d.Group)
		}
		if m.deleted > 0 && m.deleted < r.tick {
			r.l.breaks(m, "it came back after its delete was acknowledged")
		}
		r.checkOrder(m, got[:i])
		r.checkPlace(m, d, tick)
		r.checkCount(m, d)
		r.deliver(m, d, tick, now)
	}
}

// checkOrder holds a delivery against its group: before it, or with it, goes
// whatever was sent before it and is still there.
func (r *Receive) checkOrder(m *message, before []Delivery) {
	if m.Group == "" || r.queue != r.f.Name {
		return
	}
	g := r.f.group(m.Group)
	if len(m.seen) == 0 && m.seq < g.furthest {
		r.l.breaks(m, "%s is first delivered after %s of its group", m.seq, g.furthest)
	}
	g.furthest = max(g.furthest, m.seq)
	g.messages = slices.DeleteFunc(g.messages, func(e *message) bool { return e.deleted > 0 })
	for _, e := range g.messages {
		if e.seq >= m.seq || e.deleting > 0 || r.f.Dead != "" {
			continue
		}
		if !slices.ContainsFunc(before, func(d Delivery) bool { return d.ID == e.id }) {
			r.l.breaks(m, "%s is delivered while %s of its group is still there", m.seq, e.seq)
		}
	}
}

// checkPlace keeps a message in one queue: it moves once, when its deliveries
// are used up.
func (r *Receive) checkPlace(m *message, d Delivery, tick int) {
	switch {
	case r.f.Dead == "":
	case r.queue == r.f.Dead:
		if m.buried == 0 {
			m.buried = tick
		}
		if d.Receives <= r.f.MaxReceives {
			r.l.breaks(m, "it is in %s after %d receives of %d", r.queue, d.Receives-1, r.f.MaxReceives)
		}
	case d.Receives > r.f.MaxReceives:
		r.l.breaks(m, "receive %d of %d", d.Receives, r.f.MaxReceives)
	case m.buried > 0 && m.buried < r.tick:
		r.l.breaks(m, "it is still there after %s delivered it", r.f.Dead)
	}
}

// checkCount follows the receive count, which grows by one with each delivery,
// those of unanswered receives included.
func (r *Receive) checkCount(m *message, d Delivery) {
	for _, s := range m.seen {
		if s.receives == d.Receives || s.receives > d.Receives && s.tick < r.tick {
			r.l.breaks(m, "receive count %d after %d", d.Receives, s.receives)
		}
	}
	if most := len(m.seen) + 1 + r.f.open; d.Receives > most {
		r.l.breaks(m, "receive count %d, yet it was received %d times at most", d.Receives, most)
	}
}

// deliver hides the message anew, unless this answer is the late one of an
// earlier delivery.
func (r *Receive) deliver(m *message, d Delivery, tick int, now time.Time) {
	m.seen = append(m.seen, sight{tick, d.Receives})
	if r.tick > r.l.started { // it is there, so deletes that a kill cut off did not happen
		m.deleting -= m.cut
		m.cut = 0
	}
	if d.Receives <= m.latest {
		return
	}
	if now.Add(slack).Before(m.until) {
		r.l.breaks(m, "it was delivered %v before it may be seen", m.until.Sub(now))
	}
	m.latest, m.handle, m.place = d.Receives, d.Handle, r.queue
	m.until = r.began.Add(r.hide)
	m.version++
	m.doubt = nil
}
