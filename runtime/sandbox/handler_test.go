package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"millrace/runtime/fault"
	"millrace/runtime/sandbox"
)

// withHandler runs f in a bubble, with a pool in which h is the function.
func withHandler(t *testing.T, c sandbox.Config, h any, f func(*testing.T, *sandbox.Pool, sandbox.Spec)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, c)
		s := sandbox.Spec{
			Key: "mill:1", ARN: "arn:aws:lambda:eu-west-1:" + account + ":function:mill", Name: "mill", Version: "$LATEST",
			Account: account, Region: "eu-west-1", Runtime: "provided.al2023", Timeout: 3 * time.Second, MemoryMB: 128,
		}
		p.Handle(s.ARN, lambda.NewHandler(h))
		f(t, p, s)
	})
}

type refusal struct{ reason string }

func (r *refusal) Error() string { return r.reason }

func TestHandlerAnswers(t *testing.T) {
	type grain struct{ Kind string }
	withHandler(t, sandbox.Config{}, func(g grain) (grain, error) {
		time.Sleep(1500 * time.Millisecond)
		return grain{g.Kind + " flour"}, nil
	}, func(t *testing.T, p *sandbox.Pool, s sandbox.Spec) {
		r, err := p.Invoke(t.Context(), s, sandbox.Request{ID: "1", Payload: []byte(`{"Kind":"rye"}`)})
		if err != nil || string(r.Payload) != `{"Kind":"rye flour"}` || r.FunctionError != "" || !r.Cold {
			t.Errorf("got %s, %+v, %v", r.Payload, r, err)
		}
		if want := "START RequestId: 1 Version: $LATEST\nEND RequestId: 1\n" +
			"REPORT RequestId: 1\tDuration: 1500.00 ms\tBilled Duration: 1500 ms\tMemory Size: 128 MB\tMax Memory Used: 0 MB\t\n"; string(r.Log) != want {
			t.Errorf("log is\n%s\nwant\n%s", r.Log, want)
		}
	})
}

