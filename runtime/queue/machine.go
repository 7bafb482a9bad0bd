package queue

import (
	"math/rand/v2"
	"strings"
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
	budget *Budget

	now    int64  // of the last entry or Begin; never goes back
	seq    uint64 // of the last entry
	next   uint64 // the number of the next message
	turn   uint64 // the last turn a group was given
	burial uint64 // the last burial

	messages map[uint64]*message
	age      line[*message] // by enqueued
	hidden   heap[*message] // delayed and in flight, by until
	shelf    shelf          // standard: ready
	groups   map[string]*group
	later    heap[*group] // FIFO: receivable once the delay is over
	open     heap[*group] // FIFO: receivable
	visible  int
	inFlight int
	delayed  int

	dedup    map[string]*memo
	attempts map[string]*memo
	memory   line[*memo] // of both, by until

	leaving []*burial         // not arrived yet, as far as we know, in order
	heard   map[uint64]uint64 // the last burial heard of, by source

	waiters   deque[*Waiter]
	deadlines heap[*Waiter]

	ledger ledger
	done   Metrics // what was done, since the machine was made
	entry  []byte  // being written
	group  Group
}

// Options tune a Machine.
type Options struct {
	FIFO   bool
	Random rand.Source // of message ids
	Budget *Budget
}

// New makes the machine of an empty queue.
func New(c Config, o Options) *Machine {
	m := &Machine{fifo: o.FIFO, config: c, random: o.Random, budget: o.Budget, next: 1, heard: map[uint64]uint64{}}
	m.deadlines = heap[*Waiter]{
		less:  func(a, b *Waiter) bool { return a.deadline < b.deadline },
		moved: func(w *Waiter, i int) { w.index = i },
	}
	m.clear()
	return m
}

// clear forgets every message, deduplication id and attempt.
func (m *Machine) clear() {
	m.messages = map[uint64]*message{}
	m.age = newLine(
		func(o *message) int64 { return o.enqueued },
		func(o *message) bool { return o.state < leaving })
	m.hidden = heap[*message]{less: byUntil, moved: setIndex}
	m.shelf = newShelf()
	m.groups = map[string]*group{}
	m.later, m.open = newGroups(byRipe), newGroups(byTurn)
	m.visible, m.inFlight, m.delayed = 0, 0, 0
	m.dedup, m.attempts = map[string]*memo{}, map[string]*memo{}
	m.memory = newLine(
		func(e *memo) int64 { return e.until },
		func(e *memo) bool { return !e.over })
}

// CanBury says whether the dead-letter queue is there. Without it messages stay,
// however often they are received.
func (m *Machine) CanBury(there bool) { m.bury = there }

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

// A Group is what one group of commands came to.
type Group struct {
	Seq      uint64    // the entry's sequence; of the last entry before when there is none
	Entry    []byte    // to be stored; nil when nothing happened. Valid until the next Begin.
	Answered []*Waiter // to be told once the entry Seq is stored
	Burials  bool      // see Burying, once the entry Seq is stored
}

// Begin opens a group of commands at now and lets time pass until then. Time
// that went back stands still.
func (m *Machine) Begin(now time.Time) {
	m.group = Group{}
	m.entry = m.entry[:0]
	m.pass(now.UnixNano())
	if o, ok := m.age.first(); ok && m.config.Retention > 0 {
		if last := m.now - int64(m.config.Retention); o.enqueued <= last {
			m.emit(record{kind: expired, until: last})
		}
	}
	m.serve()
	m.giveUp()
}

// Written is how many bytes the group's entry has so far.
func (m *Machine) Written() int { return len(m.entry) }

// Seal closes the group.
func (m *Machine) Seal() Group {
	if len(m.entry) > 0 {
		sealEntry(m.entry)
		m.seq++
		m.ledger.close(m.seq, int64(len(m.entry)))
		m.group.Entry = m.entry
	}
	m.group.Seq = m.seq
	return m.group
}

// Replay does again what a stored entry says. Entries come in the order of
// their sequences, from the oldest that is left; before the first Begin.
func (m *Machine) Replay(seq uint64, entry []byte) error {
	now, d, err := readEntry(entry)
	if err != nil {
		return err
	}
	m.ledger.add(seq)
	m.seq = seq - 1 // apply places things at the next one
	m.pass(now)
	for d.rest != "" {
		before := len(d.rest)
		r := readRecord(&d, m.now)
		if d.err != nil {
			return d.err
		}
		r.content = Content(strings.Clone(string(r.content))) // not a window on the whole entry
		m.apply(&r, before-len(d.rest))
	}
	m.seq = seq
	m.ledger.close(seq, int64(len(entry)))
	return nil
}

