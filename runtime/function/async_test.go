package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"millrace/runtime/delivery"
	"millrace/runtime/delivery/target"
	"millrace/runtime/fault"
	"millrace/runtime/function"
	"millrace/runtime/policy"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/sandbox"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
	"millrace/runtime/telemetry"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

// withOutbox delivers asynchronous invocations, by an outbox over real queues.
func withOutbox(t testing.TB, w *world) {
	t.Helper()
	w.queues = jetqueue.New(w.backbone, w.config.Records, jetqueue.Options{})
	if err := w.queues.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.parts.Push("queues", w.queues.Stop)
	w.outbox = delivery.New(delivery.Config{
		Queue:   func(ctx context.Context) (delivery.Queue, error) { return delivery.QueueIn(ctx, w.queues) },
		Resolve: w.resolvers.Resolve,
		Senders: map[string]delivery.Sender{function.Sender: function.AsyncSender},
		Log:     w.config.Log,
	})
	w.config.Outbox = w.outbox
}

// bubble runs f on a clock of its own, with orders deployed.
func bubble(t *testing.T, f func(*testing.T, *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, dir, withOutbox)
		defer w.down(t)
		w.mustCreate(t, ordersFunction(), "#!one")
		f(t, w)
	})
}

// received is a target that keeps what it gets.
type received struct {
	mu     sync.Mutex
	events []delivery.Event
}

// receives makes a target of a name.
func (w *world) receives(name string) *received {
	r := &received{}
	w.resolvers[strings.Split(name, ":")[2]] = func(string) (delivery.Target, error) {
		return target.Func(func(_ context.Context, e delivery.Event) (delivery.Reply, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
			return delivery.Reply{}, nil
		}), nil
	}
	return r
}

func (r *received) all() []delivery.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
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

func (w *world) mustInvokeAsync(t *testing.T, in function.Invocation) {
	t.Helper()
	if err := w.InvokeAsync(t.Context(), orders, in); err != nil {
		t.Fatal(err)
	}
}

func (w *world) mustUpdate(t *testing.T, change func(*function.Function)) {
	t.Helper()
	if _, err := w.Update(t.Context(), orders, func(f *function.Function) error { change(f); return nil }); err != nil {
		t.Fatal(err)
	}
}

var (
	fails     = sandbox.Result{FunctionError: "Unhandled", Payload: []byte(`{"errorType":"errorString","errorMessage":"no <stock>"}`)}
	throttled = fault.New(fault.Throttled, "no")
)

func TestAsyncRetries(t *testing.T) {
	retries, age := func(n int) function.Async { return function.Async{MaxRetries: &n} }, func(s int) function.Async { return function.Async{MaxAge: &s} }
	for _, c := range []struct {
		rule   string
		async  function.Async
		answer func(n int) (sandbox.Result, error)
		at     []time.Duration
	}{
		{"a success runs once", function.Async{}, func(int) (sandbox.Result, error) { return sandbox.Result{}, nil },
			[]time.Duration{0}},
		{"a function error runs again after 1 and 2 minutes", function.Async{}, func(int) (sandbox.Result, error) { return fails, nil },
			[]time.Duration{0, time.Minute, 3 * time.Minute}},
		{"MaximumRetryAttempts 1", retries(1), func(int) (sandbox.Result, error) { return fails, nil },
			[]time.Duration{0, time.Minute}},
		{"MaximumRetryAttempts 0", retries(0), func(int) (sandbox.Result, error) { return fails, nil },
			[]time.Duration{0}},
		{"MaximumEventAgeInSeconds 60 leaves room for a retry", age(60), func(int) (sandbox.Result, error) { return fails, nil },
			[]time.Duration{0, time.Minute}},
		{"a throttle backs off and counts as no run", function.Async{}, func(n int) (sandbox.Result, error) {
			switch n {
			case 1, 2, 3:
				return sandbox.Result{}, throttled
			}
			return fails, nil
		}, []time.Duration{0, 1e9, 3e9, 7e9, 67e9, 187e9}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.mustUpdate(t, func(f *function.Function) { f.Async = &c.async })
				r := recordRuns(w, c.answer)
				w.mustInvokeAsync(t, function.Invocation{RequestID: "same", Payload: []byte("{}")})
				time.Sleep(20 * time.Minute)
				if d := cmp.Diff(c.at, r.times()); d != "" {
					t.Errorf("-want +got runs:\n%s", d)
				}
				if r.of("same") != len(c.at) {
					t.Errorf("%d runs had the request id", r.of("same"))
				}
			})
		})
	}
}

