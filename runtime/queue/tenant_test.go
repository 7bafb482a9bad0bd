package queue

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// received runs one receive and returns whose messages it got, by the first letter
// of each body.
func (f *fixture) received(n int) (got string, refs []Receipt) {
	f.Helper()
	w := &Waiter{}
	f.do(func() { f.m.Receive(w, ReceiveRequest{Max: n}) })
	for _, d := range w.Deliveries {
		msg, _, err := d.Content.Unpack()
		if err != nil {
			f.Fatal(err)
		}
		got += msg.Body[:1]
		refs = append(refs, Receipt{d.Number, d.ReceiveCount})
	}
	return got, refs
}

func (f *fixture) sendAs(group string, n int) {
	f.do(func() {
		for i := range n {
			f.m.Send(draftOf(Message{Body: fmt.Sprint(group, i), GroupID: group}))
		}
	})
}

// A tenant with a thousand messages waiting, of which many are in flight, does
// not keep the others waiting: theirs are served first.
func TestNoisyTenantDoesNotStarveQuietOnes(t *testing.T) {
	f := fix(t, false, Config{Visibility: time.Hour})
	f.sendAs("noisy", 1000)
	f.received(noisyInFlight)
	f.sendAs("a", 2)
	f.sendAs("b", 1)
	f.do(func() { f.m.Send(draftOf(Message{Body: "plain"})) })
	if got, _ := f.received(10); got != "aabp"+strings.Repeat("n", 6) {
		t.Errorf("served %s, want the quiet tenants first", got)
	}
}

// Without noise the order is that of sending, whoever sent.
func TestQuietTenantsAreServedInOrder(t *testing.T) {
	f := fix(t, false, Config{Visibility: time.Hour})
	for _, group := range []string{"a", "b", "a", "c", "b"} {
		f.sendAs(group, 1)
	}
	if got, _ := f.received(10); got != "abacb" {
		t.Errorf("served %s, want abacb", got)
	}
}

// Of the noisy tenants the one with the fewest messages in flight is served.
func TestNoisyTenantWithFewestInFlightIsServed(t *testing.T) {
	f := fix(t, false, Config{Visibility: time.Hour})
	f.sendAs("x", 100)
	f.received(40)
	f.sendAs("y", 100)
	if got, _ := f.received(35); strings.Count(got, "y") != 35 {
		t.Errorf("served %s, want y while it is quiet", got)
	}
	if got, _ := f.received(1); got != "y" {
		t.Errorf("served %s, want y, which has fewer in flight", got)
	}
	f.received(10)
	if got, _ := f.received(1); got != "x" {
		t.Errorf("served %s, want x, which now has fewer in flight", got)
	}
}

// A tenant whose messages take most of the processing time is noisy too.
func TestSlowTenantIsNoisy(t *testing.T) {
	f := fix(t, false, Config{Visibility: time.Hour})
	f.sendAs("slow", 10)
	_, refs := f.received(5)
	f.now = f.now.Add(20 * time.Second)
	f.do(func() {
		for _, r := range refs {
			if err := f.m.Delete(r); err != nil {
				t.Fatal(err)
			}
		}
	})
	f.sendAs("quick", 1)
	if got, _ := f.received(2); got != "qs" {
		t.Errorf("served %s, want qs", got)
	}
}

