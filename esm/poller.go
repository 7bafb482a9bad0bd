package esm

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"millrace/esm/batch"
	"millrace/esm/source"
	"millrace/runtime/fault"
	"millrace/runtime/pattern"
)

// perReceive is how many records a poller asks for at once, as Lambda's do.
const perReceive = 10

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
	problem atomic.Pointer[Problem] // for who asks for the mapping; nil when nothing is wrong
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
	defer p.batches.Wait()
	for p.limiter.wait(p.halted) {
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

// receive waits for records: for as long as it takes, or while a batch is open
// until its window is over.
func (p *poller) receive(ctx context.Context) ([]source.Record, error) {
	timeout, ok := p.timeout(p.mapping.FunctionARN)
	if !ok {
		return nil, ErrNoFunction
	}
	r := source.Request{Max: min(perReceive, p.batch.Free()), Wait: source.Forever, Processing: p.window() + timeout}
	if ends, ok := p.batch.WindowEnd(); ok {
		if r.Wait = time.Until(ends); r.Wait <= 0 {
			return nil, nil
		}
	}
	return p.source.Receive(ctx, r)
}

func (p *poller) window() time.Duration { return time.Duration(p.mapping.Window) * time.Second }

// pause waits before the next look at a source or function that is not there.
func (p *poller) pause(err error) {
	problem := ProblemSource
	switch {
	case errors.Is(err, ErrNoFunction):
		problem = ProblemNoFunction
	case errors.Is(err, fault.NotFound):
		problem = ProblemNoSource
	case errors.Is(err, fault.Denied):
		problem = ProblemNoPermission
	}
	if old := p.problem.Swap(&problem); old == nil || *old != problem {
		p.log.Warn("event source mapping is waiting", "mapping", p.mapping.UUID, "source", p.mapping.EventSource, "err", err)
	}
	sleep(p.halted, p.nextPause)
	p.nextPause = min(2*p.nextPause, longestPause)
}

func (p *poller) clearProblem() {
	p.problem.Store(nil)
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

// dispatch adds records to the open batch and starts what is ready. Batches of
// one receive may hold records of one group, so they run one after the other.
func (p *poller) dispatch(work context.Context, records []source.Record) {
	now := time.Now()
	var ready [][]source.Record
	for _, r := range records {
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
	p.limiter.acquire()
	p.batches.Go(func() {
		p.process(work, ready)
		p.limiter.release(time.Now(), len(ready[0]) >= min(perReceive, p.mapping.BatchSize))
	})
}

// sleep pauses; false says that ctx ended meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
