package fifo

import (
	"context"
	"errors"
	"sync"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
)

const (
	flushInterval    = time.Second // the shortest time between two writes of a log's cursors
	concurrentWrites = 8           // of records: the copies of several share an fsync
)

// A flusher writes the cursors of logs to their records, once a second while they move.
type flusher struct {
	mu    sync.Mutex
	dirty []*topicLog
	timer *time.Timer // set while there are any
}

// markLocked has the cursors of the log written within a second.
func (l *topicLog) markLocked() {
	if l.dirty {
		return
	}
	l.dirty = true
	f := &l.logs.flusher
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dirty = append(f.dirty, l)
	if f.timer == nil {
		f.timer = time.AfterFunc(flushInterval, l.logs.flushDirty)
	}
}

// flushDirty is called by the timer.
func (l *Logs) flushDirty() {
	run := l.life.Current()
	if run == nil {
		return // the Stop does it
	}
	run.Go(func() { l.flushAll(run) })
}

func (l *Logs) flushAll(run *lifecycle.Run) {
	l.flushNow(run.Work())
}

// flushNow writes what is not written. What fails is tried again a second later.
func (l *Logs) flushNow(ctx context.Context) error {
	f := &l.flusher
	f.mu.Lock()
	dirty := f.dirty
	f.dirty = nil
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
	f.mu.Unlock()
	var all error
	var mu sync.Mutex
	var writes sync.WaitGroup
	room := make(chan struct{}, concurrentWrites)
	for _, t := range dirty {
		room <- struct{}{}
		writes.Go(func() {
			defer func() { <-room }()
			if err := t.flush(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				all = errors.Join(all, err)
			}
		})
	}
	writes.Wait()
	return all
}

// flush writes the cursors of the log, and how far it goes.
func (l *topicLog) flush(ctx context.Context) error {
	l.mu.Lock()
	l.dirty = false
	tail, deleted := l.tail, l.deleted
	cursors := make(map[string]uint64, len(l.readers))
	for id, r := range l.readers {
		cursors[id] = r.next - 1
	}
	l.mu.Unlock()
	if deleted {
		return nil
	}
	err := l.update(ctx, func(r *logRecord) bool {
		changed := tail > r.Last
		r.Last = max(r.Last, tail)
		for id, c := range cursors {
			if was, ok := r.Cursors[id]; ok && was < c { // one that is not there was forgotten by another runtime
				r.Cursors[id], changed = c, true
			}
		}
		return changed
	})
	if errors.Is(err, fault.NotFound) { // deleted
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.logs.Log.Warn("the cursors of a topic's log cannot be written; trying again", "log", l.name, "err", err)
		l.markLocked()
		return err
	}
	l.planTrimLocked(trimDelay)
	return nil
}
