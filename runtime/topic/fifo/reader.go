package fifo

import (
	"context"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/store/loss"
)

const (
	firstPause = 50 * time.Millisecond // after an error, before the next try
	maxPause   = 5 * time.Second

	maxBatch = 256 // items
)

// A reader is a [Reader] at work. It has a goroutine only while there is something to
// hand over.
type reader struct {
	Reader
	log    *topicLog
	run    *lifecycle.Run
	ctx    context.Context // ends when the reader is forgotten, or a Stop cannot wait
	cancel context.CancelFunc
	wake   chan struct{} // of size 1: ends a pause

	// Guarded by the log's mu.
	next    uint64        // the sequence of the first entry that is not done with
	cuts    uint64        // the log's, when the reader took entries
	running chan struct{} // closed when the goroutine is over; nil while there is none
	pausing bool          // after an error
	ended   bool          // all before Until is done with
	timer   *time.Timer   // for Until
}

// startReadersLocked starts the readers of the log that are not running. Those with
// nothing to hand over end at once.
func (l *topicLog) startReadersLocked() {
	for _, r := range l.readers {
		r.startLocked()
	}
}

func (r *reader) startLocked() {
	if r.running != nil || r.ended || r.ctx.Err() != nil {
		return
	}
	over := make(chan struct{})
	if r.run.Go(func() { r.hand(over) }) {
		r.running = over
	}
}

// isOver reports whether the reader has to leave off.
func (r *reader) isOver() bool {
	return r.ctx.Err() != nil || r.run.Halted().Err() != nil || !r.log.isOwned()
}

// hand hands entries over until there is nothing left.
func (r *reader) hand(over chan struct{}) {
	l := r.log
	pause := time.Duration(0)
	defer close(over)
	for {
		entries, atEnd, done := r.take()
		if done {
			return
		}
		var err error
		if len(entries) == 0 && !atEnd {
			if err = l.catchUp(r.ctx); err == nil {
				entries, err = r.read()
			}
			if err != nil && pause == 0 && r.ctx.Err() == nil {
				l.logs.Log.Warn("the log of a topic cannot be read; trying again", "log", l.name, "reader", r.ID, "err", err)
			}
		}
		n := 0
		if err == nil && len(entries) > 0 {
			entries, atEnd = r.untilEnd(entries)
			if len(entries) > 0 {
				n, err = r.Deliver(r.ctx, l.items(entries))
				n = min(max(n, 0), len(entries))
			}
			if n > 0 {
				r.advance(entries[n-1].seq + 1)
			}
			atEnd = atEnd && n == len(entries)
		}
		switch {
		case atEnd && err == nil:
			r.end()
		case n > 0 && err == nil:
			pause = 0
		case err != nil || len(entries) > 0:
			if n > 0 {
				pause = 0
			}
			pause = min(max(2*pause, firstPause), maxPause)
			r.pause(pause)
		}
	}
}

// take returns entries from the window. done says that there is nothing left to do, and
// that the reader counts as not running; atEnd that Until has come.
func (r *reader) take() (entries []storedEntry, atEnd, done bool) {
	over := r.isOver()
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	r.cuts = l.cuts
	switch current := l.looked == l.asked; {
	case over || r.ended:
		r.running = nil
		return nil, false, true
	case !current:
		return nil, false, false
	case r.next <= l.tail:
		if r.Until.IsZero() { // the times of the window are not those of the stream
			entries = l.window.from(r.next, maxBatch, maxReadBytes)
		}
		return entries, false, false
	case !r.Until.IsZero() && !time.Now().Before(r.Until):
		return nil, true, false
	}
	r.running = nil
	if !r.Until.IsZero() && r.timer == nil {
		r.timer = time.AfterFunc(time.Until(r.Until), func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			r.startLocked()
		})
	}
	return nil, false, true
}

// read reads entries from the stream. It returns none when it is to be asked again.
func (r *reader) read() ([]storedEntry, error) {
	l := r.log
	l.mu.Lock()
	from, last := r.next, l.tail
	r.cuts = l.cuts
	if first := l.window.first(from); first > from && r.Until.IsZero() {
		last = min(last, first-1)
	}
	l.mu.Unlock()
	if from > last {
		return nil, nil
	}
	found, err := l.stream.read(r.ctx, from, last)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "reading the log of a topic")
	}
	for i := range found {
		if found[i].seq != from+uint64(i) {
			found = found[:i]
			break
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return r.skip(from, last)
}

// skip finds the first entry from a sequence on, which direct gets do not find. What is
// missing is reported, and left out.
func (r *reader) skip(from, last uint64) ([]storedEntry, error) {
	l := r.log
	state, err := l.stream.state(r.ctx)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "reading the log of a topic")
	}
	next := min(max(state.FirstSeq, from), last+1)
	var found *storedEntry
	for ; next <= last; next++ {
		if found, err = l.stream.get(r.ctx, next); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "reading the log of a topic")
		}
		if found != nil {
			break
		}
	}
	if next > from {
		lost := loss.Loss{Entries: entries(from, next-1), Messages: next - from, What: "entries of the log of a FIFO topic are missing"}
		if err := l.report(lost); err != nil {
			return nil, err
		}
		r.advance(next)
	}
	if found == nil {
		return nil, nil
	}
	return []storedEntry{*found}, nil
}

// untilEnd leaves out the entries from Until on, and says whether there are any.
func (r *reader) untilEnd(entries []storedEntry) (before []storedEntry, atEnd bool) {
	if r.Until.IsZero() {
		return entries, false
	}
	for i, e := range entries {
		if !e.time.Before(r.Until) {
			return entries[:i], true
		}
	}
	return entries, false
}

func (l *topicLog) items(entries []storedEntry) []Item {
	l.mu.Lock()
	numbers := l.numbers
	l.mu.Unlock()
	items := make([]Item, len(entries))
	for i, e := range entries {
		items[i] = Item{Seq: numbers.at(e.seq), Time: e.time, Content: e.content}
	}
	return items
}

// advance says that the entries below a sequence are done with.
func (r *reader) advance(next uint64) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.cuts == l.cuts { // else those were lost, and others get their sequences
		r.next = max(r.next, next)
	}
	l.forgetDeliveredLocked()
	l.markLocked()
}

// forgetDeliveredLocked removes from the window what its readers have had. Those that
// pause read it from the stream.
func (l *topicLog) forgetDeliveredLocked() {
	first := l.tail + 1
	for _, r := range l.readers {
		if !r.pausing && !r.ended {
			first = min(first, r.next)
		}
	}
	l.window.forget(first)
}

// end says that all before Until is done with.
func (r *reader) end() {
	r.log.mu.Lock()
	r.ended = true
	r.log.markLocked()
	r.log.mu.Unlock()
	if r.Ended != nil {
		r.Ended()
	}
}

// pause waits after an error, until somebody wakes the reader.
func (r *reader) pause(d time.Duration) {
	r.setPausing(true)
	defer r.setPausing(false)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.wake:
	case <-r.run.Halted().Done():
	case <-r.ctx.Done():
	}
}

func (r *reader) setPausing(pausing bool) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.pausing = pausing
	r.log.forgetDeliveredLocked()
}

// stop ends the reader, and returns when no Deliver of it is running.
func (r *reader) stop(ctx context.Context) error {
	r.cancel()
	r.log.mu.Lock()
	running := r.running
	if r.timer != nil {
		r.timer.Stop()
	}
	r.log.mu.Unlock()
	if running == nil {
		return nil
	}
	select {
	case <-running:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Of(ctx.Err()), ctx.Err(), "waiting for a delivery of a topic")
	}
}
