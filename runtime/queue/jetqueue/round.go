package jetqueue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// While a queue is served, whoever has owner.stateMu locked runs it:
//
//	do, submit ─→ tryStep ─────┐  a caller that finds stateMu free
//	ack ─→ tryTakeAcks ────────┼─→ step ─ takeAcks   answer those whose entry is stored
//	serve, waitForWork ────────┘        └ runRounds  carry out the inbox, append an entry
//
// So a send wakes no goroutine on its way to the log. Whoever finds stateMu locked
// leaves its command or acknowledgement; whoever unlocks it looks whether something
// was left, and wakes the owner's goroutine for that.

// serve carries out commands until the queue is closed, or an entry is lost. The
// owner's goroutine calls it with state locked.
func (o *owner) serve() error {
	o.done, o.failure = false, nil
	o.setInlineOwner(o)
	defer o.setInlineOwner(nil)
	for !o.step(true) {
		o.waitForWork()
	}
	return o.failure
}

// setInlineOwner lets callers run the owner's rounds themselves; nil ends that. With
// an external server they never do: writing to a socket may take longer than they
// want to wait.
func (o *owner) setInlineOwner(to *owner) {
	if o.log.direct == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.inlineOwner = to
}

// waitForWork unlocks the state until there is something that only the owner's
// goroutine does.
func (o *owner) waitForWork() {
	o.unlock()
	fired := false
	select {
	case <-o.wake:
	case msg := <-o.log.remoteAcks:
		o.log.receiveAck(msg)
	case <-o.session.Done():
	case <-o.timer.C:
		fired = true
	}
	o.stateMu.Lock()
	if fired {
		o.timerAt = time.Time{}
	}
}

// tryStep is called after a command was added. It does nothing when another
// goroutine has the state locked.
func (o *owner) tryStep() { o.tryLockAndStep(true) }

// tryTakeAcks is called after an acknowledgement came. The goroutine reads for all
// queues, so it leaves the next round to the owner's goroutine.
func (o *owner) tryTakeAcks() { o.tryLockAndStep(false) }

func (o *owner) tryLockAndStep(rounds bool) {
	if !o.stateMu.TryLock() {
		return
	}
	defer crashOnPanic()
	o.step(rounds)
	o.unlock()
}

// crashOnPanic ends the process after a panic in a round. The goroutine may be a
// server's that recovers from panics, but the state of the machine is unknown then.
func crashOnPanic() {
	if p := recover(); p != nil {
		stack := debug.Stack()
		go func() { panic(fmt.Sprintf("%v\n%s", p, stack)) }()
		select {}
	}
}

// unlock unlocks the state, and wakes the owner's goroutine if there is work left.
func (o *owner) unlock() {
	over, none, full, acks := o.done, len(o.inflight) == 0, len(o.inflight) >= o.maxInflight, o.log.acks
	o.stateMu.Unlock()
	if over || acks.isWaiting() || !full && o.isWorkWaiting(none) {
		o.wakeOwner()
	}
}

// isWorkWaiting reports whether a command waits, or, with no entry under way (none),
// whether serve is to end.
func (o *owner) isWorkWaiting(none bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.inbox) > 0 || none && (o.closed != nil || o.isElsewhere || o.closeWhenIdle)
}

// step takes in acknowledgements, and with rounds runs rounds. It is true when serve
// is over; failure then says why. Called with state locked.
func (o *owner) step(rounds bool) bool {
	if o.done {
		return true
	}
	now := time.Now()
	o.done, o.failure = o.takeAcks(now)
	if rounds && !o.done {
		o.done, o.failure = o.runRounds(now)
	}
	if !o.done {
		o.setTimer()
	}
	return o.done
}

// takeAcks completes the entries that are acknowledged. over is true when one may be
// lost.
func (o *owner) takeAcks(now time.Time) (over bool, err error) {
	for {
		a, ok := o.log.acks.next()
		if !ok {
			break
		}
		if a.Err != nil {
			return true, a.Err
		}
		if len(o.inflight) == 0 || o.inflight[0].seq != a.Seq {
			return true, fmt.Errorf("acknowledgement of entry %d is out of order", a.Seq)
		}
		o.entryStored()
	}
	if o.session.Err() != nil {
		return true, context.Cause(o.session)
	}
	if o.queues.run.Work().Err() != nil { // Stop cannot wait any longer
		return true, errClosed
	}
	if len(o.inflight) > 0 && now.Sub(o.inflight[0].appendedAt) >= o.log.timeout {
		err := errors.New("JetStream did not acknowledge an entry in time")
		o.queues.store.Report(err)
		return true, err
	}
	return false, nil
}

// runRounds runs rounds as long as there is work, and room for another entry under
// way.
func (o *owner) runRounds(now time.Time) (over bool, err error) {
	for len(o.inflight) < o.maxInflight {
		work, closed := o.hasWork(now)
		if closed && !work && len(o.inflight) == 0 {
			e := inflightEntry{answered: o.machine.TakeWaiters()}
			e.complete(o.closeReason())
			o.machine.Discard()
			return true, nil
		}
		if !work {
			break
		}
		if err := o.round(now); err != nil {
			return true, err
		}
	}
	return false, nil
}

