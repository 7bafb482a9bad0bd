package queue

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Limits of a machine.
const (
	maxInFlight      = 120_000 // SQS quotas; FIFO queues have had the same one since 2024
	maxExhausted     = 1000    // dead letters that one receive transfers
	backOfQueueAfter = 3       // a standard message received so often goes behind the others
)

// A Machine is the state of one queue. It is not safe for concurrent use.
//
// Commands are called between [Machine.Begin] and [Machine.Commit]; they happen in
// the order of their calls, at the time of Begin.
type Machine struct {
	fifo                  bool
	config                Config
	deadLetterQueueExists bool // the dead-letter queue is there
	random                rand.Source

	now          int64  // of the last entry or Begin, in the machine's time (see Clock); never goes back
	wallOffset   int64  // wall-clock time minus now
	seq          uint64 // of the last entry
	nextNumber   uint64 // of the next message
	lastRound    uint64 // the last round given to a group
	lastTransfer uint64 // the number of the last transfer

	messages    slab
	sendOffsets offsetTable    // under which messages were sent
	byAge       ageIndex       // messages in the order in which they were enqueued
	hidden      heap[*message] // delayed and in flight, by hiddenUntil
	visible     int
	inFlight    int
	delayed     int

	// Standard queues.
	ready       readyQueue // messages without a tenant
	tenants     map[fingerprint]*tenant
	quiet       heap[*tenant] // tenants with ready messages, by the next of them
	noisy       heap[*tenant] // tenants with ready messages, by how many they have in flight
	nextQuietAt int64         // no noisy tenant becomes quiet before
	processing  decayingTime  // of the messages of all tenants and none

	// FIFO queues.
	groups           map[fingerprint]*group
	delayedGroups    heap[*group] // receivable once the queue's delay is over, by eligibleAt
	receivableGroups heap[*group] // by round
	dedup            map[dedupKey]*dedupEntry

	attempts map[string]*receiveAttempt

	dedupExpiry   timeQueue[*dedupEntry]
	attemptExpiry timeQueue[*receiveAttempt]

	transfers     []*pendingTransfer // not known to have arrived, in order
	lastTransfers map[uint64]uint64  // the highest transfer accepted, by generation of the source
	lastNumbers   map[uint64]uint64  // the highest number of a send, by Message.Source

	waiters   deque[*Waiter]
	deadlines heap[*Waiter]

	log            logIndex
	firstLive      uint64  // entries below are dead and may be gone
	reportedLosses Ranges  // entries whose loss was reported
	totals         Metrics // what was done since the machine was made
	records        []byte  // of the batch
	contents       []byte
	entry          []byte
	batch          Batch
}

// Options tune a Machine.
type Options struct {
	FIFO   bool
	Random rand.Source // of message ids and nonces
	Budget *Budget
}

// New makes the machine of an empty queue.
func New(c Config, o Options) *Machine {
	m := &Machine{fifo: o.FIFO, config: c, random: o.Random, nextNumber: 1, lastTransfers: map[uint64]uint64{}, lastNumbers: map[uint64]uint64{}, messages: newSlab()}
	m.log.budget, m.log.maxCached = o.Budget, c.MaxCached
	m.deadlines = heap[*Waiter]{
		less:  func(a, b *Waiter) bool { return a.deadline < b.deadline },
		moved: func(w *Waiter, i int) { w.index = i },
	}
	m.resetIndexes()
	return m
}

// resetIndexes clears everything that says where messages are, and all deduplication
// ids and attempts.
func (m *Machine) resetIndexes() {
	m.byAge = newAgeIndex(&m.messages)
	m.hidden = heap[*message]{less: byHiddenUntil, moved: setHeapIndex}
	m.visible, m.inFlight, m.delayed = 0, 0, 0
	m.ready = newReadyQueue(&m.messages)
	m.tenants = map[fingerprint]*tenant{}
	m.quiet, m.noisy = newTenantHeap(byNextPosition), newTenantHeap(byInFlight)
	m.nextQuietAt = never
	m.groups = map[fingerprint]*group{}
	m.delayedGroups, m.receivableGroups = newGroupHeap(byEligibleAt), newGroupHeap(byRound)
	m.dedup, m.attempts = map[dedupKey]*dedupEntry{}, map[string]*receiveAttempt{}
	m.dedupExpiry = newTimeQueue(
		func(e *dedupEntry) int64 { return e.until },
		func(e *dedupEntry) bool { return !e.forgotten })
	m.attemptExpiry = newTimeQueue(
		func(a *receiveAttempt) int64 { return a.until },
		func(a *receiveAttempt) bool { return !a.forgotten })
}

