package function

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFunctionErrorsAreTriedThreeTimesInAll(t *testing.T) {
	e := event{}
	if wait, ok := e.failed(0); !ok || wait != time.Minute {
		t.Errorf("after the first: %v, %v", wait, ok)
	}
	if wait, ok := e.failed(0); !ok || wait != 2*time.Minute {
		t.Errorf("after the second: %v, %v", wait, ok)
	}
	if _, ok := e.failed(0); ok {
		t.Error("a fourth run")
	}
}

func TestRefusalsBackOffUntilTheEventIsTooOld(t *testing.T) {
	e := event{}
	age := time.Duration(0)
	var waits []time.Duration
	for {
		wait, ok := e.refused(age)
		if !ok {
			break
		}
		if len(waits) < 11 {
			waits = append(waits, wait/time.Second)
		}
		age += wait
	}
	if d := cmp.Diff([]time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}, waits); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if age > maxAge || age < maxAge-lastBackOff {
		t.Errorf("given up at the age of %v", age)
	}
	if e.Runs != 0 {
		t.Errorf("refusals counted as %d runs", e.Runs)
	}
}

func TestARunThatFailsStartsTheBackOffAnew(t *testing.T) {
	e := event{}
	e.refused(0)
	e.refused(0)
	e.failed(0)
	if wait, _ := e.refused(0); wait != time.Second {
		t.Errorf("waits %v", wait)
	}
}

func TestEventsTravelInMessages(t *testing.T) {
	e := event{Function: ID{"000000000000", "us-east-1", "orders"}, Qualifier: Latest, RequestID: "id", Age: time.Hour, Runs: 2, Refusals: 1}
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