// What an event waited in its queue, on the way to each of its runs, adds up.
func TestAsyncEventsGetSixHoursOld(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := recordRuns(w, func(int) (sandbox.Result, error) { return sandbox.Result{}, throttled })
		w.mustInvokeAsync(t, function.Invocation{})
		time.Sleep(7 * time.Hour)
		runs := r.times()
		if last := runs[len(runs)-1]; last > 6*time.Hour || last < 6*time.Hour-5*time.Minute {
			t.Errorf("it was tried last at the age of %v", last)
		}
	})
}

const (
	deadQueue = "arn:aws:sqs:us-east-1:000000000000:dead"
	onSuccess = "arn:aws:sns:us-east-1:000000000000:success"
	onFailure = "arn:aws:events:us-east-1:000000000000:event-bus/failure"
)

// Dead letters and records are what Lambda sends (reference: the developer guide's
// examples of both).
func TestWhatFollowsFromAnAsyncInvocation(t *testing.T) {
	for _, c := range []struct {
		rule    string
		closed  bool
		answer  func(n int) (sandbox.Result, error)
		dead    string // attributes
		success string // record, without its time
		failure string
	}{
		{
			"success", false, func(int) (sandbox.Result, error) { return sandbox.Result{Payload: []byte(`"<done>"`)}, nil }, "",
			`{"version":"1.0","requestContext":{"requestId":"id","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:orders:$LATEST","condition":"Success","approximateInvokeCount":1},` +
				`"requestPayload":{"a":"<b>"},"responseContext":{"statusCode":200,"executedVersion":"$LATEST"},"responsePayload":"<done>"}`, "",
		},
		{
			"failure", false, func(int) (sandbox.Result, error) { return fails, nil },
			"ErrorCode Number 200, ErrorMessage String no <stock>, RequestID String id", "",
			`{"version":"1.0","requestContext":{"requestId":"id","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:orders:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":3},` +
				`"requestPayload":{"a":"<b>"},"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":{"errorType":"errorString","errorMessage":"no <stock>"}}`,
		},
		{
			"too old", false, func(int) (sandbox.Result, error) { return sandbox.Result{}, throttled },
			"ErrorCode Number 429, ErrorMessage String Rate Exceeded., RequestID String id", "",
			`{"version":"1.0","requestContext":{"requestId":"id","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:orders:$LATEST","condition":"EventAgeExceeded","approximateInvokeCount":0},` +
				`"requestPayload":{"a":"<b>"}}`,
		},
		{
			"no concurrency at all: not tried again", true, func(int) (sandbox.Result, error) { return sandbox.Result{}, throttled },
			"ErrorCode Number 429, ErrorMessage String Rate Exceeded., RequestID String id", "",
			`{"version":"1.0","requestContext":{"requestId":"id","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:orders:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":0},` +
				`"requestPayload":{"a":"<b>"}}`,
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				dead, success, failure := w.receives(deadQueue), w.receives(onSuccess), w.receives(onFailure)
				w.mustUpdate(t, func(f *function.Function) {
					f.DeadLetter, f.Async = deadQueue, &function.Async{OnSuccess: onSuccess, OnFailure: onFailure}
					if c.closed {
						f.Reserved = new(0)
					}
				})
				recordRuns(w, c.answer)
				w.mustInvokeAsync(t, function.Invocation{RequestID: "id", Payload: []byte(`{"a":"<b>"}`), TraceHeader: "Root=1-2-3"})
				if c.closed {
					synctest.Wait()
				} else {
					time.Sleep(7 * time.Hour)
				}
				checkDeadLetter(t, dead.all(), c.dead)
				checkRecord(t, "success", success.all(), c.success)
				checkRecord(t, "failure", failure.all(), c.failure)
			})
		})
	}
}

