package function_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"millrace/runtime/fault"
	"millrace/runtime/function"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/sandbox"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/telemetry"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

// A fakeQueue is a queue in memory, as far as events need one.
type fakeQueue struct {
	mu       sync.Mutex
	messages []*fakeMessage
	changed  chan struct{}
}

type fakeMessage struct {
	queue.Received
	sent    time.Time
	visible time.Time
}

func newFakeQueue() *fakeQueue { return &fakeQueue{changed: make(chan struct{}, 1)} }

func (q *fakeQueue) open(context.Context) (function.Queue, error) { return q, nil }

func (q *fakeQueue) Send(_ context.Context, all ...queue.Message) ([]queue.Sent, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range all {
		q.messages = append(q.messages, &fakeMessage{queue.Received{Message: m}, time.Now(), time.Now().Add(*m.Delay)})
	}
	q.signal()
	return make([]queue.Sent, len(all)), nil
}

func (q *fakeQueue) signal() {
	select {
	case q.changed <- struct{}{}:
	default:
	}
}

func (q *fakeQueue) Receive(ctx context.Context, req queue.ReceiveRequest) ([]queue.Received, error) {
	for {
		got, wait := q.take(req.Max)
		if got != nil {
			return got, nil
		}
		select {
		case <-q.changed:
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *fakeQueue) take(n int) (got []queue.Received, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	wait = 24 * time.Hour
	for _, m := range q.messages {
		if left := time.Until(m.visible); left > 0 {
			wait = min(wait, left)
		} else if len(got) < n {
			m.visible = time.Now().Add(30 * time.Second)
			m.ReceiptHandle = uuid.NewString()
			m.Age = time.Since(m.sent)
			got = append(got, m.Received)
		}
	}
	return got, wait
}

func (q *fakeQueue) Delete(_ context.Context, handles ...string) []error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, m := range q.messages {
		if m.ReceiptHandle == handles[0] {
			q.messages = append(q.messages[:i], q.messages[i+1:]...)
			return []error{nil}
		}
	}
	return []error{queue.ErrGone}
}

func (q *fakeQueue) ChangeVisibility(_ context.Context, changes ...queue.Change) []error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		if m.ReceiptHandle == changes[0].ReceiptHandle {
			m.visible = time.Now().Add(changes[0].Timeout)
			q.signal()
			return []error{nil}
		}
	}
	return []error{queue.ErrGone}
}

func (q *fakeQueue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.messages)
}

// bubble runs f on a clock of its own, with orders deployed.
func bubble(t *testing.T, f func(*testing.T, *world, *fakeQueue)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue()
		w := open(t, dir, withEvents(q.open))
		defer w.down(t)
		w.mustCreate(t, ordersFunction(), "#!one")
		f(t, w, q)
	})
}

func withEvents(open func(context.Context) (function.Queue, error)) option {
	return func(_ testing.TB, w *world) { w.config.Events = open }
}

// withQueues keeps events in a real queue.
func withQueues(t testing.TB, w *world) {
	t.Helper()
	all, err := jetqueue.Open(t.Context(), w.backbone, w.config.Records, jetqueue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.config.Events = function.EventsIn(all)
	w.parts.Push("queues", all.Close)
}

// ran notes when events run, on the test's clock, and with which request ids.
type ran struct {
	start time.Time
	mu    sync.Mutex
	at    []time.Duration
	ids   map[string]int
}

func (r *ran) note(req sandbox.Request) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = append(r.at, time.Since(r.start).Truncate(time.Second))
	r.ids[req.ID]++
	return len(r.at)
}

func (r *ran) times() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.at)
}

func (r *ran) of(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ids[id]
}

func recordRuns(w *world, answer func(n int) (sandbox.Result, error)) *ran {
	r := &ran{start: time.Now(), ids: map[string]int{}}
	w.runner.does(func(_ context.Context, _ sandbox.Spec, req sandbox.Request) (sandbox.Result, error) {
		return answer(r.note(req))
	})
	return r
}

