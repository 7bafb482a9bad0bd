package esm

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"millrace/esm/batch"
	"millrace/esm/source"
	"millrace/runtime/pattern"
)

// While a source or function is not there, a poller looks again after pauses
// that double from the first to the last.
const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

// A poller moves the records of one mapping. Its goroutines:
//
//	Run            waits for the source and fills batches; one, from start to halt
//	├─ process     runs what one receive completed, in order; up to the limiter's limit
//	└─ acknowledge acknowledges what filters dropped
type poller struct {
	mapping Mapping
	source  source.Source
	traits  source.Traits
	filter  *pattern.Filter
	invoker Invoker
	timeout func(functionARN string) (time.Duration, bool)
	log     *slog.Logger

	limiter *limiter
	trouble atomic.Pointer[trouble] // for who asks for the mapping; nil when nothing is wrong
	ran     atomic.Bool             // a batch has
	failed  atomic.Int64            // batches that failed since one succeeded
	batches sync.WaitGroup          // process and acknowledge
	halted  context.Context         // over when the poller is to stop; set by Run

	// Owned by Run.
	batch     *batch.Assembler[source.Record]
	nextPause time.Duration
}

// Run implements workers.Worker: it moves records until halted is over, and returns
// when the last batch is. work bounds the batches.
func (p *poller) Run(halted, work context.Context) {
	p.halted = halted
	defer p.close()
	defer p.batches.Wait()
	for p.mayReceive() {
		records, err := p.receive(p.halted)
		if p.halted.Err() != nil {
			p.release(work, records)
			break
		}
		if err != nil {
			p.release(work, p.batch.Flush())
			p.pause(err)
			continue
		}
		p.clearProblem()
		p.dispatch(work, p.filterRecords(work, records))
	}
	p.release(work, p.batch.Flush())
}

// mayReceive waits until a batch of what comes next may begin, unless the source is read
// ahead; false says that the poller is to stop.
func (p *poller) mayReceive() bool {
	if p.traits.ReadsAhead {
		return p.halted.Err() == nil
	}
	return p.limiter.wait(p.halted)
}

// receive waits for records: for as long as it takes, or while a batch is open
// until its window is over.
func (p *poller) receive(ctx context.Context) ([]source.Record, error) {
	timeout, ok := p.timeout(p.mapping.FunctionARN)
	if !ok {
		return nil, ErrNoFunction
	}
	r := source.Request{Max: p.perReceive(p.batch.Free()), Wait: source.Forever, Processing: p.mapping.window(p.traits) + timeout}
	if ends, ok := p.batch.WindowEnd(); ok {
		if r.Wait = time.Until(ends); r.Wait <= 0 {
			return nil, nil
		}
	}
	return p.source.Receive(ctx, r)
}

// perReceive is how many of n records one receive may bring.
func (p *poller) perReceive(n int) int {
	if p.traits.MaxReceive > 0 {
		return min(n, p.traits.MaxReceive)
	}
	return n
}

// pause waits before the next look at a source or function that is not there.
func (p *poller) pause(err error) {
	t := troubleOf(err)
	if old := p.trouble.Swap(&t); old == nil || old.Problem != t.Problem || old.text != t.text {
		p.log.Warn("event source mapping is waiting", "mapping", p.mapping.UUID, "source", p.mapping.EventSource, "err", err)
	}
	wait(p.halted, p.nextPause, t.changed)
	p.nextPause = min(2*p.nextPause, cmp.Or(p.traits.MaxPause, longestPause))
}

// last is what became of the last batch.
func (p *poller) last() Result {
	switch {
	case !p.ran.Load():
		return NoneYet
	case p.failed.Load() > 0:
		return Failed
	}
	return Succeeded
}

// close lets go of the source.
func (p *poller) close() {
	if err := p.source.Close(); err != nil {
		p.log.Warn("closing an event source failed", "mapping", p.mapping.UUID, "source", p.mapping.EventSource, "err", err)
	}
}

func (p *poller) clearProblem() {
	p.trouble.Store(nil)
	p.nextPause = firstPause
}

// filterRecords returns the records that pass the filters, and acknowledges the others.
func (p *poller) filterRecords(work context.Context, records []source.Record) []source.Record {
	if p.filter == nil {
		return records
	}
	var kept, dropped []source.Record
	for _, r := range records {
		if p.filter.Match(r.JSON, r.Payload) {
			kept = append(kept, r)
		} else {
			dropped = append(dropped, r)
			p.log.Debug("filter dropped a record", "mapping", p.mapping.UUID, "source", p.mapping.EventSource, "record", r.ID)
		}
	}
	if len(dropped) > 0 {
		p.batches.Go(func() { p.acknowledge(work, dropped) })
	}
	return kept
}

// dropLarge returns the records that an event has room for, and acknowledges the
// others if the source wants them dropped: the function would never take them.
func (p *poller) dropLarge(work context.Context, records []source.Record) []source.Record {
	room := batch.MaxBytes - len(p.traits.Head) - len(p.traits.Tail)
	fits := func(r source.Record) bool { return len(r.JSON) <= room }
	if !p.traits.DropsLarge || !slices.ContainsFunc(records, func(r source.Record) bool { return !fits(r) }) {
		return records
	}
	var kept, dropped []source.Record
	for _, r := range records {
		if fits(r) {
			kept = append(kept, r)
			continue
		}
		dropped = append(dropped, r)
		p.log.Warn("record dropped: it is larger than an event may be", "mapping", p.mapping.UUID, "source", p.mapping.EventSource,
			"record", r.ID, "bytes", len(r.JSON))
	}
	p.batches.Go(func() { p.acknowledge(work, dropped) })
	return kept
}

// dispatch adds records to the open batch and starts what is ready. Batches of
// one receive may hold records of one group, so they run one after the other.
func (p *poller) dispatch(work context.Context, records []source.Record) {
	now := time.Now()
	var ready [][]source.Record
	for _, r := range p.dropLarge(work, records) {
		if b := p.batch.Add(now, r, len(r.JSON)); b != nil {
			ready = append(ready, b)
		}
	}
	if b := p.batch.FlushDue(now); b != nil {
		ready = append(ready, b)
	}
	if len(ready) == 0 {
		return
	}
	if p.traits.ReadsAhead && !p.limiter.wait(p.halted) {
		p.release(work, slices.Concat(ready...))
		return
	}
	p.limiter.acquire()
	p.batches.Go(func() {
		p.process(work, ready)
		p.limiter.release(time.Now(), len(ready[0]) >= p.perReceive(p.mapping.BatchSize))
	})
}

// sleep pauses; false says that ctx ended meanwhile.
func sleep(ctx context.Context, d time.Duration) bool { return wait(ctx, d, nil) }

// wait is a sleep that also ends when changed is closed; nil never is.
func wait(ctx context.Context, d time.Duration, changed <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-changed:
		return true
	case <-ctx.Done():
		return false
	}
}