// Where is the entry that holds a message now; 0 when it is gone.
func (m *Machine) Where(number uint64) uint64 {
	if o := m.messages[number]; o != nil {
		return o.entry
	}
	return 0
}

// Next is when something happens by itself that a waiting receive would notice;
// the zero time when nobody waits, or for nothing that time brings.
func (m *Machine) Next() time.Time {
	if m.deadlines.len() == 0 {
		return time.Time{}
	}
	next := m.deadlines.top().deadline
	if m.hidden.len() > 0 {
		next = min(next, m.hidden.top().until)
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
	for m.hidden.len() > 0 && m.hidden.top().until <= m.now {
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
	if len(m.entry) == 0 {
		m.entry = beginEntry(m.entry, m.now)
		m.ledger.add(m.seq + 1)
	}
	before := len(m.entry)
	m.entry = r.append(m.entry, m.now)
	m.apply(&r, len(m.entry)-before)
}

// apply is the only place where a record changes the state. size is the
// record's own, in bytes. What a record says of a message that is gone does not
// count: its own record may have been purged from the log since.
func (m *Machine) apply(r *record, size int) {
	o := m.messages[r.number]
	switch r.kind {
	case sent:
		m.applySent(r, size)
	case kept:
		m.applyKept(r, size)
	case expired:
		for o, ok := m.age.first(); ok && o.enqueued <= r.until; o, ok = m.age.first() {
			m.drop(o)
		}
	case purged:
		m.applyPurged()
	case remembered:
		m.remember(r, size)
	case retried:
		m.applyRetried(r)
	case attempted:
		m.applyAttempted(r, size)
	case counted:
		m.next = max(m.next, r.number)
		m.turn = max(m.turn, r.turn)
		m.burial = max(m.burial, r.burial)
	case heard:
		m.heard[r.source] = max(m.heard[r.source], r.burial)
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

// link puts a message where ready ones are.
func (m *Machine) link(o *message) {
	if o.group == nil {
		m.shelf.put(o)
	}
}

// unlink takes a ready message out; in a FIFO group it keeps its place.
func (m *Machine) unlink(o *message) {
	if o.group == nil && o.linked {
		m.shelf.remove(o)
	}
}

// hide makes a message invisible until then, and shows it if that is over.
func (m *Machine) hide(o *message, until int64) {
	o.until = until
	switch o.state {
	case inFlight:
		m.hidden.fix(int(o.index))
	case ready:
		m.unlink(o)
		m.visible--
		m.inFlight++
		o.state = inFlight
		m.hidden.push(o)
	}
	if o.until <= m.now {
		m.show(o)
	} else if o.group != nil {
		m.settle(o.group)
	}
}

// show makes a hidden message visible.
func (m *Machine) show(o *message) {
	m.hidden.remove(int(o.index))
	if o.state == delayed {
		m.delayed--
	} else {
		m.inFlight--
	}
	m.visible++
	o.state = ready
	if o.group != nil {
		m.settle(o.group)
		return
	}
	if o.receives >= toTheBack {
		o.place = m.next
	}
	m.link(o)
}

// leave takes a message out of everything it can be received from.
func (m *Machine) leave(o *message, to state) {
	switch o.state {
	case ready:
		m.unlink(o)
		m.visible--
	case delayed:
		m.hidden.remove(int(o.index))
		m.delayed--
	case inFlight:
		m.hidden.remove(int(o.index))
		m.inFlight--
	}
	o.state = to
	if g := o.group; g != nil && o.linked {
		g.messages.remove(o)
		m.settle(g)
	}
}

// drop ends a message.
func (m *Machine) drop(o *message) {
	m.breakAttempt(o)
	m.endBurial(o)
	m.leave(o, over)
	m.release(o)
	delete(m.messages, o.number)
	m.age.compact(len(m.messages))
}

// release gives a message's room back, in the log and in memory.
func (m *Machine) release(o *message) {
	m.ledger.release(o.entry, o.size)
	if o.content != "" {
		m.budget.give(len(o.content))
		o.content = ""
	}
}

// Discard ends the machine: it gives its part of the budget back.
func (m *Machine) Discard() {
	for _, o := range m.messages {
		if o.content != "" {
			m.budget.give(len(o.content))
			o.content = ""
		}
	}
}
