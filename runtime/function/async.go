package function

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/sandbox"
	"millrace/runtime/telemetry"
)

const (
	maxRunning = 100              // asynchronous events that run at once
	hidden     = 30 * time.Second // an event whose runtime was killed comes back after this long
	settle     = 5 * time.Second  // to put events back when a Stop is cut short
)

// eventQueue is where asynchronous events wait: in an account that no caller can
// be in, so that nobody's ListQueues shows it.
var eventQueue = queue.ID{Account: "millrace", Region: "local", Name: "lambda-events"}

// A Queue keeps the events of asynchronous invocations: jetqueue.Queue.
type Queue interface {
	Send(context.Context, ...queue.Message) ([]queue.Sent, error)
	Receive(context.Context, queue.ReceiveRequest) ([]queue.Received, error)
	Delete(ctx context.Context, handles ...string) []error
	ChangeVisibility(context.Context, ...queue.Change) []error
}

// Queues find and make queues: jetqueue.Queues.
type Queues[Q Queue] interface {
	Get(queue.ID) (Q, error)
	Create(context.Context, queue.ID, queue.Config) (Q, error)
}

// EventsIn keeps the events of asynchronous invocations in a queue among
// others: what Config.Events wants.
func EventsIn[Q Queue](all Queues[Q]) func(context.Context) (Queue, error) {
	return func(ctx context.Context) (Queue, error) {
		q, err := all.Get(eventQueue)
		if errors.Is(err, fault.NotFound) {
			now := time.Now()
			q, err = all.Create(ctx, eventQueue, queue.Config{Visibility: hidden, MaxBytes: 2 << 20, Created: now, Modified: now})
		}
		return q, err
	}
}

// InvokeAsync accepts one event, and returns once it is sure to be run: see
// Invoke, which runs it. in.RequestID is the same on every run.
func (fs *Functions) InvokeAsync(ctx context.Context, id ID, in Invocation) error {
	if _, err := fs.Get(id); err != nil {
		return err
	}
	if fs.events == nil {
		return fault.New(fault.Unavailable, "asynchronous invocations have no queue here")
	}
	if in.RequestID == "" {
		in.RequestID = uuid.NewString()
	}
	e := event{Function: id, Qualifier: in.Qualifier, RequestID: in.RequestID, Accepted: time.Now()}
	m, err := e.message(string(in.Payload), in.TraceHeader, telemetry.TraceParent(ctx), 0)
	if err != nil {
		return err
	}
	return fs.events.send(ctx, m)
}

// events carries out asynchronous invocations: one goroutine waits at the queue,
// and each event that it receives runs in its own.
type events struct {
	fs    *Functions
	base  context.Context // of everything that runs; carries nothing of the caller who woke it
	open  func(context.Context) (Queue, error)
	slots chan struct{} // one taken by each event that runs

	mu      sync.Mutex // guards the rest, and is held while the queue is opened
	queue   Queue      // nil when there is none yet, or it has gone
	receive context.CancelFunc
	cut     context.CancelFunc
	waiting *sync.WaitGroup // of the receiver
	running *sync.WaitGroup // of the events that run; the receiver adds to it
}

func newEvents(ctx context.Context, fs *Functions, open func(context.Context) (Queue, error)) *events {
	return &events{fs: fs, base: context.WithoutCancel(ctx), open: open, slots: make(chan struct{}, maxRunning)}
}

// start opens the queue and begins to receive, unless that is done.
func (a *events) start(ctx context.Context) error {
	_, err := a.opened(ctx)
	return err
}

func (a *events) opened(ctx context.Context) (Queue, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.queue != nil {
		return a.queue, nil
	}
	q, err := a.open(ctx)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "opening the queue of asynchronous invocations")
	}
	running, cut := context.WithCancel(a.base)
	receiving, receive := context.WithCancel(running)
	a.queue, a.receive, a.cut = q, receive, cut
	a.waiting, a.running = &sync.WaitGroup{}, &sync.WaitGroup{}
	w := &worker{fs: a.fs, queue: q, slots: a.slots, running: running, events: a.running}
	a.waiting.Go(func() { w.receive(receiving) })
	return q, nil
}

// send stores an event. A queue that has gone, as in a reset, is made again.
func (a *events) send(ctx context.Context, m queue.Message) error {
	for again := range 2 {
		q, err := a.opened(ctx)
		if err != nil {
			return err
		}
		_, err = q.Send(ctx, m)
		if again == 0 && errors.Is(err, fault.NotFound) {
			a.abandon()
			continue
		}
		return err
	}
	return nil
}

// abandon forgets the queue, and what runs.
func (a *events) abandon() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.queue != nil {
		a.cut()
		a.waiting.Wait()
		a.running.Wait()
		a.queue = nil
	}
}

// stop ends the receiving, lets what runs come to its end, and when ctx ends
// puts the rest back into the queue.
func (a *events) stop(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.queue == nil {
		return nil
	}
	defer a.cut()
	// The receiver goes first, lest it be given what is put back.
	a.receive()
	a.waiting.Wait()
	over := make(chan struct{})
	go func() { defer close(over); a.running.Wait() }()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		a.cut()
		<-over
		return ctx.Err()
	}
}

