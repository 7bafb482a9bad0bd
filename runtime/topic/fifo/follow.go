package fifo

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"millrace/runtime/fault"
)

// Follow runs a reader, until it is forgotten or the logs stop. On a cluster every
// runtime is given every reader; one of them runs it. A reader that is given again
// replaces the earlier one of its ID, and keeps the cursor.
//
// When Follow returns, the cursor is stored: the reader gets all that is published from
// then on, whatever crashes. fault.Unavailable, fault.NotFound when the log was deleted, or
// fault.Invalid when a name is not valid UTF-8.
func (l *Logs) Follow(ctx context.Context, r Reader) error {
	run := l.life.Current()
	if run == nil {
		return errStopped
	}
	if !utf8.ValidString(r.Log) || !utf8.ValidString(r.ID) {
		return errName
	}
	t := l.log(r.Log)
	if before := t.reader(r.ID); before != nil { // without looking, since that may take long
		if err := before.stop(ctx); err != nil {
			return err
		}
	}
	if err := t.hold(ctx); err != nil {
		return err
	}
	defer t.letGo()
	before := t.reader(r.ID)
	if before != nil {
		if err := before.stop(ctx); err != nil {
			return err
		}
	}
	cursor, err := t.cursor(ctx, r)
	if err != nil {
		return err
	}
	n := &reader{Reader: r, log: t, run: run, next: cursor + 1, wake: make(chan struct{}, 1)}
	n.ctx, n.cancel = context.WithCancel(run.Work())
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.deleted {
		n.cancel()
		return errDeleted
	}
	if before != nil {
		n.next = max(n.next, before.next)
	}
	if t.readers == nil {
		t.readers = map[string]*reader{}
	}
	t.readers[r.ID] = n
	n.startLocked()
	return nil
}

func (l *topicLog) reader(id string) *reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.readers[id]
}

// cursor returns the sequence that a reader is done with, from its record; a new reader
// gets one. looking must be held.
func (l *topicLog) cursor(ctx context.Context, r Reader) (uint64, error) {
	rec, err := l.record(ctx)
	if err != nil {
		return 0, err
	}
	if c, ok := rec.Cursors[r.ID]; ok {
		return c, nil
	}
	l.mu.Lock()
	l.asked++
	l.mu.Unlock()
	if err := l.look(ctx, false); err != nil {
		return 0, err
	}
	l.mu.Lock()
	cursor := l.tail
	l.mu.Unlock()
	if !r.From.IsZero() && cursor > 0 {
		first, err := l.stream.since(ctx, r.From)
		if err != nil {
			return 0, fault.Wrap(fault.Unavailable, err, "looking for the first entry of a reader")
		}
		if first != nil {
			cursor = first.seq - 1
		}
	}
	err = l.updateOrCreate(ctx, func(rec *logRecord) bool {
		if c, ok := rec.Cursors[r.ID]; ok { // given by another runtime
			cursor = c
			return false
		}
		if rec.Cursors == nil {
			rec.Cursors = map[string]uint64{}
		}
		rec.Cursors[r.ID] = cursor
		return true
	})
	return cursor, err
}

// Forget ends a reader and removes its cursor. It returns when no Deliver of it is running
// anymore in this process, so it must not be called by one. There need not be such a
// reader.
func (l *Logs) Forget(ctx context.Context, log, reader string) error {
	if l.life.Current() == nil {
		return errStopped
	}
	t := l.log(log)
	t.mu.Lock()
	r := t.readers[reader]
	delete(t.readers, reader)
	t.mu.Unlock()
	if r != nil {
		if err := r.stop(ctx); err != nil {
			return err
		}
	}
	err := t.update(ctx, func(rec *logRecord) bool {
		_, there := rec.Cursors[reader]
		delete(rec.Cursors, reader)
		return there
	})
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forgetDeliveredLocked()
	t.planTrimLocked(trimDelay)
	return err
}

// Wake has the readers of a log try again at once that wait after an error.
func (l *Logs) Wake(log string) {
	t := l.known(token(log))
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.readers {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// Readers are the IDs of the readers that have a cursor in a log, in order. A cursor that
// nobody follows keeps all behind it, until it is forgotten.
func (l *Logs) Readers(log string) []string {
	r, _ := l.table.Get(token(log))
	return slices.Sorted(maps.Keys(r.Cursors))
}

// Pending is how many entries of a log a reader has not done with, about. Where another
// runtime runs the reader it is as old as the cursor's record is.
func (l *Logs) Pending(log, reader string) uint64 {
	rec, _ := l.table.Get(token(log))
	last, cursor := rec.Last, rec.Cursors[reader]
	if t := l.known(token(log)); t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		last = max(last, t.tail)
		if r := t.readers[reader]; r != nil {
			cursor = max(cursor, r.next-1)
		}
	}
	return last - min(cursor, last)
}

// Retain keeps the entries of a log for so long, also when all readers are done with them;
// 0 for no longer than needed. What is younger is never removed; what is older may stay
// for a while.
func (l *Logs) Retain(ctx context.Context, log string, keep time.Duration) error {
	if l.life.Current() == nil {
		return errStopped
	}
	if !utf8.ValidString(log) {
		return errName
	}
	t := l.log(log)
	if err := t.hold(ctx); err != nil { // not during a trim
		return err
	}
	defer t.letGo()
	err := t.updateOrCreate(ctx, func(r *logRecord) bool {
		changed := r.Retain != keep
		r.Retain = keep
		return changed
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.trimming != nil && t.trimming.Stop() { // it may have been planned for much later
		t.trimming = nil
	}
	t.planTrimLocked(trimDelay)
	return err
}