func checkDeadLetter(t *testing.T, got []delivery.Event, want string) {
	t.Helper()
	if want == "" {
		if len(got) > 0 {
			t.Errorf("dead letters %v", got)
		}
		return
	}
	if len(got) != 1 {
		t.Fatalf("%d dead letters", len(got))
	}
	var attributes []string
	for _, a := range got[0].Attributes {
		attributes = append(attributes, fmt.Sprintf("%s %s %s", a.Name, a.DataType, a.Value))
	}
	if d := cmp.Diff(want, strings.Join(attributes, ", ")); d != "" {
		t.Errorf("attributes, -want +got:\n%s", d)
	}
	if string(got[0].Body) != `{"a":"<b>"}` || got[0].TraceHeader != "Root=1-2-3" {
		t.Errorf("dead letter %s, trace %s", got[0].Body, got[0].TraceHeader)
	}
	if p := got[0].Source.Principal; p.ARN != "arn:aws:sts::000000000000:assumed-role/r/orders" {
		t.Errorf("delivered by %v, want the function's role", p)
	}
}

func checkRecord(t *testing.T, kind string, got []delivery.Event, want string) {
	t.Helper()
	if want == "" {
		if len(got) > 0 {
			t.Errorf("%s: records %v", kind, got)
		}
		return
	}
	if len(got) != 1 {
		t.Fatalf("%s: %d records", kind, len(got))
	}
	var r struct{ Timestamp time.Time }
	if err := json.Unmarshal(got[0].Body, &r); err != nil {
		t.Fatal(err)
	}
	at := `"timestamp":"` + r.Timestamp.Format("2006-01-02T15:04:05.000Z") + `",`
	if d := cmp.Diff(want, strings.Replace(string(got[0].Body), at, "", 1)); d != "" {
		t.Errorf("%s: -want +got:\n%s", kind, d)
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
		{"a function error", fails, nil, `condition=RetriesExhausted attempts=3 deadLetter="" onFailure="" err="errorString: no <stock>"`},
		{"no function", sandbox.Result{}, fault.New(fault.NotFound, "no function"), `condition=Rejected attempts=0 deadLetter="" onFailure="" err="no function"`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var log bytes.Buffer
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				w := open(t, dir, func(_ testing.TB, w *world) { w.config.Log = slog.New(slog.NewTextHandler(&log, nil)) }, withOutbox)
				defer w.down(t)
				w.mustCreate(t, ordersFunction(), "#!one")
				recordRuns(w, func(int) (sandbox.Result, error) { return c.answer, c.err })
				w.mustInvokeAsync(t, function.Invocation{RequestID: "id"})
				time.Sleep(20 * time.Minute)
			})
			want := `msg="an event was not delivered" to=invocation:arn:aws:lambda:us-east-1:000000000000:function:orders event=id ` + c.want
			if strings.Count(log.String(), want) != 1 {
				t.Errorf("want one line with %s, got\n%s", want, log.String())
			}
		})
	}
}

