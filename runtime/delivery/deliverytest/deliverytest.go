// Package deliverytest proves that a target does what package delivery rests on.
package deliverytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// A Kit is a target with a way to see and to change what it delivers to. What a
// target has no case of is nil.
type Kit struct {
	Resolve delivery.Resolver
	Name    string           // of the target
	Allowed delivery.Source  // may deliver to it
	Denied  *delivery.Source // may not
	Wrong   []string         // names that Resolve refuses

	Arrived    func() []delivery.Event // that were delivered, as far as the target keeps them
	Attributes bool                    // it keeps message attributes
	Numbers    bool                    // it drops what it has had by Event.SeqSource and Event.Seq

	Gone   func() // takes away what it delivers to
	Refuse func() // has it refuse for now, or be out of reach
	Heal   func() // ends that
	Hang   func() // has it never answer
}

// patience is how long what has to happen soon may take on a busy machine.
const patience = 30 * time.Second

// Exercise tries targets, each opened anew.
func Exercise(t *testing.T, open func(*testing.T) Kit) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, Kit)
	}{
		{"delivers events as they are", delivers},
		{"takes many at once", manyAtOnce},
		{"takes a numbered event once", numbered},
		{"asks its policy", allows},
		{"says that it is gone for good", gone},
		{"says that it may be tried again", refuses},
		{"ends when its context does", hangs},
		{"refuses names that are none", names},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func (k Kit) target(t *testing.T) delivery.Target {
	t.Helper()
	target, err := k.Resolve(k.Name)
	if err != nil {
		t.Fatalf("resolving %s: %v", k.Name, err)
	}
	return target
}

func (k Kit) deliver(t *testing.T, e delivery.Event) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	e.Source = k.Allowed
	reply, err := k.target(t).Deliver(ctx, e)
	if err == nil && reply.Failure != "" {
		t.Errorf("it was delivered and failed: %s", reply.Failure)
	}
	return err
}

// bodies are what events hold: texts, JSON as a rule.
var bodies = []string{`{}`, `""`, `{"a":"<b>&\u0000"}`, "[1,\n 2]", `"` + strings.Repeat("ü€😀", 20_000) + `"`}

func delivers(t *testing.T, k Kit) {
	attributes := []queue.Attribute{
		{Name: "A.b-c_1", DataType: "Number.x", Value: []byte("12")},
		{Name: "Z", DataType: "Binary", Value: []byte{0, 255}},
		{Name: "a", DataType: "String", Value: []byte("ü")},
	}
	for i, body := range bodies {
		e := delivery.Event{ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Body: []byte(body), TraceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793"}
		if k.Attributes {
			e.Attributes = slices.Clone(attributes)
		}
		if err := k.deliver(t, e); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		clear(e.Body) // what Deliver has returned from, it has no more use for
		got := k.await(t, i+1)[i]
		if string(got.Body) != body {
			t.Errorf("event %d arrived as %.100q", i, got.Body)
		}
		if k.Attributes && !slices.EqualFunc(got.Attributes, attributes, equal) {
			t.Errorf("event %d arrived with %v", i, got.Attributes)
		}
	}
}

func equal(a, b queue.Attribute) bool {
	return a.Name == b.Name && a.DataType == b.DataType && bytes.Equal(a.Value, b.Value)
}

// await returns what has arrived, once there are n events.
func (k Kit) await(t *testing.T, n int) []delivery.Event {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if all := k.Arrived(); len(all) >= n {
			return all
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d events have arrived", len(k.Arrived()), n)
		}
	}
}

func manyAtOnce(t *testing.T, k Kit) {
	const n = 50
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := k.deliver(t, delivery.Event{ID: fmt.Sprint(i), Body: fmt.Append(nil, i)}); err != nil {
				t.Errorf("event %d: %v", i, err)
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, e := range k.await(t, n) {
		seen[string(e.Body)] = true
	}
	if len(seen) != n {
		t.Errorf("%d of %d events have arrived", len(seen), n)
	}
}

func numbered(t *testing.T, k Kit) {
	if !k.Numbers {
		t.Skip("it does not look at numbers")
	}
	for i, seq := range []uint64{5, 5, 7, 5, 6, 7, 8} {
		e := delivery.Event{ID: fmt.Sprint(i), Body: fmt.Append(nil, seq), SeqSource: 1<<64 - 1, Seq: seq}
		if err := k.deliver(t, e); err != nil {
			t.Errorf("event %d: %v", i, err)
		}
	}
	if err := k.deliver(t, delivery.Event{ID: "x", Body: []byte("another's 8"), SeqSource: 1, Seq: 8}); err != nil {
		t.Error(err)
	}
	var got []string
	for _, e := range k.await(t, 4) {
		got = append(got, string(e.Body))
	}
	if want := []string{"5", "7", "8", "another's 8"}; !slices.Equal(got, want) {
		t.Errorf("%q have arrived, want %q", got, want)
	}
}

func allows(t *testing.T, k Kit) {
	target := k.target(t)
	if err := target.Allows(k.Allowed); err != nil {
		t.Errorf("the one that may: %v", err)
	}
	if k.Denied == nil {
		t.Skip("it lets every source")
	}
	if err := target.Allows(*k.Denied); !errors.Is(err, fault.Denied) || strings.TrimSpace(err.Error()) == string(fault.Denied) {
		t.Errorf("the one that may not: %v, want fault.Denied with its reason", err)
	}
}

func gone(t *testing.T, k Kit) {
	if k.Gone == nil {
		t.Skip("it cannot be gone for good")
	}
	before := k.target(t)
	k.Gone()
	if _, err := k.Resolve(k.Name); err != nil && !delivery.IsFinal(err) {
		t.Errorf("resolved anew: %v, want an error that is final", err)
	}
	if _, err := before.Deliver(t.Context(), delivery.Event{ID: "x", Body: []byte("{}"), Source: k.Allowed}); !delivery.IsFinal(err) {
		t.Errorf("resolved before: %v, want an error that is final", err)
	}
}

func refuses(t *testing.T, k Kit) {
	if k.Refuse == nil {
		t.Skip("it cannot refuse for a while")
	}
	k.Refuse()
	if err := k.deliver(t, delivery.Event{ID: "x", Body: []byte("{}")}); err == nil || delivery.IsFinal(err) {
		t.Errorf("got %v, want an error that is not final", err)
	}
	k.Heal()
	if err := k.deliver(t, delivery.Event{ID: "x", Body: []byte("{}")}); err != nil {
		t.Errorf("healed: %v", err)
	}
}

func hangs(t *testing.T, k Kit) {
	if k.Hang == nil {
		t.Skip("it cannot hang")
	}
	k.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	over := make(chan error, 1)
	go func() {
		_, err := k.target(t).Deliver(ctx, delivery.Event{ID: "x", Body: []byte("{}"), Source: k.Allowed})
		over <- err
	}()
	select {
	case err := <-over:
		if err == nil || delivery.IsFinal(err) {
			t.Errorf("got %v, want an error that is not final", err)
		}
	case <-time.After(patience):
		t.Error("it went on after its context had ended")
	}
}

func names(t *testing.T, k Kit) {
	for _, name := range k.Wrong {
		if _, err := k.Resolve(name); !delivery.IsFinal(err) {
			t.Errorf("%.100q: %v, want an error that is final", name, err)
		}
	}
}
