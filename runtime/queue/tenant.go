package queue

import (
	"math"
	"time"
)

// Fair queues (SQS developer guide, "Amazon SQS fair queues"): the messages of a
// standard queue that have a MessageGroupId belong to a tenant. A tenant is noisy
// when it has more than a tenth of the messages in flight, and at least 30, or when
// it took more than a tenth of the recent processing time. It is quiet again when no
// message of it waits, or when it sent nothing for five minutes. Receives serve
// quiet tenants first, then the noisy tenant with the fewest messages in flight.
const (
	noisyInFlight      = 30
	noisyShare         = 10 // one tenth
	noisyProcessing    = 30 * time.Second
	quietAfter         = 5 * time.Minute
	processingHalfLife = time.Minute // processing time counts half after this
)

// A tenant is the messages of one message group on a standard queue.
type tenant struct {
	id         fingerprint
	ready      readyQueue
	waiting    int // messages that are ready or delayed
	inFlight   int
	lastSentAt int64
	processing decayingTime
	noisy      bool
	position   uint64 // of its next message
	heap       *heap[*tenant]
	index      int
}

// A decayingTime is a sum of durations in which older ones count less.
type decayingTime struct {
	nanoseconds float64 // as of updatedAt
	updatedAt   int64
}

func (b *decayingTime) valueAt(now int64) float64 {
	if b.nanoseconds == 0 {
		return 0
	}
	return b.nanoseconds * math.Exp2(-float64(now-b.updatedAt)/float64(processingHalfLife))
}

func (b *decayingTime) add(took, now int64) {
	b.nanoseconds = b.valueAt(now) + float64(took)
	b.updatedAt = now
}

func newTenantHeap(less func(a, b *tenant) bool) heap[*tenant] {
	return heap[*tenant]{less: less, moved: func(t *tenant, i int) { t.index = i }}
}

func byNextPosition(a, b *tenant) bool { return a.position < b.position }

func byInFlight(a, b *tenant) bool {
	return a.inFlight < b.inFlight || a.inFlight == b.inFlight && a.position < b.position
}

func (m *Machine) tenantOf(name fingerprint) *tenant {
	t := m.tenants[name]
	if t == nil {
		t = &tenant{id: name, ready: newReadyQueue(&m.messages)}
		m.tenants[name] = t
	}
	return t
}

// requeueTenant moves a tenant to the heap where it belongs. It is called after any
// change to the tenant.
func (m *Machine) requeueTenant(t *tenant) {
	msg := t.ready.first()
	if t.noisy && t.waiting == 0 {
		t.noisy = false
	}
	want := &m.quiet
	switch {
	case msg == nil:
		want = nil
	case t.noisy || m.config.Slots > 0:
		want = &m.noisy
	}
	if t.heap != nil && t.heap != want {
		t.heap.remove(t.index)
		t.heap = nil
	}
	switch {
	case want == nil:
		if t.waiting+t.inFlight == 0 {
			delete(m.tenants, t.id)
		}
	case t.heap == nil:
		t.position, t.heap = msg.position(), want
		want.push(t)
	default:
		t.position = msg.position()
		want.fix(t.index)
	}
}

// isNoisy reports whether a tenant takes more than its share.
func (m *Machine) isNoisy(t *tenant) bool {
	if t.inFlight >= noisyInFlight && t.inFlight*noisyShare > m.inFlight {
		return true
	}
	busy := t.processing.valueAt(m.now)
	return busy >= float64(noisyProcessing) && busy*noisyShare > m.processing.valueAt(m.now)
}

// quietIdleTenants makes noisy tenants quiet that sent nothing for quietAfter.
func (m *Machine) quietIdleTenants() {
	if m.noisy.len() == 0 || m.now < m.nextQuietAt {
		return
	}
	m.nextQuietAt = never
	for i := 0; i < m.noisy.len(); {
		t := m.noisy.items[i]
		if end := t.lastSentAt + int64(quietAfter); end > m.now {
			m.nextQuietAt = min(m.nextQuietAt, end)
			i++
			continue
		}
		t.noisy = false
		m.requeueTenant(t) // which puts another one at i
	}
}

// nextMessage returns the message that a standard queue hands out next, nil for none.
func (m *Machine) nextMessage() *message {
	if m.config.Slots > 0 {
		return m.nextShared()
	}
	m.quietIdleTenants()
	for m.quiet.len() > 0 && m.isNoisy(m.quiet.top()) {
		t := m.quiet.top()
		t.noisy = true
		m.nextQuietAt = min(m.nextQuietAt, t.lastSentAt+int64(quietAfter))
		m.requeueTenant(t)
	}
	msg := m.ready.first()
	switch {
	case m.quiet.len() > 0 && (msg == nil || m.quiet.top().position < msg.position()):
		return m.quiet.top().ready.first()
	case msg == nil && m.noisy.len() > 0:
		return m.noisy.top().ready.first()
	}
	return msg
}

// nextShared is nextMessage of a queue whose groups share slots. The group with the
// fewest messages in flight is next, unless it has its share.
func (m *Machine) nextShared() *message {
	free := m.config.Slots - m.inFlight
	if msg := m.ready.first(); msg != nil && free > 0 {
		return msg
	}
	if m.noisy.len() == 0 {
		return nil
	}
	t := m.noisy.top()
	if t.inFlight > 0 && t.inFlight >= min(free, m.config.SlotsPerGroup) {
		return nil
	}
	return t.ready.first()
}