// SetDeadLetterQueueExists says whether the dead-letter queue exists. Without it
// messages stay, however often they are received.
func (m *Machine) SetDeadLetterQueueExists(there bool) { m.deadLetterQueueExists = there }

// Configure sets the configuration. It applies at once, also to messages that are in
// the queue.
func (m *Machine) Configure(c Config) {
	m.config, m.log.maxCached = c, c.MaxCached
	for _, t := range m.tenants { // they may share slots now
		m.requeueTenant(t)
	}
	for m.receivableGroups.len() > 0 { // the delay may be longer now
		g := m.receivableGroups.pop()
		g.heap = &m.delayedGroups
		m.delayedGroups.push(g)
	}
}

// Seq is the sequence of the last entry, written or replayed.
func (m *Machine) Seq() uint64 { return m.seq }

// StartAt says that the log is empty and its last entry was seq. Call it instead of
// Replay.
func (m *Machine) StartAt(seq uint64) { m.seq = seq }

// A Batch is what came of the commands between a Begin and its Commit.
type Batch struct {
	Seq          uint64    // of the entry; of the entry before when there is none
	Entry        []byte    // to be stored; nil when nothing changed. Valid until the next Begin.
	Answered     []*Waiter // to be told once the entry Seq is stored
	HasTransfers bool      // see PendingTransfers, once the entry Seq is stored
}

// Begin starts a batch of commands at now, by the machine's clock, and advances time
// until then. Time never goes back. wall is what the wall clock says: only the times
// that clients see depend on it.
func (m *Machine) Begin(now, wall time.Time) {
	m.batch = Batch{}
	m.records, m.contents = m.records[:0], m.contents[:0]
	m.advanceTime(now.UnixNano())
	m.observeWallClock(wall.UnixNano())
	if msg := m.byAge.first(); msg != nil && m.config.Retention > 0 {
		if last := m.now - int64(m.config.Retention); msg.enqueuedAt() <= last {
			m.emit(record{kind: kindExpired, until: last})
		}
	}
	m.serveWaiters()
	m.timeOutWaiters()
}

// BatchBytes is how many bytes the batch's entry has so far.
func (m *Machine) BatchBytes() int { return len(m.records) + len(m.contents) }

// Commit ends the batch. Contents are encrypted with the key.
func (m *Machine) Commit(k ContentKey) Batch {
	if len(m.records) > 0 {
		m.seq++
		m.entry = writeEntry(m.entry[:0], m.now, m.records, m.contents, k, m.random)
		m.batch.Entry = m.entry
		contents := string(m.contents)
		m.log.finishEntry(m.seq, int64(len(m.entry)), contents, k.Name)
		m.fillContents(contents)
	}
	m.batch.Seq = m.seq
	return m.batch
}

// fillContents completes deliveries of messages that were sent in this same batch.
func (m *Machine) fillContents(contents string) {
	for _, w := range m.batch.Answered {
		for i := range w.Deliveries {
			if d := &w.Deliveries[i]; d.Entry == m.seq && d.Content == "" {
				if msg := m.messages.get(d.Number); msg != nil && msg.entry == m.seq {
					d.Content = Content(contents[msg.offset : msg.offset+msg.length])
				}
			}
		}
	}
}

// Replay applies a stored entry. Contents are kept as far as the budget allows.
// Entries come in the order of their sequences, from the oldest that is left, before
// the first Begin.
func (m *Machine) Replay(seq uint64, e Entry, contents Plaintext) error {
	m.log.addEntry(seq)
	m.seq = seq - 1 // apply places messages in the entry seq+1
	m.advanceTime(e.time)
	m.wallOffset = 0 // unless a record of the entry says otherwise
	d := e.newRecordReader()
	for d.more() {
		before := len(d.remaining)
		r := readRecord(&d, m.now)
		if d.err == nil {
			m.apply(&r, before-len(d.remaining))
		}
	}
	m.seq = seq
	if d.offset != len(contents.text) {
		contents.text = "" // not decrypted
	}
	m.log.finishEntry(seq, e.size, contents.text, e.KeyName)
	if d.err != nil {
		return fmt.Errorf("%w: %w", ErrDamagedEntry, d.err)
	}
	return nil
}

