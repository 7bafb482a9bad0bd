package sandbox

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A script is a runtimeProcess that sends its signals at given times.
type script struct {
	start []signal // said at once
	event []signal // said once there is an event
	news  chan signal
	ended bool
}

func (s *script) begin() *script {
	s.news = make(chan signal, 4)
	s.say(s.start)
	return s
}

func (s *script) say(list []signal) {
	for _, one := range list {
		s.news <- one
	}
}

func (s *script) signals() <-chan signal { return s.news }
func (s *script) deliver(event)          { s.say(s.event) }
func (s *script) flushOutput()           {}
func (s *script) kill()                  { s.ended = true }

// The init phase has ten seconds of its own. When it fails, the event's run
// starts the function once more, in the event's time.
func TestInitPhase(t *testing.T) {
	isUp := []signal{{kind: isReady}}
	works := []signal{{kind: isAnswer, payload: []byte("1")}, {kind: isReady}}
	crash := []signal{{kind: isExit, failure: failExit("exit status 3")}}
	unable := []signal{{kind: isInitError, payload: []byte(`{"errorType":"Unable"}`)}}
	for _, c := range []struct {
		rule    string
		starts  []*script
		takes   time.Duration
		payload string
		log     string // INIT_REPORT without the duration
		spent   bool
	}{
		{"is well", []*script{{start: isUp, event: works}}, 0, "1", "", false},
		{"hangs once", []*script{{}, {start: isUp, event: works}}, 10 * time.Second,
			"1", "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout", false},
		{"hangs always", []*script{{}, {}}, 13 * time.Second,
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}`,
			"INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout", false},
		{"exits once", []*script{{start: crash}, {start: isUp, event: works}}, 0,
			"1", "INIT_REPORT Init Duration: 0.00 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError", false},
		{"exits always", []*script{{start: crash}, {start: crash}}, 0,
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: Runtime exited with error: exit status 3"}`,
			"INIT_REPORT Init Duration: 0.00 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError", true},
		{"says that it is unable", []*script{{start: unable}, {start: unable}}, 0,
			`{"errorType":"Unable"}`, "INIT_REPORT Init Duration: 0.00 ms\tPhase: init\tStatus: error\tError Type: Runtime.Unknown", true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log []string
				begun := 0
				e := &environment{
					spec: Spec{Timeout: 3 * time.Second, MemoryMB: 128, Version: "$LATEST"}, needsInit: true,
					journal: &journal{emit: func(l Line) { log = append(log, string(l.Text)) }},
					start: func(*environment) (runtimeProcess, *failure, error) {
						begun++
						return c.starts[begun-1].begin(), nil, nil
					},
				}
				began := time.Now()
				r, err := e.run(Request{ID: "1"})
				if err != nil || string(r.Payload) != c.payload || time.Since(began) != c.takes {
					t.Errorf("got %s, %v after %v\nwant %s after %v", r.Payload, err, time.Since(began), c.payload, c.takes)
				}
				if got := strings.Join(log, "\n"); c.log != "" && !strings.Contains(got, c.log+"\nSTART") {
					t.Errorf("log is\n%s\nwant\n%s", got, c.log)
				}
				if e.unusable != c.spent || begun != len(c.starts) {
					t.Errorf("spent %v after %d starts, want %v after %d", e.unusable, begun, c.spent, len(c.starts))
				}
				for i, s := range c.starts {
					if last := i == len(c.starts)-1; s.ended != (!last || e.process == nil) {
						t.Errorf("process %d killed: %v", i+1, s.ended)
					}
				}
			})
		})
	}
}

// An answer stands, whatever the function does after it.
func TestAnswerThenTrouble(t *testing.T) {
	answer := signal{kind: isAnswer, payload: []byte("1")}
	for rule, c := range map[string]struct {
		event []signal
		log   string
	}{
		"exit":     {[]signal{answer, {kind: isExit, failure: failExit("")}}, "Status: error\tError Type: Runtime.ExitError\t"},
		"time-out": {[]signal{answer}, "Status: timeout\t"},
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &environment{
					spec: Spec{Timeout: 3 * time.Second, MemoryMB: 128}, journal: &journal{},
					start: func(*environment) (runtimeProcess, *failure, error) {
						return (&script{start: []signal{{kind: isReady}}, event: c.event}).begin(), nil, nil
					},
				}
				r, err := e.run(Request{ID: "1"})
				if err != nil || string(r.Payload) != "1" || r.FunctionError != "" || !strings.Contains(string(r.Log), c.log) {
					t.Errorf("got %s (%s), %v, log\n%s", r.Payload, r.FunctionError, err, r.Log)
				}
			})
		})
	}
}

// A function that dies between two events takes neither with it.
func TestGuestThatDiesIdleIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var processes []*script
		var log []string
		e := &environment{
			spec: Spec{Timeout: 3 * time.Second, MemoryMB: 128}, journal: &journal{emit: func(l Line) { log = append(log, l.RequestID+": "+string(l.Text)) }},
			start: func(*environment) (runtimeProcess, *failure, error) {
				s := &script{start: []signal{{kind: isReady}}, event: []signal{{kind: isAnswer, payload: []byte("1")}, {kind: isReady}}}
				processes = append(processes, s.begin())
				return s, nil, nil
			},
		}
		for _, id := range []string{"first", "second"} {
			if r, err := e.run(Request{ID: id}); err != nil || string(r.Payload) != "1" || r.FunctionError != "" {
				t.Fatalf("the %s event got %s (%s), %v", id, r.Payload, r.FunctionError, err)
			}
			processes[len(processes)-1].say([]signal{{kind: isExit, failure: failExit("signal: killed")}})
		}
		if len(processes) != 2 || !processes[0].ended {
			t.Errorf("%d processes, the first killed %v; want 2, true", len(processes), processes[0].ended)
		}
		if want := ": Runtime exited with error: signal: killed"; !slices.Contains(log, want) {
			t.Errorf("log is\n%s\nwant %q between the events", strings.Join(log, "\n"), want)
		}
	})
}
