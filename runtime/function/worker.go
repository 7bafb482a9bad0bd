package function

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

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
			if _, told := fault.Told(err); !told {
				w.fs.log.Warn("asynchronous invocations could not be received", "err", err)
			}
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
	began := time.Now()
	e, err := readEvent(r.Message)
	log := w.fs.log.With("function", e.Function.Name, "request", e.RequestID)
	if err != nil {
		log.Error("an asynchronous invocation could not be read", "err", err)
		w.remove(log, r)
		return
	}
	result, err := w.invoke(e, r)
	if w.running.Err() != nil {
		w.putBack(log, r)
		return
	}
	again, wait := false, time.Duration(0)
	age := e.Age + r.Age + time.Since(began) // in running time: what clocks say may jump
	switch {
	case err == nil && result.FunctionError == "": // it is done
	case err == nil:
		wait, again = e.failed(age)
	case errors.Is(err, fault.NotFound), w.fs.closed(e.Function): // nobody will run it
	default:
		wait, again = e.refused(age)
	}
	if again {
		if err := w.sendAgain(e, r, wait); err != nil {
			log.Error("a retry could not be stored; the event comes back", "err", err)
			return
		}
	} else if err != nil {
		log.Warn("an asynchronous invocation was given up", "runs", e.Runs, "err", err)
	} else if result.FunctionError != "" {
		log.Warn("an asynchronous invocation was given up", "runs", e.Runs, "err", Failure(result.Payload))
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
			w.fs.log.Warn("a running event could not be kept hidden; it may run twice", "err", err)
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
		log.Warn("a finished event could not be removed; it may run again", "err", err)
	}
}

// putBack makes an event that was cut off receivable at once.
func (w *worker) putBack(log *slog.Logger, r queue.Received) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.running), settle)
	defer cancel()
	if err := w.queue.ChangeVisibility(ctx, queue.Change{ReceiptHandle: r.ReceiptHandle})[0]; err != nil {
		log.Warn("an event could not be put back; it comes back by itself", "err", err)
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
