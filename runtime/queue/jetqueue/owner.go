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
	window = 2 // entries under way at once; one on a cluster and with an fsync each, see DESIGN.md

	// never is for how long a log has rested that was not written to since it was read.
	never = time.Duration(math.MaxInt64)

	// JetStream keeps the last block of a log in memory while it is written to, and
	// for ten seconds more (CacheExpire).
	blockRests = 10 * time.Second
	blockMost  = 8 << 20
)

// lookAgain is how long an owner trusts what it knows of the gate.
const lookAgain = 50 * time.Millisecond

// An owner is whom a queue belongs to: a goroutine, and while it serves, whoever
// holds turns.
//
//	run ─ load      read the log, until it can be
//	    └ serve     see turn.go
//	      └ upkeep  dead letters, purges, copies: done by others
type owner struct {
	*Queue
	turns sync.Mutex // guards all that follows; held by the goroutine but while it rests

	window  int
	ctx     context.Context // of what others do for us: it ends with the tenure
	cancel  context.CancelFunc
	session context.Context // of the store, in which the log was read
	log     *log
	machine *queue.Machine
	clock   queue.Clock // of the machine; it goes on from one machine to the next
	flights []flight
	waiters []*queue.Waiter // of the machine before
	timer   *time.Timer
	alarm   time.Time // when timer fires; zero when it does not

	slot []byte // of the queue's marks; nil for none

	looked time.Time // when the next was found out
	tight  bool      // nothing more is taken in before there is room: then all of it counts

	wrote                     bool      // an entry, since the log was read
	last                      time.Time // when an entry was appended; zero since the log was read
	unsure                    bool      // an entry of ours may come yet that the log did not have when it was read
	burying, copying, purging bool      // someone is at it

	over   bool  // serving is
	failed error // why; nil when the queue is closed, or another node's
}

// A flight is an entry on its way, and those who wait for it.
type flight struct {
	seq      uint64
	since    time.Time
	looks    uint64 // see intact
	mark     mark   // what the log holds then
	commands []*command
	answered []*queue.Waiter
	burials  bool
	below    uint64 // then purge the log below, 0 for not
	freed    int64  // which gives so many bytes back
}

// run owns the queue until it is closed, or rests.
func (q *Queue) run() {
	o := &owner{Queue: q, log: q.set.newLog(q.source), timer: time.NewTimer(time.Hour), window: window, clock: q.paused}
	o.log.told = o.acknowledged
	if q.set.peers != nil || q.set.store.SyncsAlways() {
		o.window = 1
	}
	o.slot = q.set.marks.slot(q.source)
	defer o.log.end()
	o.timer.Stop()
	o.turns.Lock() // for ever: who comes late finds it taken
	for o.begin() {
		o.hold()
		o.end()
		if o.rest() {
			return
		}
	}
	close(q.ended)
}

// hold owns the queue until it is closed, or at rest, or another node's.
func (o *owner) hold() {
	for {
		if err := o.load(); err != nil {
			if err = o.unavailable(err); !o.refuse(err) {
				return
			}
			continue
		}
		err := o.serve()
		if err == nil {
			return
		}
		if o.set.peers != nil && overtaken(err) {
			o.fail(errMoved) // nothing of it was stored
			if !o.yield() {
				return
			}
			continue
		}
		err = o.unavailable(err)
		o.fail(err)
		if !o.wrote && !o.refuse(err) {
			return
		}
	}
}

func (o *owner) unavailable(err error) error {
	if _, told := fault.Told(err); told {
		return err
	}
	o.set.log.Warn("the log of a queue could not be used; reading it again",
		"queue", o.id.Name, "stream", o.log.stream, "error", err)
	return fault.Wrap(fault.Unavailable, err, "the log of queue %s is not available", o.id.Name)
}

// load makes the machine from the log.
func (o *owner) load() error {
	o.session = o.set.store.Session()
	if err := o.set.store.Down(); err != nil {
		return err
	}
	if err := o.wakeLog(context.Background()); err != nil {
		return err
	}
	if err := o.log.begin(); err != nil {
		return err
	}
	r, err := o.replay(context.Background(), o.log)
	if err != nil {
		return err
	}
	m := r.machine
	if r.loss != nil {
		if err := o.set.lost(*r.loss); err != nil {
			m.Discard()
			return err
		}
	}
	if at := r.holds(); at != r.mark && r.loss == nil && !r.forgot() {
		setMark(o.slot, o.source, at) // of a new queue, or the first of this version
	}
	now := time.Now()
	o.clock = o.clock.Resume(m, now, o.set.wallSince(r.last, now))
	m.AddWaiters(o.waiters)
	o.machine, o.waiters = m, nil
	o.wrote, o.burying, o.copying, o.purging = false, false, false, false
	o.last = time.Time{}
	if !o.fresh(r) {
		// Before anything else: what others sent while the log was read must not be
		// given numbers that the log had once.
		o.first(func(now *queue.Machine) {
			if now.WriteTakeover(); now == m && (r.loss != nil || r.forgot()) {
				r.resume(m)
			}
		})
	}
	if m.HasTransfers() {
		o.bury()
	}
	return nil
}

// fresh reports whether nobody can have written to the log since it was read, and
// all that was written is there. The first entry of a log is written at once:
// JetStream opens the file of an empty stream at each start, and of no other.
func (o *owner) fresh(r *replay) bool {
	return !o.unsure && o.set.peers == nil && r.last > 0 && r.loss == nil && !r.forgot()
}

// fail tells all who wait for an entry that it may be lost. Receives that still
// wait are taken over by the next machine, and told nothing.
func (o *owner) fail(err error) {
	if o.machine != nil {
		o.waiters = o.machine.TakeWaiters()
		o.machine.Discard()
		o.machine = nil
	}
	o.unsure = o.unsure || len(o.flights) > 0
	waits := map[*queue.Waiter]bool{}
	for _, w := range o.waiters {
		waits[w] = true
	}
	for _, f := range o.flights {
		f.commands = slices.DeleteFunc(f.commands, func(c *command) bool { return c.waiter != nil && waits[c.waiter] })
		f.answer(err)
	}
	o.flights = nil
}

// refuse answers all who wait, and then waits for the next command: a log that
// does not work is not tried again before someone asks. It is false when the
// queue is closed, or another node's.
func (o *owner) refuse(err error) bool {
	o.mu.Lock()
	f := flight{commands: o.inbox, answered: o.waiters}
	o.inbox, o.waiters = nil, nil
	select {
	case <-o.wake: // was for them
	default:
	}
	closed := o.closed != nil || o.away
	o.mu.Unlock()
	f.answer(err)
	if !closed {
		<-o.wake
	}
	return !closed
}

func (f *flight) answer(err error) {
	for _, c := range f.commands {
		c.done <- err
	}
	for _, w := range f.answered {
		if err != nil {
			w.Deliveries = nil // whoever has them now, it is not this receive
		}
		w.Token.(chan error) <- err
	}
}