// EntryOf is the sequence of the log entry that holds a message; 0 when the message
// is gone.
func (m *Machine) EntryOf(number uint64) uint64 {
	if msg := m.messages.get(number); msg != nil {
		return msg.entry
	}
	return 0
}

// NextWakeup is when time alone brings something that a waiting receive would
// notice; the zero time when no receive waits or nothing is due.
func (m *Machine) NextWakeup() time.Time {
	if m.deadlines.len() == 0 {
		return time.Time{}
	}
	next := m.deadlines.top().deadline
	if m.hidden.len() > 0 {
		next = min(next, m.hidden.top().delivery.hiddenUntil)
	}
	if m.delayedGroups.len() > 0 {
		next = min(next, m.delayedGroups.top().eligibleAt+int64(m.config.Delay))
	}
	if next == never {
		return time.Time{}
	}
	return time.Unix(0, next)
}

// advanceTime makes hidden messages visible and forgets deduplication ids and
// attempts, as far as they are due. It depends on the records alone, so that live
// and replayed time have the same effect.
func (m *Machine) advanceTime(now int64) {
	m.now = max(m.now, now)
	for m.hidden.len() > 0 && m.hidden.top().delivery.hiddenUntil <= m.now {
		m.makeVisible(m.hidden.top())
	}
	for e, ok := m.dedupExpiry.first(); ok && e.until <= m.now; e, ok = m.dedupExpiry.first() {
		m.forgetDedup(e)
	}
	for a, ok := m.attemptExpiry.first(); ok && a.until <= m.now; a, ok = m.attemptExpiry.first() {
		m.forgetAttempt(a)
	}
}

// emit adds a record to the batch and applies it.
func (m *Machine) emit(r record) {
	if len(m.records) == 0 {
		m.log.addEntry(m.seq + 1)
		if m.wallOffset != 0 && r.kind != kindWallClock {
			m.emit(record{kind: kindWallClock, at: m.now + m.wallOffset})
		}
	}
	r.offset, r.length = len(m.contents), len(r.content)
	m.contents = append(m.contents, r.content...)
	before := len(m.records)
	m.records = r.append(m.records, m.now)
	m.apply(&r, len(m.records)-before)
}

// apply is the only place where a record changes the state. size is the record's
// own, in bytes. A record about a message that is gone has no effect: the record
// that brought the message may have been purged from the log.
func (m *Machine) apply(r *record, size int) {
	msg := m.messages.get(r.number)
	switch r.kind {
	case kindSent:
		m.applySent(r)
	case kindCopiedMessage:
		m.applyCopiedMessage(r)
	case kindExpired:
		for msg := m.byAge.first(); msg != nil && msg.enqueuedAt() <= r.until; msg = m.byAge.first() {
			m.remove(msg)
		}
	case kindPurged:
		m.applyPurged()
	case kindCopiedDedup:
		m.rememberDedup(r)
	case kindRepeated:
		m.applyRepeated(r)
	case kindCopiedAttempt:
		m.applyCopiedAttempt(r, size)
	case kindCounters:
		m.nextNumber = max(m.nextNumber, r.number)
		m.lastRound = max(m.lastRound, r.round)
		m.lastTransfer = max(m.lastTransfer, r.transferSeq)
		m.applyFirstLive(r)
	case kindReportedLosses:
		m.applyReportedLosses(r)
	case kindLastTransfer:
		m.rememberSource(r)
	case kindWallClock:
		m.wallOffset = r.at - m.now
	case kindTakeover:
	case kindDeleted:
		if msg != nil {
			m.remove(msg)
		}
	case kindReverted:
		if msg != nil && msg.status == transferring {
			m.applyReverted(msg)
		}
	default:
		if msg == nil || msg.status == transferring {
			return
		}
		switch r.kind {
		case kindReceived:
			m.applyReceived(msg, r, size)
		case kindHidden:
			m.invalidateAttempt(msg)
			m.hide(msg, r.until)
		case kindTransferring:
			m.applyTransferring(msg, r)
		}
	}
}

