package jetqueue

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

const (
	maxInflight = 2 // entries under way at once; one on a cluster, and one with an fsync for each, see DESIGN.md

	// neverWritten is the idle time of a log without a write since it was read.
	neverWritten = time.Duration(math.MaxInt64)

	// JetStream keeps the last block of a log in memory while it is written to, and
	// for ten seconds after (CacheExpire).
	blockCacheExpiry = 10 * time.Second
	maxBlockBytes    = 8 << 20
)

// gateCheckInterval is for how long an owner relies on the last answer of the gate.
const gateCheckInterval = 50 * time.Millisecond

// An owner runs the machine of a queue: its goroutine does, and while it serves
// also any goroutine that has stateMu locked.
//
//	run ─ load         read the log, until that succeeds
//	    └ serve        see round.go
//	      └ background transfers, trims and compaction: see compaction.go, transfers.go
type owner struct {
	*Queue
	stateMu sync.Mutex // guards all fields below; the goroutine holds it unless it waits for work

	maxInflight int
	ctx         context.Context // of background work: ends with the lease
	cancel      context.CancelFunc
	session     context.Context // of the store: the log was read in it
	log         *queueLog
	machine     *queue.Machine
	clock       queue.Clock // of the machine; the next machine goes on with it
	inflight    []inflightEntry
	waiters     []*queue.Waiter // of the previous machine
	timer       *time.Timer
	timerAt     time.Time // zero when the timer is stopped

	checkpointSlot []byte // nil for none

	gateCheckedAt time.Time // when outOfSpace was set
	outOfSpace    bool      // nothing is admitted before there is space: trim and compact sooner

	hasWritten                         bool      // an entry was stored since the log was read
	lastAppend                         time.Time // zero since the log was read
	mayArriveLate                      bool      // an entry of ours may be stored that was missing when the log was read
	transferring, compacting, trimming bool      // the background work that is running

	done    bool  // serve is over
	failure error // why; nil when the queue is closed, or owned by another node
}

// An inflightEntry is an entry that is not acknowledged, and those who wait for it.
type inflightEntry struct {
	seq           uint64
	appendedAt    time.Time
	checksStarted uint64     // see streams.StorageCheck
	checkpoint    checkpoint // once the entry is stored
	commands      []*command
	answered      []*queue.Waiter
	hasTransfers  bool
	trimBelow     uint64 // then purge the entries below; 0 for none
	trimBytes     int64  // which frees so many bytes
}

// run owns the queue until it is closed or idle.
func (q *Queue) run() {
	o := &owner{Queue: q, log: q.queues.newLog(q.generation), timer: time.NewTimer(time.Hour), maxInflight: maxInflight, clock: q.pausedClock}
	o.log.onAck = o.tryTakeAcks
	if q.queues.router != nil || q.queues.store.SyncsAlways() {
		o.maxInflight = 1
	}
	o.checkpointSlot = q.queues.checkpoints.slot(q.generation)
	defer o.log.close()
	o.timer.Stop()
	o.stateMu.Lock() // for ever: who comes later finds it locked
	for o.acquireLease() {
		o.serveLease()
		o.endLease()
		if o.closeIdle() {
			return
		}
	}
	close(q.stopped)
}

// serveLease serves the queue until it is closed, idle, or owned by another node.
func (o *owner) serveLease() {
	for {
		if err := o.load(); err != nil {
			if err = o.unavailable(err); !o.failWaiting(err) {
				return
			}
			continue
		}
		err := o.serve()
		if err == nil {
			return
		}
		if o.queues.router != nil && isOwnershipLost(err) {
			o.failInflight(errMoved) // nothing of the entry was stored
			if !o.backOff() {
				return
			}
			continue
		}
		err = o.unavailable(err)
		o.failInflight(err)
		if !o.hasWritten && !o.failWaiting(err) {
			return
		}
	}
}