// hasWork reports whether a round would do anything.
func (o *owner) hasWork(now time.Time) (work, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	next := o.clock.ProcessTime(o.machine.NextWakeup())
	due := !next.IsZero() && !next.After(now)
	o.closeWhenIdle = o.closeWhenIdle && !o.machine.HasTransfers() && !o.machine.HasWaiters()
	return len(o.inbox) > 0 || due, o.closed != nil || o.isElsewhere || o.closeWhenIdle
}

// setTimer sets the timer to what is due first: something that a waiting receive
// would notice, or an acknowledgement that is late. A timer that fires earlier is
// left as it is: one wakeup too many is cheaper than a reset.
func (o *owner) setTimer() {
	next := o.clock.ProcessTime(o.machine.NextWakeup())
	if len(o.inflight) > 0 {
		if len(o.inflight) == o.maxInflight {
			next = time.Time{}
		}
		if late := o.inflight[0].appendedAt.Add(o.log.timeout); next.IsZero() || late.Before(next) {
			next = late
		}
	}
	if next.IsZero() || !o.timerAt.IsZero() && !next.Before(o.timerAt) {
		return
	}
	o.timerAt = next
	o.timer.Reset(time.Until(next))
}

// round carries out the commands in the inbox, as many as fit in one entry, and
// appends the entry.
func (o *owner) round(now time.Time) error {
	o.mu.Lock()
	commands := o.inbox
	o.inbox = nil
	o.mu.Unlock()

	m := o.machine
	if d := o.Config().DeadLetter; d != nil {
		m.SetDeadLetterQueueExists(o.queues.has(d.Target))
	}
	e := inflightEntry{appendedAt: now, checksStarted: o.queues.storage.Begun()}
	m.Begin(o.clock.MachineTime(now), o.queues.wallAt(now))
	commands = o.admitted(now, commands)
	for i, c := range commands {
		if i > 0 && m.BatchBytes()+c.size > min(maxBatchBytes, o.queues.maxEntry) {
			o.mu.Lock()
			o.inbox = append(commands[i:len(commands):len(commands)], o.inbox...)
			o.mu.Unlock()
			commands = commands[:i]
			break
		}
		c.do(m)
	}
	if now.Sub(o.gateCheckedAt).Abs() >= gateCheckInterval {
		o.outOfSpace, o.gateCheckedAt = o.queues.gate.Full() != nil, now
	}
	if m.NeedsTrim(o.outOfSpace) && !o.trimming && o.queues.store.Purgeable(m.TrimmableBytes()) {
		o.trimming = true
		e.trimBelow, e.trimBytes = m.WriteCounters(), m.TrimmableBytes()
	}
	g := m.Commit(o.dataKeys.encryptionKey())
	e.seq, e.commands, e.answered, e.hasTransfers = g.Seq, commands, g.Answered, g.HasTransfers
	e.checkpoint = checkpointOf(m, g.Seq)
	switch {
	case g.Entry != nil:
		o.inflight = append(o.inflight, e)
		o.lastAppend = now
		o.queues.store.Drain(len(g.Entry) + maxRecordBytes)
		if err := o.log.append(g.Seq, g.Entry); err != nil {
			return err
		}
	case len(o.inflight) > 0: // their answers depend on an entry under way
		last := &o.inflight[len(o.inflight)-1]
		last.commands = append(last.commands, e.commands...)
		last.answered = append(last.answered, e.answered...)
		last.checksStarted = e.checksStarted
	default:
		e.complete(nil)
	}
	if m.NeedsCompaction(o.outOfSpace) && !o.compacting && o.queues.store.Drain(maxBatchBytes) {
		o.compact()
	}
	return nil
}

// admitted returns the commands that may go on. Those that would write to the log
// may be refused by Options.AdmitWrite.
func (o *owner) admitted(now time.Time, commands []*command) []*command {
	if !slices.ContainsFunc(commands, o.writes) {
		return commands
	}
	rested, bytes := neverWritten, 0
	if !o.lastAppend.IsZero() {
		rested = now.Sub(o.lastAppend)
	}
	if rested >= blockCacheExpiry {
		bytes = 3 * int(min(o.machine.LogBytes(), maxBlockBytes)) // it is read anew before the garbage collector has freed the old one
	}
	err := o.queues.admitWrite(rested, bytes)
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

// writes reports whether a command can be refused and is likely to write to the log.
func (o *owner) writes(c *command) bool {
	return c.size > 0 && !c.internal && (c.waiter == nil || o.machine.Counts().Visible > 0)
}

// entryStored completes the oldest entry under way, which is stored.
func (o *owner) entryStored() {
	o.queues.store.Wrote(o.log.stream)
	e := o.inflight[0]
	o.inflight = append(o.inflight[:0], o.inflight[1:]...)
	writeCheckpoint(o.checkpointSlot, o.generation, e.checkpoint) // first, so that all that callers know of is in the checkpoint
	e.complete(o.queues.storage.AfterStore(e.checksStarted))
	o.hasWritten, o.mayArriveLate = true, false
	if e.hasTransfers && !o.transferring {
		o.runTransfers()
	}
	if e.trimBelow > 0 {
		o.trimLog(e.trimBelow, e.trimBytes)
	}
}
