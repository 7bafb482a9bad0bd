package queue

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"time"
)

// Limits of a machine.
const (
	maxInFlight = 120_000 // SQS quotas; FIFO queues have had the same one since 2024
	maxSpent    = 1000    // dead letters that one receive sends on their way
	toTheBack   = 3       // a standard message received so often queues up behind the others
)

// A Machine is the state of one queue. It is not safe for concurrent use.
//
// Commands come between [Machine.Begin] and [Machine.Seal]; they happen in the
// order of their calls, at the moment of Begin.
type Machine struct {
	fifo   bool
	config Config
	bury   bool // the dead-letter queue is there
	random rand.Source

	now    int64  // of the last entry or Begin, in the machine's time (see Clock); never goes back
	offset int64  // of the wall clock from it
	seq    uint64 // of the last entry
	next   uint64 // the number of the next message
	turn   uint64 // the last turn a group was given
	burial uint64 // the last burial

	messages slab
	eras     eras           // in which they were sent
	age      ages           // when they were enqueued
	hidden   heap[*message] // delayed and in flight, by until
	visible  int
	inFlight int
	delayed  int

	// Standard queues.
	shelf   shelf // ready messages of no tenant
	tenants map[print]*tenant
	quiet   heap[*tenant] // those with ready messages, by the next of them
	noisy   heap[*tenant] // those with ready messages, by what they have in flight
	calmAt  int64         // no noisy tenant becomes quiet before
	busy    burden        // of all messages

	// FIFO queues.
	groups map[print]*group
	later  heap[*group] // receivable once the delay is over
	open   heap[*group] // receivable
	dedup  map[dedupID]*memo

	attempts map[string]*memo
	memory   line[*memo] // of both, by until

	leaving []*burial         // not arrived yet, as far as we know, in order
	heard   map[uint64]uint64 // the last burial heard of, by source

	waiters   deque[*Waiter]
	deadlines heap[*Waiter]

	ledger   ledger
	front    uint64  // entries below count for nothing and may be gone
	missed   Ranges  // entries that are lost, as was reported
	done     Metrics // what was done, since the machine was made
	records  []byte  // of the entry being written
	contents []byte
	entry    []byte
	group    Batch
}

// Options tune a Machine.
type Options struct {
	FIFO   bool
	Random rand.Source // of message ids and nonces
	Budget *Budget
}

// New makes the machine of an empty queue.
func New(c Config, o Options) *Machine {
	m := &Machine{fifo: o.FIFO, config: c, random: o.Random, next: 1, heard: map[uint64]uint64{}, messages: newSlab()}
	m.ledger.budget = o.Budget
	m.deadlines = heap[*Waiter]{
		less:  func(a, b *Waiter) bool { return a.deadline < b.deadline },
		moved: func(w *Waiter, i int) { w.index = i },
	}
	m.clear()
	return m
}

// clear forgets where every message was, and all deduplication ids and attempts.
func (m *Machine) clear() {
	m.age = newAges(&m.messages)
	m.hidden = heap[*message]{less: byUntil, moved: setSpot}
	m.visible, m.inFlight, m.delayed = 0, 0, 0
	m.shelf = newShelf(&m.messages)
	m.tenants = map[print]*tenant{}
	m.quiet, m.noisy = newTenants(byNext), newTenants(byFlight)
	m.calmAt = never
	m.groups = map[print]*group{}
	m.later, m.open = newGroups(byRipe), newGroups(byTurn)
	m.dedup, m.attempts = map[dedupID]*memo{}, map[string]*memo{}
	m.memory = newLine(
		func(e *memo) int64 { return e.until },
		func(e *memo) bool { return !e.over })
}

// memos goes through all that is remembered.
func (m *Machine) memos() iter.Seq[*memo] {
	return func(yield func(*memo) bool) {
		for _, e := range m.dedup {
			if !yield(e) {
				return
			}
		}
		for _, e := range m.attempts {
			if !yield(e) {
				return
			}
		}
	}
}

// SetDeadLetterQueueExists says whether the dead-letter queue is there. Without it messages stay,
// however often they are received.
func (m *Machine) SetDeadLetterQueueExists(there bool) { m.bury = there }

// Configure sets what the owner of the queue wants. It applies at once, also to
// messages that are there.
func (m *Machine) Configure(c Config) {
	m.config = c
	for m.open.len() > 0 { // the delay may be longer now
		g := m.open.pop()
		g.heap = &m.later
		m.later.push(g)
	}
}

// Seq is the sequence of the last entry, written or replayed.
func (m *Machine) Seq() uint64 { return m.seq }

// StartAt says that the log is empty and its last entry was seq. Call it instead
// of Replay.
func (m *Machine) StartAt(seq uint64) { m.seq = seq }