func (o *owner) unavailable(err error) error {
	if _, told := fault.Told(err); told {
		return err
	}
	o.queues.log.Warn("the log of a queue is not available; reading it again",
		"queue", o.id.Name, "stream", o.log.stream, "err", err)
	return fault.Wrap(fault.Unavailable, err, "the log of queue %s is not available", o.id.Name)
}

// load builds the machine from the log.
func (o *owner) load() error {
	o.session = o.queues.store.Session()
	if err := o.queues.store.Down(); err != nil {
		return err
	}
	if err := o.openLog(o.queues.run.Work()); err != nil {
		return err
	}
	if err := o.log.open(); err != nil {
		return err
	}
	r, err := o.replay(o.queues.run.Work(), o.log)
	if err != nil {
		return err
	}
	m := r.machine
	if r.loss != nil {
		if err := o.queues.onLoss(*r.loss); err != nil {
			m.Discard()
			return err
		}
	}
	if at := r.currentCheckpoint(); at != r.checkpoint && r.loss == nil && !r.hasLostCounters() {
		writeCheckpoint(o.checkpointSlot, o.generation, at) // of a new queue, or of one that an older version wrote
	}
	now := time.Now()
	o.clock = o.clock.Resume(m, now, o.queues.wallSince(r.last, now))
	m.AddWaiters(o.waiters)
	o.machine, o.waiters = m, nil
	o.hasWritten, o.transferring, o.compacting, o.trimming = false, false, false, false
	o.lastAppend = time.Time{}
	if !o.logIsCurrent(r) {
		// First of all: what was sent while the log was read must not get numbers
		// that the log had before.
		o.enqueueFirst(func(now *queue.Machine) {
			if now.WriteTakeover(); now == m && (r.loss != nil || r.hasLostCounters()) {
				r.resumeMachine(m)
			}
		})
	}
	if m.HasTransfers() {
		o.runTransfers()
	}
	return nil
}

// logIsCurrent reports whether the log is sure to hold all that was written, and can
// only be written to by us. An empty log never is: JetStream opens the file of an
// empty stream at each start, so its first entry is written at once.
func (o *owner) logIsCurrent(r *logReplay) bool {
	return !o.mayArriveLate && o.queues.router == nil && r.last > 0 && r.loss == nil && !r.hasLostCounters()
}

// failInflight tells those who wait for an entry that it may be lost. Receives that
// still wait are kept for the next machine.
func (o *owner) failInflight(err error) {
	if o.machine != nil {
		o.waiters = o.machine.TakeWaiters()
		o.machine.Discard()
		o.machine = nil
	}
	o.mayArriveLate = o.mayArriveLate || len(o.inflight) > 0
	waits := map[*queue.Waiter]bool{}
	for _, w := range o.waiters {
		waits[w] = true
	}
	for _, e := range o.inflight {
		e.commands = slices.DeleteFunc(e.commands, func(c *command) bool { return c.waiter != nil && waits[c.waiter] })
		e.complete(err)
	}
	o.inflight = nil
}

// failWaiting fails all who wait, and then waits for the next command: a log that
// does not work is tried again only when a caller comes. It is false when the queue
// is closed, or owned by another node.
func (o *owner) failWaiting(err error) bool {
	o.mu.Lock()
	e := inflightEntry{commands: o.inbox, answered: o.waiters}
	o.inbox, o.waiters = nil, nil
	select {
	case <-o.wake: // was for the failed commands
	default:
	}
	closed := o.closed != nil || o.isElsewhere
	o.mu.Unlock()
	e.complete(err)
	if !closed {
		<-o.wake
	}
	return !closed
}

func (e *inflightEntry) complete(err error) {
	for _, c := range e.commands {
		c.done <- err
	}
	for _, w := range e.answered {
		if err != nil {
			w.Deliveries = nil // the messages may have another receiver by now
		}
		w.Token.(chan error) <- err
	}
}
