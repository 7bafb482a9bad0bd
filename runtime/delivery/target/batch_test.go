package target_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"millrace/runtime/delivery"
	"millrace/runtime/delivery/target"
	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// A picky is a queue that takes no send with a message that is "bad": it says so as of
// the whole send, or that it is out of reach when one is "away".
type picky struct{ sends []string }

func (*picky) Config() queue.Config { return queue.Config{MaxBytes: 1 << 20} }

func (p *picky) Send(_ context.Context, messages ...queue.Message) ([]queue.SendResult, error) {
	var bodies []string
	for _, m := range messages {
		switch m.Body {
		case "bad":
			return nil, fault.New(fault.Invalid, "bad")
		case "away":
			return nil, fault.New(fault.Unavailable, "away")
		}
		bodies = append(bodies, m.Body[:min(5, len(m.Body))])
	}
	p.sends = append(p.sends, strings.Join(bodies, " "))
	return make([]queue.SendResult, len(messages)), nil
}

// Events go in one send as far as they fit, and each that is refused is found.
func TestQueuesTakeEventsTogether(t *testing.T) {
	long := strings.Repeat("l", 200<<10)
	for _, test := range []struct {
		events string
		taken  int
		err    fault.Code
		sends  string
	}{
		{"a b c", 3, "", "a b c"},
		{"a " + long + " " + long + " b", 4, "", "a lllll; lllll b"},
		{"a bad c", 1, fault.Invalid, "a"},
		{"bad", 0, fault.Invalid, ""},
		{"a away c", 0, fault.Unavailable, ""},
		{"a " + strings.Repeat("x", 1<<20+1) + " c", 1, fault.TooLarge, "a"},
		{strings.Repeat("x", 1<<20+1) + " c", 0, fault.TooLarge, ""},
		{"", 0, "", ""},
	} {
		q := &picky{}
		to, err := target.Queues(func(queue.ID) (target.Queue, error) { return q, nil }, false)("arn:aws:sqs:us-east-1:000000000000:q")
		if err != nil {
			t.Fatal(err)
		}
		var events []delivery.Event
		for body := range strings.FieldsSeq(test.events) {
			events = append(events, delivery.Event{Body: []byte(body)})
		}
		taken, err := delivery.DeliverAll(t.Context(), to, events)
		if sends := strings.Join(q.sends, "; "); taken != test.taken || (err != nil) != (test.err != "") || err != nil && fault.Of(err) != test.err || sends != test.sends {
			t.Errorf("%.20s: took %d, %v, in sends of %q; want %d, %q, %q", test.events, taken, err, sends, test.taken, test.err, test.sends)
		}
	}
}

// What is delivered together is numbered as what is delivered singly: a repeated event is
// dropped, and does not hold up those behind it.
func TestNumbersOfEventsThatAreDeliveredTogether(t *testing.T) {
	queues, resolve := openQueues(t)
	id := queue.ID{Account: "000000000000", Region: "us-east-1", Name: "q.fifo"}
	made, err := queues.Create(t.Context(), id, queue.Config{MaxBytes: 1024})
	if err != nil {
		t.Fatal(err)
	}
	to, err := resolve(id.ARN().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, numbers := range [][]uint64{{1, 2, 5}, {2, 5, 6, 9}, {9}} {
		var events []delivery.Event
		for _, n := range numbers {
			text := fmt.Sprint(n)
			events = append(events, delivery.Event{Body: []byte(text), GroupID: "g", DedupID: text, SeqSource: 7, Seq: n})
		}
		if taken, err := delivery.DeliverAll(t.Context(), to, events); err != nil || taken != len(events) {
			t.Fatalf("took %d, %v", taken, err)
		}
	}
	got, err := made.Peek(t.Context(), queue.PeekRequest{Max: 10})
	if err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for _, m := range got {
		bodies = append(bodies, m.Body)
	}
	if got := strings.Join(bodies, " "); got != "1 2 5 6 9" {
		t.Errorf("the queue has %s", got)
	}
}

// Targets that take no batches are handed one event after another, up to the first error.
func TestEventsAreDeliveredSinglyElsewhere(t *testing.T) {
	var got []string
	broken := errors.New("broken")
	f := target.Func(func(_ context.Context, e delivery.Event) (delivery.Reply, error) {
		if string(e.Body) == "bad" {
			return delivery.Reply{}, broken
		}
		got = append(got, string(e.Body))
		return delivery.Reply{}, nil
	})
	events := []delivery.Event{{Body: []byte("a")}, {Body: []byte("b")}, {Body: []byte("bad")}, {Body: []byte("c")}}
	if taken, err := delivery.DeliverAll(t.Context(), f, events); taken != 2 || err != broken {
		t.Errorf("took %d, %v", taken, err)
	}
	if taken, err := delivery.DeliverAll(t.Context(), f, events[:2]); taken != 2 || err != nil {
		t.Errorf("took %d, %v", taken, err)
	}
	if all := strings.Join(got, " "); all != "a b a b" {
		t.Errorf("got %s", all)
	}
}
