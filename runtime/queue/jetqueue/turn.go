package jetqueue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// While a queue is served, whoever holds owner.turns goes on with it:
//
//	do, submit ─→ advance ─┐  a caller that finds nobody at it
//	acknowledgement ───────┼─→ step ─ stored  tell those whom an acknowledgement is for
//	serve, await ──────────┘        └ turn    decide what waits and append it
//
// So a send wakes nobody on its way to the log. Who finds another at it leaves what
// it brings; who lets go looks whether something was left, and wakes the owner's
// goroutine for that.

// serve carries out commands until the queue is closed, or an entry is lost. The
// owner's goroutine calls it, with turns held.
func (o *owner) serve() error {
	o.over, o.failed = false, nil
	o.offer(o)
	defer o.offer(nil)
	for !o.step(true) {
		o.await()
	}
	return o.failed
}

// offer has those who come take turns of the owner themselves, or with nil not
// anymore. When JetStream is not in this process they never do: to write to it may
// take longer than they want to wait.
func (o *owner) offer(to *owner) {
	if o.log.near == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = to
}

// await lets others go on, until there is something that they do not do.
func (o *owner) await() {
	o.letGo()
	fired := false
	select {
	case <-o.wake:
	case msg := <-o.log.far:
		o.log.take(msg)
	case <-o.session.Done():
	case <-o.timer.C:
		fired = true
	}
	o.turns.Lock()
	if fired {
		o.alarm = time.Time{}
	}
}

// advance takes a turn, unless somebody else is at it.
func (o *owner) advance() { o.try(true) }

// acknowledged is advance of who reads for all queues: it leaves the next turn to
// the owner's goroutine.
func (o *owner) acknowledged() { o.try(false) }

func (o *owner) try(turns bool) {
	if !o.turns.TryLock() {
		return
	}
	defer endProcess()
	o.step(turns)
	o.letGo()
}

// endProcess lets a panic in a turn not be recovered by whose goroutine it is, such
// as a server of requests: nobody knows what the machine is then.
func endProcess() {
	if p := recover(); p != nil {
		stack := debug.Stack()
		go func() { panic(fmt.Sprintf("%v\n%s", p, stack)) }()
		select {}
	}
}

// letGo gives turns away.
func (o *owner) letGo() {
	over, none, full, acks := o.over, len(o.flights) == 0, len(o.flights) >= o.window, o.log.acks
	o.turns.Unlock()
	if over || acks.waiting() || !full && o.waits(none) {
		o.signal()
	}
}

// waits reports whether a command waits, or the end when none is under way.
func (o *owner) waits(none bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.inbox) > 0 || none && (o.closed != nil || o.away || o.tired)
}

// step does what there is to do, with turns or only what ends some. It is true when
// serving is over, of which failed says why. Called with turns held.
func (o *owner) step(turns bool) bool {
	if o.over {
		return true
	}
	now := time.Now()
	o.over, o.failed = o.hear(now)
	if turns && !o.over {
		o.over, o.failed = o.decide(now)
	}
	if !o.over {
		o.arm()
	}
	return o.over
}

// hear takes in what was acknowledged, or may be lost.
func (o *owner) hear(now time.Time) (over bool, err error) {
	for {
		a, ok := o.log.acks.next()
		if !ok {
			break
		}
		if a.err != nil {
			return true, a.err
		}
		if len(o.flights) == 0 || o.flights[0].seq != a.seq {
			return true, fmt.Errorf("entry %d was stored, which was not the next", a.seq)
		}
		o.stored()
	}
	if o.session.Err() != nil {
		return true, context.Cause(o.session)
	}
	if len(o.flights) > 0 && now.Sub(o.flights[0].since) >= o.log.patience {
		err := errors.New("JetStream did not acknowledge an entry in time")
		o.set.store.Report(err)
		return true, err
	}
	return false, nil
}

// decide takes turns as long as there is room for another entry and something to do.
func (o *owner) decide(now time.Time) (over bool, err error) {
	for len(o.flights) < o.window {
		work, closed := o.hasWork(now)
		if closed && !work && len(o.flights) == 0 {
			f := flight{answered: o.machine.TakeWaiters()}
			f.answer(o.reason())
			o.machine.Discard()
			return true, nil
		}
		if !work {
			break
		}
		if err := o.turn(now); err != nil {
			return true, err
		}
	}
	return false, nil
}

// hasWork tells whether a turn would do anything.
func (o *owner) hasWork(now time.Time) (work, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	next := o.clock.ProcessTime(o.machine.NextWakeup())
	due := !next.IsZero() && !next.After(now)
	o.tired = o.tired && !o.machine.HasTransfers() && !o.machine.HasWaiters()
	return len(o.inbox) > 0 || due, o.closed != nil || o.away || o.tired
}

