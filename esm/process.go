package esm

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"millrace/esm/batch"
	"millrace/esm/source"
	"millrace/runtime/fault"
	"millrace/runtime/function"
	"millrace/runtime/telemetry"
)

const tracer = "millrace/esm"

// A batch that the function could not take is tried again after pauses that
// double from the first to the last.
const (
	firstRetry   = 100 * time.Millisecond
	longestRetry = 10 * time.Second
)

// process runs batches in order. None begins after a halt nor, of an ordered
// source, after one that did not succeed: its records may be of the same groups.
func (p *poller) process(ctx context.Context, batches [][]source.Record) {
	for i, b := range batches {
		if ok := p.processOne(ctx, b); !ok && p.traits.Ordered || p.halted.Err() != nil {
			p.release(ctx, slices.Concat(batches[i+1:]...))
			return
		}
	}
}

// processOne runs a batch and is done with the records that succeeded; it
// reports whether all did.
func (p *poller) processOne(ctx context.Context, b []source.Record) bool {
	ctx, span := p.trace(ctx, b)
	defer span.End()
	outcome, err := p.invoke(ctx, b)
	switch {
	case err == errBatchNotAccepted:
		p.release(ctx, b)
		return false
	case err != nil:
		span.SetStatus(codes.Error, err.Error())
		p.log.Warn("batch not processed", "mapping", p.mapping.UUID, "function", p.mapping.FunctionARN, "records", len(b), "err", err)
		p.giveBack(ctx, b)
		return false
	case outcome.FunctionError != "":
		span.SetStatus(codes.Error, "function error: "+outcome.FunctionError)
		p.log.Debug("batch failed", "mapping", p.mapping.UUID, "function", p.mapping.FunctionARN, "records", len(b), "err", function.Failure(outcome.Payload))
		p.giveBack(ctx, b)
		return false
	}
	p.note(true)
	succeeded := p.succeeded(b, outcome.Payload)
	if failed := len(b) - len(succeeded); failed > 0 {
		p.log.Debug("batch failed in part", "mapping", p.mapping.UUID, "function", p.mapping.FunctionARN, "records", len(b), "failed", failed)
	}
	if len(succeeded) > 0 {
		p.acknowledge(ctx, succeeded)
	}
	return len(succeeded) == len(b)
}

// note counts the failures since a batch succeeded, and returns how many they are.
func (p *poller) note(succeeded bool) (failures int64) {
	p.ran.Store(true)
	if succeeded {
		p.failed.Store(0)
		return 0
	}
	return p.failed.Add(1)
}

// giveBack is for a batch that failed. If its records do not come back by themselves,
// it releases them first, since others that consume from the source may fare better,
// and then holds its place: a function that fails all is not to be called without end.
func (p *poller) giveBack(ctx context.Context, b []source.Record) {
	failures := p.note(false)
	if !p.traits.ReleaseFailed {
		return
	}
	p.release(ctx, b)
	sleep(p.halted, failurePause(failures))
}

// failurePause doubles with each failure in a row.
func failurePause(failures int64) time.Duration {
	return min(firstRetry<<min(failures-1, 10), longestRetry)
}

// invoke runs the function on a batch, again and again while the function cannot
// take it and the records stay hidden from others.
func (p *poller) invoke(ctx context.Context, b []source.Record) (Outcome, error) {
	event := p.event(b)
	for pause := firstRetry; ; pause = min(2*pause, longestRetry) {
		outcome, err := p.invoker.InvokeBatch(ctx, p.mapping.FunctionARN, event)
		if !isTransient(err) || time.Now().Add(pause).After(b[0].RedeliveredAt) {
			return outcome, err
		}
		p.limiter.halve()
		if !sleep(p.halted, pause) {
			return outcome, errBatchNotAccepted
		}
	}
}

// isTransient reports whether an error may be over soon. A function that is not there
// may come back; until then [poller.receive] takes nothing more.
func isTransient(err error) bool {
	switch fault.Of(err) {
	case fault.Throttled, fault.Unavailable, fault.NotFound:
		return true
	}
	return false
}

// event joins records into the event of one invocation.
func (p *poller) event(b []source.Record) []byte {
	size := len(p.traits.Head) + len(p.traits.Tail)
	for _, r := range b {
		size += len(r.JSON) + 1
	}
	event := append(make([]byte, 0, size), p.traits.Head...)
	for i, r := range b {
		if i > 0 {
			event = append(event, ',')
		}
		event = append(event, r.JSON...)
	}
	return append(event, p.traits.Tail...)
}

// succeeded picks the records of a batch that the function did not report as
// failed, if the mapping asks for reports.
func (p *poller) succeeded(b []source.Record, reply []byte) []source.Record {
	if !slices.Contains(p.mapping.ResponseTypes, reportFailures) {
		return b
	}
	ids := make([]string, len(b))
	for i, r := range b {
		ids[i] = r.ID
	}
	var good []source.Record
	for i, failed := range batch.Failures(reply, ids) {
		if !failed {
			good = append(good, b[i])
		}
	}
	return good
}

// acknowledge tells the source that records are done with.
func (p *poller) acknowledge(ctx context.Context, records []source.Record) {
	ctx, span := telemetry.Start(ctx, tracer, p.traits.Name+" settle", trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	if err := p.source.Acknowledge(ctx, records); err != nil {
		span.SetStatus(codes.Error, err.Error())
		p.log.Warn("acknowledging records failed; they will be redelivered", "mapping", p.mapping.UUID, "records", len(records), "err", err)
	}
}

// release gives back records that were not tried.
func (p *poller) release(ctx context.Context, records []source.Record) {
	if len(records) == 0 {
		return
	}
	if err := p.source.Release(ctx, records); err != nil {
		p.log.Warn("releasing records failed; they will be redelivered late", "mapping", p.mapping.UUID, "records", len(records), "err", err)
	}
}

// trace begins the span of a batch: in the trace of its first traced record, and
// linked to the others'. Without anybody to tell, the function is handed the
// first record's X-Ray header as it is.
func (p *poller) trace(ctx context.Context, b []source.Record) (context.Context, trace.Span) {
	var options []trace.SpanStartOption
	if telemetry.Tracing() {
		options = append(options, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
			attribute.String("messaging.system", p.traits.System),
			attribute.String("messaging.destination.name", p.traits.Name),
			attribute.String("messaging.operation.type", "process"),
			attribute.Int("messaging.batch.message_count", len(b)),
		))
	}
	parent := ctx
	for _, r := range b {
		sender := telemetry.WithXRay(telemetry.WithTraceParent(ctx, r.TraceParent), r.TraceHeader)
		if parent == ctx {
			parent = sender
		} else if sender != ctx {
			options = append(options, trace.WithLinks(trace.LinkFromContext(sender)))
		}
	}
	return telemetry.Start(parent, tracer, p.traits.Name+" process", options...)
}