// addToCounts adds n, 1 or -1, to the counts that a message belongs to.
func (m *Machine) addToCounts(msg *message, n int) {
	t := msg.tenant()
	switch msg.status {
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

// setStatus changes the status of a message, and the counts with it.
func (m *Machine) setStatus(msg *message, s status) {
	if msg.status == inFlight && len(m.tenants) > 0 {
		took := m.now - msg.delivery.lastReceivedAt
		m.processing.add(took, m.now)
		if t := msg.delivery.tenant; t != nil {
			t.processing.add(took, m.now)
		}
	}
	m.addToCounts(msg, -1)
	msg.status = s
	m.addToCounts(msg, +1)
}

// makeAvailable puts a message that became ready where receives find it.
func (m *Machine) makeAvailable(msg *message) {
	switch t := msg.tenant(); {
	case msg.group != nil:
		msg.group.insert(msg)
		m.requeueGroup(msg.group)
	case t != nil:
		t.ready.add(msg)
		m.requeueTenant(t)
	default:
		m.ready.add(msg)
	}
}

// removeFromReady removes a ready message from its ready queue. In a FIFO group a
// message keeps its position.
func (m *Machine) removeFromReady(msg *message) {
	switch t := msg.tenant(); {
	case msg.group != nil:
	case t != nil:
		t.ready.remove(msg)
	default:
		m.ready.remove(msg)
	}
}

// requeueOwner moves the group or the tenant of a changed message to the heap where
// it now belongs.
func (m *Machine) requeueOwner(msg *message) {
	if msg.group != nil {
		m.requeueGroup(msg.group)
	} else if t := msg.tenant(); t != nil {
		m.requeueTenant(t)
	}
}

// hide hides a message until then; it becomes visible at once when that has passed.
func (m *Machine) hide(msg *message, until int64) {
	msg.mutableState().hiddenUntil = until
	switch msg.status {
	case inFlight:
		m.hidden.fix(int(msg.delivery.heapIndex) - 1)
	case ready:
		m.removeFromReady(msg)
		m.setStatus(msg, inFlight)
		m.hidden.push(msg)
	}
	if until <= m.now {
		m.makeVisible(msg)
	} else {
		m.requeueOwner(msg)
	}
}

// makeVisible makes a hidden message ready.
func (m *Machine) makeVisible(msg *message) {
	m.hidden.remove(int(msg.delivery.heapIndex) - 1)
	m.setStatus(msg, ready)
	switch t := msg.delivery.tenant; {
	case msg.group != nil:
		m.requeueGroup(msg.group)
		return
	case msg.delivery.receives >= backOfQueueAfter:
		msg.delivery.position = m.nextNumber
		fallthrough
	default:
		if t == nil {
			m.ready.add(msg)
			return
		}
		t.ready.add(msg)
		m.requeueTenant(t)
	}
}

// removeFromQueues removes a message from everything it can be received from.
func (m *Machine) removeFromQueues(msg *message, to status) {
	switch msg.status {
	case ready:
		m.removeFromReady(msg)
	case delayed, inFlight:
		m.hidden.remove(int(msg.delivery.heapIndex) - 1)
	}
	queued := msg.isQueued()
	m.setStatus(msg, to)
	if !queued {
		return
	}
	if msg.group != nil {
		msg.group.remove()
	}
	m.requeueOwner(msg)
}

// remove deletes a message.
func (m *Machine) remove(msg *message) {
	m.invalidateAttempt(msg)
	m.removeTransfer(msg)
	m.removeFromQueues(msg, removed)
	m.log.releaseMessage(msg)
	t := msg.tenant()
	m.messages.remove(msg)
	if t == nil {
		m.ready.trimRemoved()
	}
	m.byAge.compact(m.messages.count)
}

// Discard gives the machine's share of the budget back. The machine must not be used
// after it.
func (m *Machine) Discard() { m.log.releaseContents() }