func TestAsyncEventsContinueTheTraceTheyWereSentIn(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	telemetry.Install(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
	defer telemetry.Uninstall()
	bubble(t, func(t *testing.T, w *world) {
		dead := w.receives(deadQueue)
		w.mustUpdate(t, func(f *function.Function) { f.DeadLetter, f.Async = deadQueue, &function.Async{MaxRetries: new(0)} })
		recordRuns(w, func(int) (sandbox.Result, error) { return fails, nil })
		ctx, sender := telemetry.Start(t.Context(), "test", "sender")
		sender.End()
		if err := w.InvokeAsync(ctx, orders, function.Invocation{RequestID: "id"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		var names []string
		for _, s := range recorder.Ended() {
			if s.SpanContext().TraceID() != sender.SpanContext().TraceID() {
				t.Errorf("%s has another trace", s.Name())
			}
			names = append(names, s.Name())
			if s.Name() == "orders invoke" {
				attributes := attribute.NewSet(s.Attributes()...)
				for key, want := range map[attribute.Key]string{"faas.name": "orders", "faas.invocation_id": "id", "cloud.resource_id": orders.ARN().String()} {
					if got, _ := attributes.Value(key); got.AsString() != want {
						t.Errorf("%s is %q, want %q", key, got.AsString(), want)
					}
				}
			}
		}
		if d := cmp.Diff([]string{"sender", "orders invoke", "deliver", "deliver"}, names); d != "" {
			t.Errorf("spans, -want +got:\n%s", d)
		}
		if seen := w.runner.seen(); !strings.HasPrefix(seen[0].TraceHeader, "Root=1-") || !strings.HasSuffix(seen[0].TraceHeader, ";Sampled=1") {
			t.Errorf("the function's trace header is %q", seen[0].TraceHeader)
		}
		if all := dead.all(); len(all) != 1 || !strings.Contains(all[0].TraceParent, sender.SpanContext().TraceID().String()) {
			t.Errorf("dead letters %v", all)
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
		t.Errorf("no outbox: got %v", err)
	}
}

// A function is a target that has an event once it waits to be run.
func TestAFunctionIsADurableTarget(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := recordRuns(w, func(int) (sandbox.Result, error) { return sandbox.Result{}, nil })
		e := delivery.Event{ID: "id", Body: []byte("{}"), Source: delivery.Source{Principal: policy.Principal{Account: orders.Account}}}
		if err := w.outbox.Put(t.Context(), orders.ARN().String()+":$LATEST", e, delivery.Policy{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if seen := w.runner.seen(); r.of("id") != 1 || seen[0].InvokedARN != orders.ARN().String()+":$LATEST" {
			t.Errorf("ran %v", seen)
		}
	})
}

// Services need a permission, with its conditions; the function's account does not.
func TestFunctionPermissionsAreAsked(t *testing.T) {
	const topic = "arn:aws:sns:us-east-1:000000000000:topic"
	sns := policy.Principal{Service: "sns.amazonaws.com"}
	var access function.Access
	for _, c := range []struct {
		rule   string
		have   []function.Permission
		source delivery.Source
		denied bool
	}{
		{"its own account", nil, delivery.Source{Principal: policy.Principal{Account: orders.Account}}, false},
		{"another account", nil, delivery.Source{Principal: policy.Principal{Account: "111111111111"}}, true},
		{"another account with a permission", []function.Permission{{ID: "1", Action: "lambda:InvokeFunction", Principal: "111111111111"}},
			delivery.Source{Principal: policy.Principal{Account: "111111111111", ARN: "arn:aws:iam::111111111111:root"}}, false},
		{"a service", nil, delivery.Source{Principal: sns, ARN: topic}, true},
		{"a service with a permission", []function.Permission{{ID: "1", Action: "lambda:InvokeFunction", Principal: "sns.amazonaws.com"}},
			delivery.Source{Principal: sns, ARN: topic}, false},
		{"another action", []function.Permission{{ID: "1", Action: "lambda:GetFunction", Principal: "sns.amazonaws.com"}},
			delivery.Source{Principal: sns, ARN: topic}, true},
		{"of that source", []function.Permission{{ID: "1", Action: "lambda:InvokeFunction", Principal: "sns.amazonaws.com", SourceARN: topic}},
			delivery.Source{Principal: sns, ARN: topic}, false},
		{"of another source", []function.Permission{{ID: "1", Action: "lambda:InvokeFunction", Principal: "sns.amazonaws.com", SourceARN: topic + "2"}},
			delivery.Source{Principal: sns, ARN: topic}, true},
		{"of another source account", []function.Permission{{ID: "1", Action: "lambda:*", Principal: "sns.amazonaws.com", SourceAccount: "111111111111"}},
			delivery.Source{Principal: sns, ARN: topic, Account: "000000000000"}, true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			f := ordersFunction()
			f.Permissions, f.PolicyID = c.have, c.rule
			err := access.Authorize(f.ID(), f, c.source.Principal, "lambda:InvokeFunction", c.source.Context)
			if errors.Is(err, fault.Denied) != c.denied || !c.denied && err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Invocations that a version before the outbox has accepted are in its queue.
func TestEarlierInvocationsAreRun(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := recordRuns(w, func(int) (sandbox.Result, error) { return fails, nil })
		q, err := delivery.QueueIn(t.Context(), w.queues)
		if err != nil {
			t.Fatal(err)
		}
		was := `{"Function":{"Account":"000000000000","Region":"us-east-1","Name":"orders"},"Qualifier":"$LATEST","RequestID":"kept","Age":1000000000,"Runs":1,"Refusals":0}`
		if _, err := q.Send(t.Context(), queue.Message{Body: `{"a":1}`, Attributes: []queue.Attribute{{Name: "event", DataType: "String", Value: []byte(was)}}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if seen := w.runner.seen(); r.of("kept") != 2 || string(seen[0].Payload) != `{"a":1}` || seen[0].InvokedARN != orders.ARN().String()+":$LATEST" {
			t.Errorf("ran %v", seen)
		}
	})
}

// The environments that asynchronous events start grow in number as long as some wait,
// up to a target's share of the outbox.
func TestSlowEventsRunSideBySide(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := recordRuns(w, func(int) (sandbox.Result, error) {
			time.Sleep(10 * time.Minute)
			return sandbox.Result{}, nil
		})
		for range 150 {
			w.mustInvokeAsync(t, function.Invocation{})
		}
		synctest.Wait()
		if n := len(r.times()); n != max(2, runtime.GOMAXPROCS(0)) {
			t.Errorf("%d of 150 began at once, want as many as there are processors", n)
		}
		time.Sleep(2 * time.Second)
		if n := len(r.times()); n != 100 {
			t.Errorf("%d of 150 run after two seconds, want 100", n)
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

// Events that are soon over wait for each other rather than for environments.
func TestQuickEventsStartFewEnvironments(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var running, most atomic.Int32
		w.runner.does(func(context.Context, sandbox.Spec, sandbox.Request) (sandbox.Result, error) {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Millisecond)
			running.Add(-1)
			return sandbox.Result{}, nil
		})
		for range 1000 {
			w.mustInvokeAsync(t, function.Invocation{})
		}
		time.Sleep(time.Second)
		if n := len(w.runner.seen()); n != 1000 || int(most.Load()) > 5+max(2, runtime.GOMAXPROCS(0)) {
			t.Errorf("%d of 1000 ran, %d at once", n, most.Load())
		}
	})
}

// A reserved concurrency is not exceeded, so nothing is throttled by it.
func TestEventsWaitForReservedConcurrency(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.mustUpdate(t, func(f *function.Function) { f.Reserved = new(2) })
		r := recordRuns(w, func(int) (sandbox.Result, error) {
			time.Sleep(time.Second)
			return sandbox.Result{}, nil
		})
		for range 6 {
			w.mustInvokeAsync(t, function.Invocation{})
		}
		time.Sleep(10 * time.Second)
		if d := cmp.Diff([]time.Duration{0, 0, 1e9, 1e9, 2e9, 2e9}, r.times()); d != "" {
			t.Errorf("-want +got runs:\n%s", d)
		}
	})
}

// A cut-off wait for a place gives nothing away.
func TestAPlaceThatIsNotTakenIsPassedOn(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.mustUpdate(t, func(f *function.Function) { f.Reserved = new(1) })
		began := w.blocked()
		w.mustInvokeAsync(t, function.Invocation{RequestID: "a"})
		<-began
		w.mustInvokeAsync(t, function.Invocation{RequestID: "b"})
		synctest.Wait()
		now, cut := context.WithCancel(t.Context())
		cut()
		if err := w.outbox.Stop(now); !errors.Is(err, fault.Timeout) {
			t.Errorf("got %v", err)
		}
		r := recordRuns(w, func(int) (sandbox.Result, error) { return sandbox.Result{}, nil })
		if err := w.outbox.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if len(r.times()) != 2 {
			t.Errorf("%d of 2 ran", len(r.times()))
		}
	})
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

// A function that another runtime has just created is found: its events do not end
// because this one has not heard of it yet.
func TestFunctionsOfAnotherRuntimeAreTargetsAtOnce(t *testing.T) {
	w := open(t, t.TempDir())
	defer w.down(t)
	records := record.New(w.backbone.JetStream(), nil)
	if err := records.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer records.Stop(context.Background())
	c := w.config
	c.Records, c.Dir = records, t.TempDir()
	other, err := function.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		f := ordersFunction()
		f.Name = fmt.Sprint("f", i)
		f = w.mustCreate(t, f, "#!one")
		for kind, name := range map[string]string{"lambda": f.ARN(), "invocation": "invocation:" + f.ARN()} {
			if _, err := other.Resolvers()[kind](name); err != nil {
				t.Fatalf("function %d, %s: %v", i, kind, err)
			}
		}
	}
	if _, err := other.Resolvers()["lambda"](ordersFunction().ARN() + "x"); !errors.Is(err, fault.NotFound) {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestARoleOfAnotherAccountGivesNoRightsThere(t *testing.T) {
	f := ordersFunction()
	if p := f.Principal(); p.ARN != "arn:aws:sts::000000000000:assumed-role/r/orders" || p.Account != orders.Account {
		t.Errorf("with a role of its account it is %+v", p)
	}
	f.Role = "arn:aws:iam::111111111111:role/r"
	if p := f.Principal(); p != (policy.Principal{Account: orders.Account}) {
		t.Errorf("with one of another account it is %+v", p)
	}
}