// A Batch is what one group of commands came to.
type Batch struct {
	Seq          uint64    // the entry's sequence; of the last entry before when there is none
	Entry        []byte    // to be stored; nil when nothing happened. Valid until the next Begin.
	Answered     []*Waiter // to be told once the entry Seq is stored
	HasTransfers bool      // see Burying, once the entry Seq is stored
}

// Begin opens a group of commands at now, by the machine's clock, and lets time
// pass until then. Time that went back stands still. wall is what the wall clock
// says: nothing depends on it but the times that clients are told.
func (m *Machine) Begin(now, wall time.Time) {
	m.group = Batch{}
	m.records, m.contents = m.records[:0], m.contents[:0]
	m.pass(now.UnixNano())
	m.look(wall.UnixNano())
	if o := m.age.first(); o != nil && m.config.Retention > 0 {
		if last := m.now - int64(m.config.Retention); o.enqueued() <= last {
			m.emit(record{kind: expired, until: last})
		}
	}
	m.serve()
	m.giveUp()
}

// BatchBytes is how many bytes the group's entry has so far.
func (m *Machine) BatchBytes() int { return len(m.records) + len(m.contents) }

// Commit closes the group. What senders gave is sealed with the key.
func (m *Machine) Commit(k ContentKey) Batch {
	if len(m.records) > 0 {
		m.seq++
		m.entry = writeEntry(m.entry[:0], m.now, m.records, m.contents, k, m.random)
		m.group.Entry = m.entry
		contents := string(m.contents)
		m.ledger.close(m.seq, int64(len(m.entry)), contents, k.Name)
		m.complete(contents)
	}
	m.group.Seq = m.seq
	return m.group
}

// complete gives the deliveries of messages that were sent in this very group
// their contents.
func (m *Machine) complete(contents string) {
	for _, w := range m.group.Answered {
		for i := range w.Deliveries {
			if d := &w.Deliveries[i]; d.Entry == m.seq && d.Content == "" {
				if o := m.messages.at(d.Number); o != nil && o.entry == m.seq {
					d.Content = Content(contents[o.offset : o.offset+o.length])
				}
			}
		}
	}
}

// Replay does again what a stored entry says; contents are kept as far as the
// budget goes. Entries come in the order of their sequences, from the oldest
// that is left; before the first Begin.
func (m *Machine) Replay(seq uint64, e Entry, contents Plaintext) error {
	m.ledger.add(seq)
	m.seq = seq - 1 // apply places things at the next one
	m.pass(e.time)
	m.offset = 0 // or there is a record of it
	d := e.all()
	for d.more() {
		before := len(d.rest)
		r := readRecord(&d, m.now)
		if d.err == nil {
			m.apply(&r, before-len(d.rest))
		}
	}
	m.seq = seq
	if d.offset != len(contents.text) {
		contents.text = "" // not opened
	}
	m.ledger.close(seq, e.size, contents.text, e.KeyName)
	if d.err != nil {
		return fmt.Errorf("%w: %w", ErrDamagedEntry, d.err)
	}
	return nil
}

// EntryOf is the entry that holds a message now; 0 when it is gone.
func (m *Machine) EntryOf(number uint64) uint64 {
	if o := m.messages.at(number); o != nil {
		return o.entry
	}
	return 0
}

// NextWakeup is when something happens by itself that a waiting receive would notice;
// the zero time when nobody waits, or for nothing that time brings.
func (m *Machine) NextWakeup() time.Time {
	if m.deadlines.len() == 0 {
		return time.Time{}
	}
	next := m.deadlines.top().deadline
	if m.hidden.len() > 0 {
		next = min(next, m.hidden.top().life.until)
	}
	if m.later.len() > 0 {
		next = min(next, m.later.top().ripe+int64(m.config.Delay))
	}
	if next == never {
		return time.Time{}
	}
	return time.Unix(0, next)
}

// pass lets time pass: what is hidden becomes visible, what is remembered is
// forgotten. It depends on the records alone, so that live and replayed time
// pass alike.
func (m *Machine) pass(now int64) {
	m.now = max(m.now, now)
	for m.hidden.len() > 0 && m.hidden.top().life.until <= m.now {
		m.show(m.hidden.top())
	}
	for {
		e, ok := m.memory.first()
		if !ok || e.until > m.now {
			return
		}
		m.forget(e)
	}
}

// emit writes a record and does what it says.
func (m *Machine) emit(r record) {
	if len(m.records) == 0 {
		m.ledger.add(m.seq + 1)
		if m.offset != 0 && r.kind != dated {
			m.emit(record{kind: dated, at: m.now + m.offset})
		}
	}
	r.offset, r.length = len(m.contents), len(r.content)
	m.contents = append(m.contents, r.content...)
	before := len(m.records)
	m.records = r.append(m.records, m.now)
	m.apply(&r, len(m.records)-before)
}