// A worker runs the events of one queue.
type worker struct {
	fs      *Functions
	queue   Queue
	slots   chan struct{}
	running context.Context // ends when what runs shall be cut off
	events  *sync.WaitGroup // that run
}

// receive takes events as long as there are slots for them, until ctx ends or
// the queue has gone.
func (w *worker) receive(ctx context.Context) {
	for {
		n := w.takeSlots(ctx)
		if n == 0 {
			return
		}
		got, err := w.queue.Receive(ctx, queue.ReceiveRequest{Max: n, Wait: queue.Forever})
		for range n - len(got) {
			<-w.slots
		}
		for _, r := range got {
			w.events.Go(func() {
				defer func() { <-w.slots }()
				w.run(r)
			})
		}
		if ctx.Err() != nil || errors.Is(err, fault.NotFound) {
			return
		}
		if err != nil {
			w.fs.log.Warn("asynchronous invocations could not be received", "error", err)
			rest(ctx, time.Second)
		}
	}
}

// takeSlots waits for a slot, and takes up to ten if more are free; none once
// ctx has ended.
func (w *worker) takeSlots(ctx context.Context) (n int) {
	select {
	case w.slots <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	for n = 1; n < 10; n++ {
		select {
		case w.slots <- struct{}{}:
		default:
			return n
		}
	}
	return n
}

// run takes one event to its function, and its message to what follows from
// that: gone, or back for another run.
func (w *worker) run(r queue.Received) {
	e, err := readEvent(r.Message)
	log := w.fs.log.With("function", e.Function.Name, "request", e.RequestID)
	if err != nil {
		log.Error("an asynchronous invocation could not be read", "error", err)
		w.remove(log, r)
		return
	}
	result, err := w.invoke(e, r)
	if w.running.Err() != nil {
		w.putBack(log, r)
		return
	}
	again, wait := false, time.Duration(0)
	now := time.Now()
	switch {
	case err == nil && result.FunctionError == "": // it is done
	case err == nil:
		wait, again = e.failed(now)
	case errors.Is(err, fault.NotFound), w.fs.closed(e.Function): // nobody will run it
	default:
		wait, again = e.refused(now)
	}
	if again {
		if err := w.sendAgain(e, r, wait); err != nil {
			log.Error("a retry could not be stored; the event comes back", "error", err)
			return
		}
	} else if err != nil || result.FunctionError != "" {
		log.Warn("an asynchronous invocation was given up", "runs", e.Runs, "error", err)
	}
	w.remove(log, r)
}

// invoke runs an event, and keeps its message hidden meanwhile.
func (w *worker) invoke(e event, r queue.Received) (sandbox.Result, error) {
	ctx, cancel := context.WithCancel(w.running)
	var hiding sync.WaitGroup
	hiding.Go(func() { w.keepHidden(ctx, r.ReceiptHandle) })
	defer hiding.Wait()
	defer cancel()
	return w.fs.Invoke(telemetry.WithTraceParent(ctx, r.TraceParent), e.Function, Invocation{
		RequestID:   e.RequestID,
		Qualifier:   e.Qualifier,
		Payload:     []byte(r.Body),
		TraceHeader: r.TraceHeader,
	})
}

// keepHidden lengthens a message's visibility timeout until ctx ends.
func (w *worker) keepHidden(ctx context.Context, handle string) {
	for rest(ctx, hidden/2) {
		if err := w.queue.ChangeVisibility(ctx, queue.Change{ReceiptHandle: handle, Timeout: hidden})[0]; err != nil && ctx.Err() == nil {
			w.fs.log.Warn("a running event could not be kept hidden; it may run twice", "error", err)
		}
	}
}

// sendAgain stores the next run of an event. The message of this one is removed
// after it: a kill in between makes the event run twice, never not at all.
func (w *worker) sendAgain(e event, r queue.Received, wait time.Duration) error {
	m, err := e.message(r.Body, r.TraceHeader, r.TraceParent, wait)
	if err != nil {
		return err
	}
	_, err = w.queue.Send(w.running, m)
	return err
}

func (w *worker) remove(log *slog.Logger, r queue.Received) {
	if err := w.queue.Delete(w.running, r.ReceiptHandle)[0]; err != nil {
		log.Warn("a finished event could not be removed; it may run again", "error", err)
	}
}

// putBack makes an event that was cut off receivable at once.
func (w *worker) putBack(log *slog.Logger, r queue.Received) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.running), settle)
	defer cancel()
	if err := w.queue.ChangeVisibility(ctx, queue.Change{ReceiptHandle: r.ReceiptHandle})[0]; err != nil {
		log.Warn("an event could not be put back; it comes back by itself", "error", err)
	}
}

// closed reports whether a function's reserved concurrency is none: its events
// are not tried again (Lambda developer guide, reserved concurrency).
func (fs *Functions) closed(id ID) bool {
	f, err := fs.Get(id)
	return err == nil && f.Reserved != nil && *f.Reserved == 0
}

// rest waits, and reports whether ctx let it.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