// arm sets the timer to what comes first: something that a waiting receive
// would notice, or an acknowledgement that is late. A timer that is set to fire
// earlier is left alone: to be woken once too often is cheaper.
func (o *owner) arm() {
	next := o.clock.ProcessTime(o.machine.NextWakeup())
	if len(o.flights) > 0 {
		if len(o.flights) == o.window {
			next = time.Time{}
		}
		if late := o.flights[0].since.Add(o.log.patience); next.IsZero() || late.Before(next) {
			next = late
		}
	}
	if next.IsZero() || !o.alarm.IsZero() && !next.Before(o.alarm) {
		return
	}
	o.alarm = next
	o.timer.Reset(time.Until(next))
}

// turn carries out the commands that wait, as many as fit in an entry, and
// sends the entry on its way.
func (o *owner) turn(now time.Time) error {
	o.mu.Lock()
	commands := o.inbox
	o.inbox = nil
	o.mu.Unlock()

	m := o.machine
	if d := o.Config().DeadLetter; d != nil {
		m.SetDeadLetterQueueExists(o.set.has(d.Target))
	}
	f := flight{since: now, looks: o.set.intact.looks.Load()}
	m.Begin(o.clock.MachineTime(now), o.set.wallAt(now))
	commands = o.allowed(now, commands)
	for i, c := range commands {
		if i > 0 && m.BatchBytes()+c.size > min(entryRoom, o.set.maxEntry) {
			o.mu.Lock()
			o.inbox = append(commands[i:len(commands):len(commands)], o.inbox...)
			o.mu.Unlock()
			commands = commands[:i]
			break
		}
		c.do(m)
	}
	if now.Sub(o.looked).Abs() >= lookAgain {
		o.tight, o.looked = o.set.gate.Full() != nil, now
	}
	if m.NeedsTrim(o.tight) && !o.purging && o.set.store.Purgeable(m.TrimmableBytes()) {
		o.purging = true
		f.below, f.freed = m.WriteCounters(), m.TrimmableBytes()
	}
	g := m.Commit(o.safe.key())
	f.seq, f.commands, f.answered, f.burials = g.Seq, commands, g.Answered, g.HasTransfers
	f.mark = markOf(m, g.Seq)
	switch {
	case g.Entry != nil:
		o.flights = append(o.flights, f)
		o.last = now
		o.set.store.Drain(len(g.Entry) + recordRoom)
		if err := o.log.append(g.Seq, g.Entry); err != nil {
			return err
		}
	case len(o.flights) > 0: // what they were told rests on an entry under way
		last := &o.flights[len(o.flights)-1]
		last.commands = append(last.commands, f.commands...)
		last.answered = append(last.answered, f.answered...)
		last.looks = f.looks
	default:
		f.answer(nil)
	}
	if m.NeedsCompaction(o.tight) && !o.copying && o.set.store.Drain(entryRoom) {
		o.copySurvivors()
	}
	return nil
}

// allowed returns the commands that may go on: those that would write to the log
// may be refused.
func (o *owner) allowed(now time.Time, commands []*command) []*command {
	if !slices.ContainsFunc(commands, o.writes) {
		return commands
	}
	rested, bytes := never, 0
	if !o.last.IsZero() {
		rested = now.Sub(o.last)
	}
	if rested >= blockRests {
		bytes = 3 * int(min(o.machine.LogBytes(), blockMost)) // it is read anew while what was read before is garbage
	}
	err := o.set.write(rested, bytes)
	if err == nil {
		return commands
	}
	return slices.DeleteFunc(commands, func(c *command) bool {
		refused := o.writes(c)
		if refused {
			c.done <- err
		}
		return refused
	})
}

// writes reports whether a command that can be refused adds to the log, as far as
// one can tell.
func (o *owner) writes(c *command) bool {
	return c.size > 0 && !c.own && (c.waiter == nil || o.machine.Counts().Visible > 0)
}

// stored tells those who wait for the oldest flight that it is safe.
func (o *owner) stored() {
	o.set.store.Wrote(o.log.stream)
	f := o.flights[0]
	o.flights = append(o.flights[:0], o.flights[1:]...)
	setMark(o.slot, o.source, f.mark) // first: what was told is known to be there
	f.answer(o.set.intact.stored(f.looks))
	o.wrote, o.unsure = true, false
	if f.burials && !o.burying {
		o.bury()
	}
	if f.below > 0 {
		o.purge(f.below, f.freed)
	}
}
