package queue

import (
	"math"
	"time"
)

// Fair queues (SQS developer guide, "Amazon SQS fair queues"): the messages of a
// standard queue that have a MessageGroupId belong to a tenant. A tenant is noisy
// when it holds more than a tenth of the messages in flight, 30 at least, or took
// more than a tenth of the recent processing time; it is quiet again when
// nothing of it waits, or when it sent nothing for five minutes. Receives serve
// quiet tenants first, and of the noisy ones the one with the fewest in flight.
const (
	noisyFlight = 30
	noisyShare  = 10 // one in
	noisyBusy   = 30 * time.Second
	quietAfter  = 5 * time.Minute
	busyHalf    = time.Minute // after so long, processing time counts half
)

// A tenant is the messages of one group on a standard queue.
type tenant struct {
	name     print
	shelf    shelf
	waiting  int // ready or delayed
	inFlight int
	sent     int64 // last
	busy     burden
	noisy    bool
	place    uint64 // of the message to be taken next
	heap     *heap[*tenant]
	index    int
}

// A burden is processing time that fades.
type burden struct {
	time float64 // nanoseconds
	at   int64
}

func (b *burden) now(now int64) float64 {
	if b.time == 0 {
		return 0
	}
	return b.time * math.Exp2(-float64(now-b.at)/float64(busyHalf))
}

func (b *burden) add(took, now int64) {
	b.time = b.now(now) + float64(took)
	b.at = now
}

func newTenants(less func(a, b *tenant) bool) heap[*tenant] {
	return heap[*tenant]{less: less, moved: func(t *tenant, i int) { t.index = i }}
}

func byNext(a, b *tenant) bool { return a.place < b.place }

func byFlight(a, b *tenant) bool {
	return a.inFlight < b.inFlight || a.inFlight == b.inFlight && a.place < b.place
}

func (m *Machine) tenantOf(name print) *tenant {
	t := m.tenants[name]
	if t == nil {
		t = &tenant{name: name, shelf: newShelf(&m.messages)}
		m.tenants[name] = t
	}
	return t
}

// place puts a tenant where it belongs, after something happened to it.
func (m *Machine) place(t *tenant) {
	o := t.shelf.first()
	if t.noisy && t.waiting == 0 {
		t.noisy = false
	}
	want := &m.quiet
	switch {
	case o == nil:
		want = nil
	case t.noisy:
		want = &m.noisy
	}
	if t.heap != nil && t.heap != want {
		t.heap.remove(t.index)
		t.heap = nil
	}
	switch {
	case want == nil:
		if t.waiting+t.inFlight == 0 {
			delete(m.tenants, t.name)
		}
	case t.heap == nil:
		t.place, t.heap = o.place(), want
		want.push(t)
	default:
		t.place = o.place()
		want.fix(t.index)
	}
}

// isNoisy tells whether a tenant takes more than its share.
func (m *Machine) isNoisy(t *tenant) bool {
	if t.inFlight >= noisyFlight && t.inFlight*noisyShare > m.inFlight {
		return true
	}
	busy := t.busy.now(m.now)
	return busy >= float64(noisyBusy) && busy*noisyShare > m.busy.now(m.now)
}

// calm makes noisy tenants quiet that sent nothing for long.
func (m *Machine) calm() {
	if m.noisy.len() == 0 || m.now < m.calmAt {
		return
	}
	m.calmAt = never
	for i := 0; i < m.noisy.len(); {
		t := m.noisy.items[i]
		if end := t.sent + int64(quietAfter); end > m.now {
			m.calmAt = min(m.calmAt, end)
			i++
			continue
		}
		t.noisy = false
		m.place(t) // another one comes to stand at i
	}
}

// choose returns the message that a standard queue hands out next, nil for none.
func (m *Machine) choose() *message {
	m.calm()
	for m.quiet.len() > 0 && m.isNoisy(m.quiet.top()) {
		t := m.quiet.top()
		t.noisy = true
		m.calmAt = min(m.calmAt, t.sent+int64(quietAfter))
		m.place(t)
	}
	o := m.shelf.first()
	switch {
	case m.quiet.len() > 0 && (o == nil || m.quiet.top().place < o.place()):
		return m.quiet.top().shelf.first()
	case o == nil && m.noisy.len() > 0:
		return m.noisy.top().shelf.first()
	}
	return o
}
