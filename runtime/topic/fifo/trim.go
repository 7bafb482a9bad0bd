package fifo

import (
	"context"
	"fmt"
	"time"

	"millrace/runtime/fault"
)

const (
	// An entry stays for the DuplicateWindow: after a restart JetStream learns the
	// deduplication keys from what is stored. The slack is for clocks of servers that
	// differ.
	trimSlack = 10 * time.Second
	trimDelay = DuplicateWindow + 2*trimSlack

	minTrimPause = 10 * time.Minute // between two looks at an archive, whose entries end one by one
)

// planTrimLocked has the log trimmed after a while, if this runtime runs its readers.
func (l *topicLog) planTrimLocked(after time.Duration) {
	if l.trimming != nil || l.deleted || !l.isOwned() {
		return
	}
	run := l.logs.life.Current()
	if run == nil {
		return
	}
	l.trimming = time.AfterFunc(after, func() {
		l.mu.Lock()
		l.trimming = nil
		l.mu.Unlock()
		run.Go(func() { l.trim(run.Work()) })
	})
}

// trim removes the entries that nobody wants anymore, and plans the next look if there
// will be some.
func (l *topicLog) trim(ctx context.Context) {
	next, err := l.removeOld(ctx)
	if err != nil {
		if ctx.Err() != nil || fault.Of(err) == fault.NotFound {
			return
		}
		l.logs.Log.Warn("the log of a topic cannot be trimmed; trying again later", "log", l.name, "err", err)
		next = trimDelay
	}
	if next > 0 {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.planTrimLocked(next)
	}
}

// removeOld removes the entries that all readers are done with, and that are older than
// the duplicate window and the archive. It returns after what time there will be more; 0
// when that depends on readers.
func (l *topicLog) removeOld(ctx context.Context) (next time.Duration, err error) {
	if !l.isOwned() {
		return 0, nil
	}
	if err := l.hold(ctx); err != nil {
		return 0, err
	}
	defer l.letGo()
	store := l.logs.Backbone
	if err := store.Down(); err != nil {
		return 0, err
	}
	r, err := l.record(ctx)
	if err != nil || !r.Begun {
		return 0, err
	}
	state, err := l.stream.state(ctx)
	if err != nil || state.Msgs == 0 {
		return 0, fault.Wrap(fault.Unavailable, err, "looking at the log of a topic")
	}
	delivered := l.delivered(r, state.LastSeq)
	keep := max(r.Retain, DuplicateWindow) + trimSlack
	young, err := l.stream.since(ctx, time.Now().Add(-keep))
	if err != nil {
		return 0, fault.Wrap(fault.Unavailable, err, "looking at the log of a topic")
	}
	below := state.LastSeq + 1
	if young != nil {
		below = young.seq
	}
	if delivered+1 < below { // readers come first
		below = delivered + 1
	} else if young != nil {
		next = max(time.Until(young.time.Add(keep)), trimSlack)
		if r.Retain > DuplicateWindow {
			next = max(next, minTrimPause)
		}
		next = max(next, trimDelay/2)
	}
	if below <= state.FirstSeq {
		return next, nil
	}
	frees := int64(state.Bytes / state.Msgs * (below - state.FirstSeq))
	if !store.Purgeable(frees) {
		return max(next, trimDelay), nil
	}
	if err := l.stream.purge(ctx, below); err != nil {
		return 0, fault.Wrap(fault.Unavailable, err, "trimming the log of a topic")
	}
	err = l.update(ctx, func(r *logRecord) bool {
		before := len(r.Numbers)
		r.Numbers = r.Numbers.trimmed(below)
		return len(r.Numbers) != before
	})
	l.logs.Log.Debug("trimmed the log of a topic", "log", l.name, "entries", fmt.Sprintf("%d-%d", state.FirstSeq, below-1))
	return next, err
}

// delivered is the sequence up to which all readers are done with the entries, and have
// stored that.
func (l *topicLog) delivered(r logRecord, last uint64) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, c := range r.Cursors {
		if reader := l.readers[id]; reader == nil || !reader.ended {
			last = min(last, c)
		}
	}
	return last
}
