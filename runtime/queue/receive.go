package queue

import (
	"math"
	"slices"
	"time"
)

// never is later than any moment.
const never = math.MaxInt64

// A Waiter is one receive, answered or waiting. It belongs to the machine until it
// is in [Batch.Answered].
type Waiter struct {
	Token      any // of the caller; the machine does not read it
	Deliveries []Delivery
	Err        error // ErrAttemptNotRetryable or ErrTooManyInFlight

	request  ReceiveRequest
	deadline int64
	index    int // in Machine.deadlines; -1 when it does not wait
}

// A Delivery is one message handed out.
type Delivery struct {
	Number        uint64
	ReceiveCount  uint32 // receives from this queue; with Number, what the receipt handle encodes
	ID            [16]byte
	Content       Content // "" when it has to be read from Entry
	Entry         uint64
	KeyName       string        // of the key that Content was stored under; "" when it was in clear
	Sent          time.Time     // by the wall clock of then
	FirstReceived time.Time     // likewise
	Age           time.Duration // since it was enqueued, by the machine's clock
	TotalReceives int           // receives, in the queues it was moved from too
}

func (m *Machine) newDelivery(msg *message) Delivery {
	state := msg.state()
	return Delivery{
		Number: msg.number, ReceiveCount: state.receives, ID: msg.id, Content: m.log.content(msg), Entry: msg.entry, KeyName: m.log.entry(msg.entry).keyName,
		Sent: time.Unix(0, m.wallSentAt(msg)), FirstReceived: time.Unix(0, state.firstReceivedAt),
		Age: time.Duration(m.now - msg.enqueuedAt()), TotalReceives: int(state.priorReceives + state.receives),
	}
}

