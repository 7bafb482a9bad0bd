package function

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var accepted = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestFunctionErrorsAreTriedThreeTimesInAll(t *testing.T) {
	e := event{Accepted: accepted}
	if wait, ok := e.failed(accepted); !ok || wait != time.Minute {
		t.Errorf("after the first: %v, %v", wait, ok)
	}
	if wait, ok := e.failed(accepted); !ok || wait != 2*time.Minute {
		t.Errorf("after the second: %v, %v", wait, ok)
	}
	if _, ok := e.failed(accepted); ok {
		t.Error("a fourth run")
	}
}

func TestRefusalsBackOffUntilTheEventIsTooOld(t *testing.T) {
	e := event{Accepted: accepted}
	now := accepted
	var waits []time.Duration
	for {
		wait, ok := e.refused(now)
		if !ok {
			break
		}
		if len(waits) < 11 {
			waits = append(waits, wait/time.Second)
		}
		now = now.Add(wait)
	}
	if d := cmp.Diff([]time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}, waits); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if age := now.Sub(accepted); age > maxAge || age < maxAge-lastBackOff {
		t.Errorf("given up at the age of %v", age)
	}
	if e.Runs != 0 {
		t.Errorf("refusals counted as %d runs", e.Runs)
	}
}

func TestARunThatFailsStartsTheBackOffAnew(t *testing.T) {
	e := event{Accepted: accepted}
	e.refused(accepted)
	e.refused(accepted)
	e.failed(accepted)
	if wait, _ := e.refused(accepted); wait != time.Second {
		t.Errorf("waits %v", wait)
	}
}

func TestEventsTravelInMessages(t *testing.T) {
	e := event{Function: ID{"000000000000", "us-east-1", "orders"}, Qualifier: Latest, RequestID: "id", Accepted: accepted, Runs: 2, Refusals: 1}
	m, err := e.message(`{"a":1}`, "Root=1", "00-1", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if m.Body != `{"a":1}` || m.TraceHeader != "Root=1" || m.TraceParent != "00-1" || *m.Delay != time.Minute {
		t.Errorf("got %+v", m)
	}
	back, err := readEvent(m)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(e, back); d != "" {
		t.Errorf("-sent +read:\n%s", d)
	}
	m.Attributes = nil
	if _, err := readEvent(m); err == nil {
		t.Error("read an event from a message that holds none")
	}
}