func TestAsyncEvents(t *testing.T) {
	fails := sandbox.Result{FunctionError: "Unhandled"}
	throttled := fault.New(fault.Throttled, "no")
	for _, c := range []struct {
		rule   string
		answer func(n int) (sandbox.Result, error)
		at     []time.Duration
	}{
		{"a success runs once", func(int) (sandbox.Result, error) { return sandbox.Result{}, nil },
			[]time.Duration{0}},
		{"a function error runs again after 1 and 2 minutes", func(int) (sandbox.Result, error) { return fails, nil },
			[]time.Duration{0, time.Minute, 3 * time.Minute}},
		{"a success ends the retries", func(n int) (sandbox.Result, error) {
			if n == 1 {
				return fails, nil
			}
			return sandbox.Result{}, nil
		}, []time.Duration{0, time.Minute}},
		{"a throttle backs off and counts as no run", func(n int) (sandbox.Result, error) {
			switch n {
			case 1, 2, 3:
				return sandbox.Result{}, throttled
			}
			return fails, nil
		}, []time.Duration{0, 1e9, 3e9, 7e9, 67e9, 187e9}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world, q *fakeQueue) {
				r := recordRuns(w, c.answer)
				if err := w.InvokeAsync(t.Context(), orders, function.Invocation{RequestID: "same", Payload: []byte("{}")}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Minute)
				if d := cmp.Diff(c.at, r.times()); d != "" {
					t.Errorf("-want +got runs:\n%s", d)
				}
				if r.of("same") != len(c.at) {
					t.Errorf("%d runs had the request id", r.of("same"))
				}
				if n := q.len(); n != 0 {
					t.Errorf("%d messages are left", n)
				}
			})
		})
	}
}

// Who loses an event is told what the function, or the lack of it, said.
func TestAnEventThatIsGivenUpIsLogged(t *testing.T) {
	for _, c := range []struct {
		rule   string
		answer sandbox.Result
		err    error
		want   string
	}{
		{"a function error", sandbox.Result{FunctionError: "Unhandled", Payload: []byte(`{"errorType":"errorString","errorMessage":"no stock"}`)}, nil,
			`runs=3 err="errorString: no stock"`},
		{"no function", sandbox.Result{}, fault.New(fault.NotFound, "no function"), `runs=0 err="no function"`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var log bytes.Buffer
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				w := open(t, dir, withEvents(newFakeQueue().open), func(_ testing.TB, w *world) {
					w.config.Log = slog.New(slog.NewTextHandler(&log, nil))
				})
				defer w.down(t)
				w.mustCreate(t, ordersFunction(), "#!one")
				recordRuns(w, func(int) (sandbox.Result, error) { return c.answer, c.err })
				if err := w.InvokeAsync(t.Context(), orders, function.Invocation{RequestID: "id"}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Minute)
			})
			if want := `msg="an asynchronous invocation was given up" function=orders request=id ` + c.want; strings.Count(log.String(), want) != 1 {
				t.Errorf("want one line with %s, got\n%s", want, log.String())
			}
		})
	}
}

// What an event waited in its queue, on the way to each of its runs, adds up.
func TestAsyncEventsGetSixHoursOld(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, q *fakeQueue) {
		r := recordRuns(w, func(int) (sandbox.Result, error) { return sandbox.Result{}, fault.New(fault.Throttled, "no") })
		if err := w.InvokeAsync(t.Context(), orders, function.Invocation{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * time.Hour)
		runs := r.times()
		if last := runs[len(runs)-1]; last > 6*time.Hour || last < 6*time.Hour-5*time.Minute {
			t.Errorf("it was tried last at the age of %v", last)
		}
		if n := q.len(); n != 0 {
			t.Errorf("%d messages are left", n)
		}
	})
}

func TestAsyncEventsOfAClosedFunctionAreNotTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, q *fakeQueue) {
		none := 0
		if _, err := w.Update(t.Context(), orders, func(f *function.Function) error { f.Reserved = &none; return nil }); err != nil {
			t.Fatal(err)
		}
		if err := w.InvokeAsync(t.Context(), orders, function.Invocation{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if n := q.len(); n != 0 {
			t.Errorf("%d messages are left", n)
		}
	})
}

func TestARunningEventStaysHiddenAsLongAsItRuns(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, q *fakeQueue) {
		r := recordRuns(w, func(int) (sandbox.Result, error) {
			time.Sleep(15 * time.Minute)
			return sandbox.Result{}, nil
		})
		if err := w.InvokeAsync(t.Context(), orders, function.Invocation{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		if len(r.times()) != 1 {
			t.Errorf("ran at %v", r.times())
		}
	})
}

func TestSlowEventsDoNotHoldUpOthers(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, q *fakeQueue) {
		r := recordRuns(w, func(int) (sandbox.Result, error) {
			time.Sleep(10 * time.Minute)
			return sandbox.Result{}, nil
		})
		for range 150 {
			if err := w.InvokeAsync(t.Context(), orders, function.Invocation{}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if n := len(r.times()); n != 100 {
			t.Errorf("%d of 150 run at once, want 100", n)
		}
		time.Sleep(20 * time.Minute)
		if n := len(r.times()); n != 150 {
			t.Errorf("%d of 150 ran", n)
		}
	})
}

func TestStopWaitsForRunningEvents(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, q *fakeQueue) {
		var over atomic.Bool
		w.runner.does(func(context.Context, sandbox.Spec, sandbox.Request) (sandbox.Result, error) {
			time.Sleep(10 * time.Second)
			over.Store(true)
			return sandbox.Result{}, nil
		})
		if err := w.InvokeAsync(t.Context(), orders, function.Invocation{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := w.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !over.Load() || q.len() != 0 {
			t.Errorf("over: %v, %d messages are left", over.Load(), q.len())
		}
	})
}

func TestAStopThatIsCutShortPutsEventsBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world, q *fakeQueue) {
		w.runner.does(func(ctx context.Context, _ sandbox.Spec, _ sandbox.Request) (sandbox.Result, error) {
			<-ctx.Done()
			return sandbox.Result{}, ctx.Err()
		})
		if err := w.InvokeAsync(t.Context(), orders, function.Invocation{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if got, _ := q.take(10); len(got) != 1 {
			t.Errorf("%d events can be received again", len(got))
		}
	})
}

func TestAsyncEventsContinueTheTraceTheyWereSentIn(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	telemetry.Install(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
	defer telemetry.Uninstall()
	bubble(t, func(t *testing.T, w *world, _ *fakeQueue) {
		ctx, sender := telemetry.Start(t.Context(), "test", "sender")
		sender.End()
		if err := w.InvokeAsync(ctx, orders, function.Invocation{RequestID: "id"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		all := recorder.Ended()
		if len(all) != 2 || all[1].Name() != "orders invoke" || all[1].SpanContext().TraceID() != sender.SpanContext().TraceID() {
			t.Fatalf("spans %v", all)
		}
		attributes := attribute.NewSet(all[1].Attributes()...)
		for key, want := range map[attribute.Key]string{"faas.name": "orders", "faas.invocation_id": "id", "cloud.resource_id": orders.ARN().String()} {
			if got, _ := attributes.Value(key); got.AsString() != want {
				t.Errorf("%s is %q, want %q", key, got.AsString(), want)
			}
		}
		if seen := w.runner.seen(); !strings.HasPrefix(seen[0].TraceHeader, "Root=1-") || !strings.HasSuffix(seen[0].TraceHeader, ";Sampled=1") {
			t.Errorf("the function's trace header is %q", seen[0].TraceHeader)
		}
	})
}

func TestInvokeAsyncRefuses(t *testing.T) {
	w := open(t, t.TempDir())
	if err := w.InvokeAsync(t.Context(), orders, function.Invocation{}); !errors.Is(err, fault.NotFound) {
		t.Errorf("no such function: got %v", err)
	}
	w.mustCreate(t, ordersFunction(), "#!one")
	if err := w.InvokeAsync(t.Context(), orders, function.Invocation{}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("no queue: got %v", err)
	}
}

// blocked runs events until they are cut off, and tells of each that began.
func (w *world) blocked() <-chan string {
	began := make(chan string, 1)
	w.runner.does(func(ctx context.Context, _ sandbox.Spec, r sandbox.Request) (sandbox.Result, error) {
		began <- r.ID
		<-ctx.Done()
		return sandbox.Result{}, ctx.Err()
	})
	return began
}

func TestRestartRunsWhatWasAccepted(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, withQueues)
	w.mustCreate(t, ordersFunction(), "#!one")
	began := w.blocked()
	if err := w.InvokeAsync(t.Context(), orders, function.Invocation{RequestID: "kept", Payload: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	<-began
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Stop(cut); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	w.down(t)

	again := make(chan string, 1)
	open(t, dir, withQueues, func(_ testing.TB, w *world) {
		w.runner.does(func(_ context.Context, _ sandbox.Spec, r sandbox.Request) (sandbox.Result, error) {
			again <- r.ID
			return sandbox.Result{}, nil
		})
	})
	if id := <-again; id != "kept" {
		t.Errorf("ran %q", id)
	}
}

// A deadQueue gives events, and then hears nothing of them: what a kill leaves
// undone.
type deadQueue struct{ function.Queue }

var errDead = errors.New("killed")

func (deadQueue) Delete(context.Context, ...string) []error                 { return []error{errDead} }
func (deadQueue) ChangeVisibility(context.Context, ...queue.Change) []error { return []error{errDead} }

func TestAKillLosesNoEvent(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, dir, withQueues, func(_ testing.TB, w *world) {
			alive := w.config.Events
			w.config.Events = func(ctx context.Context) (function.Queue, error) {
				q, err := alive(ctx)
				return deadQueue{q}, err
			}
		})
		w.mustCreate(t, ordersFunction(), "#!one")
		began := w.blocked()
		if err := w.InvokeAsync(t.Context(), orders, function.Invocation{RequestID: "kept", Payload: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		<-began
		cut, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.Stop(cut); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		w.down(t)

		w = open(t, dir, withQueues)
		defer w.down(t)
		r := recordRuns(w, func(int) (sandbox.Result, error) { return sandbox.Result{}, nil })
		time.Sleep(time.Minute)
		if n := r.of("kept"); n != 1 {
			t.Errorf("ran %d times", n)
		}
	})
}
