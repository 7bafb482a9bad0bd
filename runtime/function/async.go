package function

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/queue"
	"millrace/runtime/telemetry"
)

// Reserved is the account of what the runtime keeps for itself: no caller can be
// in it, so that nobody's ListQueues shows it.
const Reserved = "millrace"

// eventQueue is where asynchronous events wait.
var eventQueue = queue.ID{Account: Reserved, Region: "local", Name: "lambda-events"}

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
			q, err = all.Create(ctx, eventQueue, queue.Config{
				Visibility: hidden, MaxBytes: 2 << 20, Created: now, Modified: now,
				Texts: map[string]string{"SqsManagedSseEnabled": "true"}, // what functions are sent is nobody else's business either
			})
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
	e := event{Function: id, Qualifier: in.Qualifier, RequestID: in.RequestID}
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
	return lifecycle.Drain(ctx, a.running, a.cut, "events of functions")
}
