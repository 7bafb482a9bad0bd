package queue

import (
	"math"
	"slices"
	"time"
)

// never is later than any moment.
const never = math.MaxInt64

// A Waiter is one receive, answered or waiting. It belongs to the machine until
// it comes out with [Group.Answered].
type Waiter struct {
	Token      any // of the caller
	Deliveries []Delivery
	Err        error // ErrAttempt or ErrOverLimit

	request  ReceiveRequest
	deadline int64
	index    int // in Machine.deadlines; -1 when it does not wait
}

// A Delivery is one message handed out.
type Delivery struct {
	Number        uint64
	ReceiveCount  uint32 // the count of receives from this queue: with Number, the receipt handle
	ID            [16]byte
	Content       Content // "" when it has to be read from Entry
	Entry         uint64
	KeyName       string        // that Content was stored under; "" when it was in clear
	Sent          time.Time     // by the wall clock, as it was then
	FirstReceived time.Time     // the first receive, likewise
	Age           time.Duration // since it was enqueued, by the machine's clock
	TotalReceives int           // with those in the queues it was moved from
}

func (m *Machine) delivery(o *message) Delivery {
	was := o.was()
	return Delivery{
		Number: o.number, ReceiveCount: was.receives, ID: o.id, Content: m.ledger.content(o), Entry: o.entry, KeyName: m.ledger.slot(o.entry).key,
		Sent: time.Unix(0, m.sentAt(o)), FirstReceived: time.Unix(0, was.first),
		Age: time.Duration(m.now - o.enqueued()), TotalReceives: int(was.carried + was.receives),
	}
}

// Receive answers w with messages, or lets it wait for them.
func (m *Machine) Receive(w *Waiter, r ReceiveRequest) {
	w.request, w.index = r, -1
	switch {
	case r.AttemptID != "" && m.retry(w):
		m.answer(w)
		return
	case m.deadlines.len() == 0 && m.take(w): // nobody overtakes those who wait
		m.answer(w)
		return
	case r.Wait == 0:
		if !m.fifo && m.inFlight >= maxInFlight {
			w.Err = ErrTooManyInFlight
		}
		m.done.EmptyReceives++
		m.answer(w)
		return
	}
	w.deadline = never
	if r.Wait != Forever {
		w.deadline = m.now + int64(r.Wait)
	}
	m.waiters.push(w)
	m.deadlines.push(w)
}

// CancelReceive ends the waiting of w without an answer. Messages that it was given in
// the meantime are visible again: nobody will hear of them.
func (m *Machine) CancelReceive(w *Waiter) {
	if w.index >= 0 && w.index < m.deadlines.len() && m.deadlines.items[w.index] == w {
		m.deadlines.remove(w.index)
		m.tidy()
		return
	}
	for _, d := range w.Deliveries {
		if o := m.messages.at(d.Number); o != nil && o.state == inFlight && o.life.receives == d.ReceiveCount {
			m.emit(record{kind: hidden, number: o.number, until: m.now})
		}
	}
	m.serve()
}

// tidy drops those who left from the list of waiters when they are most of it.
func (m *Machine) tidy() {
	if m.waiters.len() > 2*m.deadlines.len()+64 {
		stay := slices.DeleteFunc(slices.Clone(m.waiters.all()), func(w *Waiter) bool { return w.index < 0 })
		m.waiters = deque[*Waiter]{items: stay}
	}
}

// TakeWaiters hands over all waiters, unanswered: for a machine that replaces this
// one, or to send them away.
func (m *Machine) TakeWaiters() (all []*Waiter) {
	for m.waiters.len() > 0 {
		if w := m.waiters.pop(); w.index >= 0 {
			m.deadlines.remove(w.index)
			all = append(all, w)
		}
	}
	return all
}

// AddWaiters lets the waiters of another machine wait here.
func (m *Machine) AddWaiters(waiters []*Waiter) {
	for _, w := range waiters {
		m.waiters.push(w)
		m.deadlines.push(w)
	}
}

func (m *Machine) answer(w *Waiter) {
	m.group.Answered = append(m.group.Answered, w)
}

// serve answers waiters in their order as long as there are messages.
func (m *Machine) serve() {
	for m.waiters.len() > 0 {
		w := m.waiters.at(0)
		if w.index >= 0 {
			if !m.take(w) {
				return
			}
			m.deadlines.remove(w.index)
			m.answer(w)
		}
		m.waiters.pop()
	}
}

// giveUp answers the waiters whose time is over.
func (m *Machine) giveUp() {
	for m.deadlines.len() > 0 && m.deadlines.top().deadline <= m.now {
		m.done.EmptyReceives++
		m.answer(m.deadlines.pop())
	}
	m.tidy()
}

// take gives w what there is, up to what it asked for; false for nothing.
func (m *Machine) take(w *Waiter) bool {
	pick := m.pick
	if m.fifo {
		pick = m.pickFIFO
	}
	out, spent := pick(w.request.Max)
	until := m.now + int64(m.visibility(w.request))
	for i, o := range out {
		r := record{kind: received, number: o.number, until: until, key: w.request.AttemptID}
		if i == 0 && r.key != "" {
			r.flags = flagFirst
		}
		m.emit(r)
		w.Deliveries = append(w.Deliveries, m.delivery(o))
	}
	m.done.Received += uint64(len(out))
	for _, o := range spent {
		m.startBurial(o)
	}
	return len(out) > 0
}

func (m *Machine) visibility(r ReceiveRequest) time.Duration {
	if r.Visibility != nil {
		return *r.Visibility
	}
	return m.config.Visibility
}

// pick takes up to n ready messages off their shelves, and those met on the way
// that were received often enough. Records have to follow for all of them.
func (m *Machine) pick(n int) (out, spent []*message) {
	for len(out) < n && len(spent) < maxSpent && m.inFlight+len(out) < maxInFlight {
		o := m.choose()
		if o == nil {
			break
		}
		m.unlink(o)
		m.moved(o)
		if m.isSpent(o) {
			spent = append(spent, o)
		} else {
			out = append(out, o)
		}
	}
	return out, spent
}

// isSpent tells a message whose next receive would be one too many.
func (m *Machine) isSpent(o *message) bool {
	dead := m.config.DeadLetter
	return m.bury && dead != nil && int(o.was().receives) >= dead.MaxReceives
}

// retry repeats the receive that had the same attempt id.
func (m *Machine) retry(w *Waiter) bool {
	e := m.attempts[w.request.AttemptID]
	switch {
	case e == nil:
		return false
	case e.broken:
		w.Err = ErrAttemptNotRetryable
		return true
	case !e.holds():
		return false // what it received became visible: this is a new receive
	}
	m.emit(record{kind: retried, key: e.attempt, until: m.now + int64(m.visibility(w.request))})
	for _, o := range e.messages {
		w.Deliveries = append(w.Deliveries, m.delivery(o))
	}
	return true
}

func (m *Machine) applyReceived(o *message, r *record, size int) {
	was := o.live()
	if was.attempt != nil { // it became visible since
		was.attempt.lapsed = true
		was.attempt = nil
	}
	was.receives++
	was.at = m.now
	if was.first == 0 {
		was.first = m.now + m.offset
	}
	if o.group != nil {
		m.unqueue(o.group)
	}
	m.hide(o, r.until)
	if r.key == "" {
		return
	}
	e := m.attempts[r.key]
	if r.flags&flagFirst != 0 || e == nil {
		if e != nil {
			m.forget(e)
		}
		e = m.newAttempt(r.key, m.now+int64(AttemptWindow))
	}
	e.add(o)
	m.ledger.placeMemo(e, m.seq+1, size)
}