// apply is the only place where a record changes the state. size is the
// record's own, in bytes. What a record says of a message that is gone does not
// count: its own record may have been purged from the log since.
func (m *Machine) apply(r *record, size int) {
	o := m.messages.at(r.number)
	switch r.kind {
	case sent:
		m.applySent(r)
	case kept:
		m.applyKept(r)
	case expired:
		for o := m.age.first(); o != nil && o.enqueued() <= r.until; o = m.age.first() {
			m.drop(o)
		}
	case purged:
		m.applyPurged()
	case remembered:
		m.remember(r)
	case retried:
		m.applyRetried(r)
	case attempted:
		m.applyAttempted(r, size)
	case counted:
		m.next = max(m.next, r.number)
		m.turn = max(m.turn, r.turn)
		m.burial = max(m.burial, r.burial)
		m.applyFront(r)
	case missed:
		m.applyMissed(r)
	case heard:
		m.heard[r.source] = max(m.heard[r.source], r.burial)
	case dated:
		m.offset = r.at - m.now
	case opened:
	case gone:
		if o != nil {
			m.drop(o)
		}
	case unburied:
		if o != nil && o.state == leaving {
			m.applyUnburied(o)
		}
	default:
		if o == nil || o.state == leaving {
			return
		}
		switch r.kind {
		case received:
			m.applyReceived(o, r, size)
		case hidden:
			m.breakAttempt(o)
			m.hide(o, r.until)
		case burying:
			m.applyBurying(o, r)
		}
	}
}

// tally counts a message, or with n = -1 does not count it anymore.
func (m *Machine) tally(o *message, n int) {
	t := o.tenant()
	switch o.state {
	case ready:
		m.visible += n
	case delayed:
		m.delayed += n
	case inFlight:
		m.inFlight += n
		if t != nil {
			t.inFlight += n
		}
		return
	default:
		return
	}
	if t != nil {
		t.waiting += n
	}
}

// become moves a message to another state.
func (m *Machine) become(o *message, s state) {
	if o.state == inFlight && len(m.tenants) > 0 {
		took := m.now - o.life.at
		m.busy.add(took, m.now)
		if t := o.life.tenant; t != nil {
			t.busy.add(took, m.now)
		}
	}
	m.tally(o, -1)
	o.state = s
	m.tally(o, +1)
}

// offer puts a message that became ready where receives find it.
func (m *Machine) offer(o *message) {
	switch t := o.tenant(); {
	case o.group != nil:
		o.group.insert(o)
		m.settle(o.group)
	case t != nil:
		t.shelf.put(o)
		m.place(t)
	default:
		m.shelf.put(o)
	}
}

// unlink takes a ready message off its shelf; in a FIFO group it keeps its place.
func (m *Machine) unlink(o *message) {
	switch t := o.tenant(); {
	case o.group != nil:
	case t != nil:
		t.shelf.remove(o)
	default:
		m.shelf.remove(o)
	}
}

// moved puts the group or the tenant of a message where it now belongs.
func (m *Machine) moved(o *message) {
	if o.group != nil {
		m.settle(o.group)
	} else if t := o.tenant(); t != nil {
		m.place(t)
	}
}

// hide makes a message invisible until then, and shows it if that is over.
func (m *Machine) hide(o *message, until int64) {
	o.live().until = until
	switch o.state {
	case inFlight:
		m.hidden.fix(int(o.life.spot) - 1)
	case ready:
		m.unlink(o)
		m.become(o, inFlight)
		m.hidden.push(o)
	}
	if until <= m.now {
		m.show(o)
	} else {
		m.moved(o)
	}
}

// show makes a hidden message visible.
func (m *Machine) show(o *message) {
	m.hidden.remove(int(o.life.spot) - 1)
	m.become(o, ready)
	switch t := o.life.tenant; {
	case o.group != nil:
		m.settle(o.group)
		return
	case o.life.receives >= toTheBack:
		o.life.place = m.next
		fallthrough
	default:
		if t == nil {
			m.shelf.put(o)
			return
		}
		t.shelf.put(o)
		m.place(t)
	}
}

// leave takes a message out of everything it can be received from.
func (m *Machine) leave(o *message, to state) {
	switch o.state {
	case ready:
		m.unlink(o)
	case delayed, inFlight:
		m.hidden.remove(int(o.life.spot) - 1)
	}
	stood := o.stands()
	m.become(o, to)
	if !stood {
		return
	}
	if o.group != nil {
		o.group.remove()
	}
	m.moved(o)
}

// drop ends a message.
func (m *Machine) drop(o *message) {
	m.breakAttempt(o)
	m.endBurial(o)
	m.leave(o, over)
	m.ledger.release(o)
	t := o.tenant()
	m.messages.remove(o)
	if t == nil {
		m.shelf.trim()
	}
	m.age.compact(m.messages.count)
}

// Discard ends the machine: it gives its part of the budget back.
func (m *Machine) Discard() { m.ledger.clear() }