// Receive answers w with messages, or has it wait for them.
func (m *Machine) Receive(w *Waiter, r ReceiveRequest) {
	w.request, w.index = r, -1
	switch {
	case r.AttemptID != "" && m.repeatReceive(w):
		m.answer(w)
		return
	case m.deadlines.len() == 0 && m.fill(w): // a new receive does not overtake those that wait
		m.answer(w)
		return
	case r.Wait == 0:
		if !m.fifo && m.inFlight >= maxInFlight {
			w.Err = ErrTooManyInFlight
		}
		m.totals.EmptyReceives++
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

// CancelReceive ends the wait of w without an answer. Messages that w was given in
// the meantime become visible again.
func (m *Machine) CancelReceive(w *Waiter) {
	if w.index >= 0 && w.index < m.deadlines.len() && m.deadlines.items[w.index] == w {
		m.deadlines.remove(w.index)
		m.compactWaiters()
		return
	}
	for _, d := range w.Deliveries {
		if msg := m.messages.get(d.Number); msg != nil && msg.status == inFlight && msg.delivery.receives == d.ReceiveCount {
			m.emit(record{kind: kindHidden, number: msg.number, until: m.now})
		}
	}
	m.serveWaiters()
}

// compactWaiters drops canceled waiters from the list when they are most of it.
func (m *Machine) compactWaiters() {
	if m.waiters.len() > 2*m.deadlines.len()+64 {
		stay := slices.DeleteFunc(slices.Clone(m.waiters.all()), func(w *Waiter) bool { return w.index < 0 })
		m.waiters = deque[*Waiter]{items: stay}
	}
}

// TakeWaiters removes and returns all waiters, unanswered: for a machine that
// replaces this one, or to refuse them.
func (m *Machine) TakeWaiters() (all []*Waiter) {
	for m.waiters.len() > 0 {
		if w := m.waiters.pop(); w.index >= 0 {
			m.deadlines.remove(w.index)
			all = append(all, w)
		}
	}
	return all
}

// AddWaiters has the waiters of another machine wait here.
func (m *Machine) AddWaiters(waiters []*Waiter) {
	for _, w := range waiters {
		m.waiters.push(w)
		m.deadlines.push(w)
	}
}

// HasWaiters reports whether receives wait.
func (m *Machine) HasWaiters() bool { return m.deadlines.len() > 0 }

func (m *Machine) answer(w *Waiter) {
	m.batch.Answered = append(m.batch.Answered, w)
}

// serveWaiters answers waiters in their order as long as there are messages.
func (m *Machine) serveWaiters() {
	for m.waiters.len() > 0 {
		w := m.waiters.at(0)
		if w.index >= 0 {
			if !m.fill(w) {
				return
			}
			m.deadlines.remove(w.index)
			m.answer(w)
		}
		m.waiters.pop()
	}
}

// timeOutWaiters answers the waiters whose wait time is over.
func (m *Machine) timeOutWaiters() {
	for m.deadlines.len() > 0 && m.deadlines.top().deadline <= m.now {
		m.totals.EmptyReceives++
		m.answer(m.deadlines.pop())
	}
	m.compactWaiters()
}

// fill hands w up to as many messages as it asked for; false when there are none.
func (m *Machine) fill(w *Waiter) bool {
	pick := m.pickStandard
	if m.fifo {
		pick = m.pickFIFO
	}
	until := m.now + int64(m.visibility(w.request))
	for {
		// What is picked counts as in flight once its record is applied, and shares of
		// slots depend on it.
		step := w.request.Max
		if m.config.Slots > 0 {
			step = 1
		}
		out, exhausted := pick(step)
		for _, msg := range out {
			r := record{kind: kindReceived, number: msg.number, until: until, key: w.request.AttemptID}
			if len(w.Deliveries) == 0 && r.key != "" {
				r.flags = flagFirstOfReceive
			}
			m.emit(r)
			w.Deliveries = append(w.Deliveries, m.newDelivery(msg))
		}
		m.totals.Received += uint64(len(out))
		for _, msg := range exhausted {
			m.startTransfer(msg)
		}
		if len(out) == 0 || len(w.Deliveries) >= w.request.Max || step > 1 {
			return len(w.Deliveries) > 0
		}
	}
}

func (m *Machine) visibility(r ReceiveRequest) time.Duration {
	if r.Visibility != nil {
		return *r.Visibility
	}
	return m.config.Visibility
}

// pickStandard removes up to n messages from their ready queues, and those on the
// way that were received too often. Records have to follow for all of them.
func (m *Machine) pickStandard(n int) (out, exhausted []*message) {
	for len(out) < n && len(exhausted) < maxExhausted && m.inFlight+len(out) < maxInFlight {
		msg := m.nextMessage()
		if msg == nil {
			break
		}
		m.removeFromReady(msg)
		m.requeueOwner(msg)
		if m.isExhausted(msg) {
			exhausted = append(exhausted, msg)
		} else {
			out = append(out, msg)
		}
	}
	return out, exhausted
}

// isExhausted reports whether another receive of the message would be one too many:
// it becomes a dead letter.
func (m *Machine) isExhausted(msg *message) bool {
	dead := m.config.DeadLetter
	return m.deadLetterQueueExists && dead != nil && int(msg.state().receives) >= dead.MaxReceives
}

// repeatReceive repeats the receive that had the same attempt id.
func (m *Machine) repeatReceive(w *Waiter) bool {
	a := m.attempts[w.request.AttemptID]
	switch {
	case a == nil:
		return false
	case a.notRetryable:
		w.Err = ErrAttemptNotRetryable
		return true
	case !a.isRepeatable():
		return false // its messages became visible: this is a new receive
	}
	m.emit(record{kind: kindRepeated, key: a.key, until: m.now + int64(m.visibility(w.request))})
	for _, msg := range a.messages {
		w.Deliveries = append(w.Deliveries, m.newDelivery(msg))
	}
	return true
}

func (m *Machine) applyReceived(msg *message, r *record, size int) {
	state := msg.mutableState()
	if state.attempt != nil { // it became visible since that attempt
		state.attempt.lapsed = true
		state.attempt = nil
	}
	state.receives++
	state.lastReceivedAt = m.now
	if state.firstReceivedAt == 0 {
		state.firstReceivedAt = m.now + m.wallOffset
	}
	if msg.group != nil {
		m.dequeueGroup(msg.group)
	}
	m.hide(msg, r.until)
	if r.key == "" {
		return
	}
	a := m.attempts[r.key]
	if r.flags&flagFirstOfReceive != 0 || a == nil {
		if a != nil {
			m.forgetAttempt(a)
		}
		a = m.newAttempt(r.key, m.now+int64(AttemptWindow))
	}
	a.add(msg)
	m.placeAttempt(a, size)
}