// A noisy tenant is quiet again when no message of it waits, and when it has sent
// nothing for five minutes.
func TestNoisyTenantBecomesQuiet(t *testing.T) {
	// noise makes a tenant noisy whose messages are then dealt with at once.
	noise := func(waiting int) *fixture {
		f := fix(t, false, Config{})
		f.sendAs("noisy", noisyInFlight+waiting)
		_, refs := f.received(noisyInFlight)
		f.sendAs("quiet", 1)
		if got, _ := f.received(1); got != "q" {
			t.Fatalf("served %s: not noisy", got)
		}
		f.do(func() {
			for _, r := range refs {
				if err := f.m.Delete(r); err != nil {
					t.Fatal(err)
				}
			}
		})
		return f
	}
	serves := func(f *fixture, want string) {
		t.Helper()
		f.sendAs("quiet", 1)
		if got, _ := f.received(1); got != want {
			t.Errorf("served %s, want %s", got, want)
		}
	}
	f := noise(10)
	serves(f, "q")
	f.now = f.now.Add(quietAfter)
	serves(f, "n")

	f = noise(2)
	f.received(2) // nothing waits
	f.sendAs("noisy", 1)
	serves(f, "n")
}

// Groups that share slots have as many messages in flight each, and leave some free.
func TestGroupsShareSlots(t *testing.T) {
	f := fix(t, false, Config{Visibility: time.Hour, Slots: 16, SlotsPerGroup: 6})
	f.sendAs("a", 20)
	got, refs := f.received(10)
	if got != "aaaaaa" {
		t.Errorf("a alone got %s, want SlotsPerGroup", got)
	}
	f.sendAs("b", 20)
	if got, _ := f.received(10); got != "bbbbb" {
		t.Errorf("b got %s, want as many as it leaves free", got)
	}
	f.sendAs("c", 20)
	if got, _ := f.received(10); got != "ccc" {
		t.Errorf("c got %s, want as many as it leaves free", got)
	}
	f.sendAs("d", 1)
	if got, _ := f.received(10); got != "d" {
		t.Errorf("d got %q, though there is a slot", got)
	}
	f.sendAs("e", 1)
	f.sendAs("f", 2)
	if got, _ := f.received(10); got != "ef" {
		t.Errorf("e and f got %q, though each may have one", got)
	}
	// A slot that is given back goes to whoever waits for it: a has its share still.
	w := &Waiter{}
	f.do(func() { f.m.Receive(w, ReceiveRequest{Max: 10, Wait: Forever}) })
	if len(w.Deliveries) != 0 {
		t.Fatalf("got %d, want to wait", len(w.Deliveries))
	}
	f.do(func() {
		for _, r := range refs[:5] {
			if err := f.m.Delete(r); err != nil {
				t.Error(err)
			}
		}
	})
	if len(w.Deliveries) != 1 {
		t.Errorf("got %d of the slots that came free, want one", len(w.Deliveries))
	}
}

// Nothing is lost on the way when the shares change under way, and none is exceeded.
func TestSlotsAreKeptWhateverHappens(t *testing.T) {
	const slots, perGroup = 8, 3
	f := fix(t, false, Config{Visibility: time.Minute, Slots: slots, SlotsPerGroup: perGroup})
	sent, got := 0, 0
	var open []Receipt
	for i := range 400 {
		switch i % 4 {
		case 0:
			f.sendAs(fmt.Sprint("g", i%7), 1+i%3)
			sent += 1 + i%3
		case 3:
			n := min(len(open), i%5)
			f.do(func() {
				for _, r := range open[:n] {
					if err := f.m.Delete(r); err != nil {
						t.Error(err)
					}
				}
			})
			open, got = open[n:], got+n
		default:
			_, refs := f.received(1 + i%10)
			open = append(open, refs...)
		}
		if len(open) > slots+7 {
			t.Fatalf("step %d: %d in flight of 7 groups", i, len(open))
		}
		for _, tenant := range f.m.tenants {
			if tenant.inFlight > perGroup {
				t.Fatalf("step %d: %d of one group in flight", i, tenant.inFlight)
			}
		}
	}
	for len(open) > 0 || got < sent {
		f.do(func() {
			for _, r := range open {
				if err := f.m.Delete(r); err != nil {
					t.Error(err)
				}
			}
		})
		got += len(open)
		if _, open = f.received(10); len(open) == 0 && got < sent {
			t.Fatalf("%d of %d came, and no more", got, sent)
		}
	}
}