// A handler's failure has the form that aws-lambda-go gives it.
func TestHandlerFails(t *testing.T) {
	for _, c := range []struct {
		rule string
		h    func(context.Context) error
		want string
		ends string // of the log
	}{
		{"an error", func(context.Context) error { return &refusal{"no grain"} },
			`{"errorMessage":"no grain","errorType":"refusal"}`, "\t\n"},
		{"an error that names its type", func(context.Context) error { return messages.InvokeResponse_Error{Type: "Dry", Message: "no water"} },
			`{"errorMessage":"no water","errorType":"Dry"}`, "\t\n"},
		{"a panic", func(context.Context) error { panic(&refusal{"broken"}) },
			`"errorType":"refusal","stackTrace":[{"path":"`, "Status: error\tError Type: Runtime.ExitError\t\n"},
		{"an exit", func(context.Context) error { runtime.Goexit(); return nil },
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: Runtime exited without providing a reason"}`,
			"Status: error\tError Type: Runtime.ExitError\t\n"},
		{"a time-out", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}`, "Status: timeout\t\n"},
		{"a time-out of one that does not listen", func(context.Context) error { time.Sleep(time.Hour); return nil },
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}`, "Status: timeout\t\n"},
		{"an answer in the moment of the time-out", func(context.Context) error { time.Sleep(3 * time.Second); return nil },
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}`, "Status: timeout\t\n"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			withHandler(t, sandbox.Config{}, c.h, func(t *testing.T, p *sandbox.Pool, s sandbox.Spec) {
				began := time.Now()
				r, err := p.Invoke(t.Context(), s, sandbox.Request{ID: "1"})
				if err != nil || r.FunctionError != "Unhandled" || !strings.Contains(string(r.Payload), c.want) {
					t.Errorf("got %s, %v\nwant %s", r.Payload, err, c.want)
				}
				if !strings.HasSuffix(string(r.Log), c.ends) {
					t.Errorf("log is\n%s", r.Log)
				}
				if strings.Contains(c.rule, "time-out") && time.Since(began) != s.Timeout {
					t.Errorf("took %v", time.Since(began))
				}
			})
		})
	}
}

func TestHandlerStackNamesTheHandler(t *testing.T) {
	withHandler(t, sandbox.Config{}, func() error { panic("broken") }, func(t *testing.T, p *sandbox.Pool, s sandbox.Spec) {
		r, _ := p.Invoke(t.Context(), s, sandbox.Request{ID: "1"})
		var got messages.InvokeResponse_Error
		if err := json.Unmarshal(r.Payload, &got); err != nil {
			t.Fatal(err)
		}
		for _, f := range got.StackTrace {
			if strings.Contains(f.Path, "runtime/sandbox_test/handler_test.go") && strings.Contains(f.Label, "TestHandlerStackNamesTheHandler") {
				return
			}
		}
		t.Errorf("stack is %s", r.Payload)
	})
}

func TestHandlerKnowsItsEvent(t *testing.T) {
	withHandler(t, sandbox.Config{}, func(ctx context.Context) error {
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		if lc.AwsRequestID != "1" || lc.InvokedFunctionArn != "arn:x" || lc.ClientContext.Custom["k"] != "v" {
			t.Errorf("context is %+v", lc)
		}
		if time.Until(deadline) != 3*time.Second || ctx.Value("x-amzn-trace-id") != "Root=1" {
			t.Errorf("deadline in %v, trace %v", time.Until(deadline), ctx.Value("x-amzn-trace-id"))
		}
		return nil
	}, func(t *testing.T, p *sandbox.Pool, s sandbox.Spec) {
		r, err := p.Invoke(t.Context(), s, sandbox.Request{ID: "1", InvokedARN: "arn:x", ClientContext: `{"custom":{"k":"v"}}`, TraceHeader: "Root=1"})
		if err != nil || r.FunctionError != "" {
			t.Errorf("got %s, %v", r.Payload, err)
		}
	})
}

func TestHandlerIsReplaced(t *testing.T) {
	withHandler(t, sandbox.Config{}, func() (int, error) { return 1, nil }, func(t *testing.T, p *sandbox.Pool, s sandbox.Spec) {
		for want := range 3 {
			p.Handle(s.ARN, lambda.NewHandler(func() (int, error) { return want, nil }))
			if r, _ := p.Invoke(t.Context(), s, sandbox.Request{ID: "1"}); string(r.Payload) != string('0'+rune(want)) {
				t.Errorf("got %s, want %d", r.Payload, want)
			}
		}
	})
}

func TestConcurrencyIsBounded(t *testing.T) {
	for rule, limit := range map[string]func(*sandbox.Config, *sandbox.Spec){
		"of the function": func(_ *sandbox.Config, s *sandbox.Spec) { s.MaxEnvironments = 2 },
		"of the pool":     func(c *sandbox.Config, _ *sandbox.Spec) { c.Max = 2 },
	} {
		t.Run(rule, func(t *testing.T) {
			var c sandbox.Config
			var limited sandbox.Spec
			limit(&c, &limited)
			withHandler(t, c, func() { time.Sleep(time.Second) }, func(t *testing.T, p *sandbox.Pool, s sandbox.Spec) {
				s.MaxEnvironments = limited.MaxEnvironments
				var wg sync.WaitGroup
				for range 2 {
					wg.Go(func() {
						if _, err := p.Invoke(t.Context(), s, sandbox.Request{ID: "1"}); err != nil {
							t.Error(err)
						}
					})
				}
				synctest.Wait()
				if _, err := p.Invoke(t.Context(), s, sandbox.Request{ID: "3"}); !errors.Is(err, fault.Throttled) {
					t.Errorf("a third event: %v", err)
				}
				wg.Wait()
				if r, err := p.Invoke(t.Context(), s, sandbox.Request{ID: "4"}); err != nil || r.Cold {
					t.Errorf("a later event: %v, cold %v", err, r.Cold)
				}
			})
		})
	}
}

func TestIdleEnvironmentEnds(t *testing.T) {
	withHandler(t, sandbox.Config{IdleAfter: time.Minute}, func() {}, func(t *testing.T, p *sandbox.Pool, s sandbox.Spec) {
		for _, c := range []struct {
			rest time.Duration
			cold bool
		}{{0, true}, {time.Minute - 1, false}, {time.Minute - 1, false}, {time.Minute, true}} {
			time.Sleep(c.rest)
			synctest.Wait()
			if r, err := p.Invoke(t.Context(), s, sandbox.Request{ID: "1"}); err != nil || r.Cold != c.cold {
				t.Errorf("after %v: cold %v, %v", c.rest, r.Cold, err)
			}
		}
	})
}

func TestMostRecentlyUsedEnvironmentIsUsedFirst(t *testing.T) {
	withHandler(t, sandbox.Config{IdleAfter: time.Minute}, func(wait int) { time.Sleep(time.Duration(wait)) }, func(t *testing.T, p *sandbox.Pool, s sandbox.Spec) {
		invoke := func() (r sandbox.Result) {
			r, err := p.Invoke(t.Context(), s, sandbox.Request{ID: "1", Payload: []byte("1000")})
			if err != nil {
				t.Error(err)
			}
			return r
		}
		both := func() (cold int) {
			var wg sync.WaitGroup
			results := make(chan sandbox.Result, 2)
			for range 2 {
				wg.Go(func() { results <- invoke() })
			}
			wg.Wait()
			for range 2 {
				if (<-results).Cold {
					cold++
				}
			}
			return cold
		}
		both()
		for range 3 { // one event at a time keeps one of the two warm
			time.Sleep(30 * time.Second)
			invoke()
		}
		if cold := both(); cold != 1 {
			t.Errorf("%d of two environments are new, want 1", cold)
		}
	})
}

func TestCallerLeavesAndTheEventRunsOn(t *testing.T) {
	done := false
	withHandler(t, sandbox.Config{}, func() { time.Sleep(2 * time.Second); done = true }, func(t *testing.T, p *sandbox.Pool, s sandbox.Spec) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Invoke(ctx, s, sandbox.Request{ID: "1"}); !errors.Is(err, fault.Timeout) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if !done {
			t.Error("the event did not run to its end")
		}
	})
}

func TestRetiredWhileBusy(t *testing.T) {
	withHandler(t, sandbox.Config{}, func() { time.Sleep(time.Second) }, func(t *testing.T, p *sandbox.Pool, s sandbox.Spec) {
		var wg sync.WaitGroup
		wg.Go(func() {
			if r, err := p.Invoke(t.Context(), s, sandbox.Request{ID: "1"}); err != nil || r.FunctionError != "" {
				t.Errorf("the event was disturbed: %s, %v", r.Payload, err)
			}
		})
		synctest.Wait()
		p.Retire(s.Key)
		wg.Wait()
		if r, _ := p.Invoke(t.Context(), s, sandbox.Request{ID: "2"}); !r.Cold {
			t.Error("a retired environment was used again")
		}
	})
}

func TestStopWaitsForEvents(t *testing.T) {
	withHandler(t, sandbox.Config{}, func() { time.Sleep(time.Second) }, func(t *testing.T, p *sandbox.Pool, s sandbox.Spec) {
		var wg sync.WaitGroup
		wg.Go(func() {
			if r, err := p.Invoke(t.Context(), s, sandbox.Request{ID: "1"}); err != nil || r.FunctionError != "" {
				t.Errorf("the event was disturbed: %s, %v", r.Payload, err)
			}
		})
		synctest.Wait()
		began := time.Now()
		if err := p.Stop(t.Context()); err != nil || time.Since(began) != time.Second {
			t.Errorf("Stop: %v after %v", err, time.Since(began))
		}
		wg.Wait()
	})
}
