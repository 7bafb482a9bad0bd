package ledger

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// A story is what some clients were told, by a server that keeps its word or by
// one that lies.
type story struct {
	*Ledger
	now time.Time
}

func (s *story) later(d time.Duration) { s.now = s.now.Add(d) }

func (s *story) send(m Message, id, seq string) { s.Sending(m, s.now).Done(id, seq) }

// receive is a receive that hides for a minute.
func (s *story) receive(queue string, got ...Delivery) {
	s.Receiving(queue, 10, time.Minute, s.now).Done(s.now, got...)
}

func (s *story) delete(d Delivery)                   { s.Deleting(d).Done(s.now) }
func (s *story) hide(d Delivery, long time.Duration) { s.Hiding(d, long, s.now).Done(s.now) }

var (
	a = Message{Queue: "jobs", Body: "a"}
	b = Message{Queue: "jobs", Body: "b"}
	x = Message{Queue: "line.fifo", Body: "x", Group: "g", Dedup: "x"}
	y = Message{Queue: "line.fifo", Body: "y", Group: "g", Dedup: "y"}
)

// of is the nth delivery of a message.
func of(m Message, nth int) Delivery {
	d := Delivery{Queue: m.Queue, ID: "id-" + m.Body, Body: m.Body, Handle: m.Body + strings.Repeat("'", nth), Group: m.Group, Receives: nth}
	if m.Group != "" {
		d.Sequence = map[string]string{"x": "01", "y": "02"}[m.Body]
	}
	return d
}

var errRefused = errors.New("the receipt handle is invalid")

var stories = []struct {
	rule string
	tell func(*story)
	want string // part of what is found; "" when the server kept its word
}{
	// Nothing lost, nothing invented.
	{"a message is sent, received and deleted", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.delete(of(a, 1))
		s.Drained("jobs", Counts{}, s.now)
	}, ""},
	{"an acknowledged message is gone", func(s *story) {
		s.send(a, "id-a", "")
		s.Drained("jobs", Counts{}, s.now)
	}, "1 messages were lost"},
	{"an acknowledged message is not counted", func(s *story) {
		s.send(a, "id-a", "")
		s.Counted("jobs", Counts{}, s.now)
	}, "holds 0 messages, yet 1 to 1"},
	{"a send without an answer may have happened", func(s *story) {
		s.Sending(a, s.now)
		s.Counted("jobs", Counts{}, s.now)
		s.Counted("jobs", Counts{Visible: 1}, s.now)
		s.receive("jobs", of(a, 1))
	}, ""},
	{"a send without an answer happened, and its message is gone", func(s *story) {
		s.Sending(a, s.now)
		s.receive("jobs", of(a, 1))
		s.later(time.Minute)
		s.Drained("jobs", Counts{}, s.now)
	}, "1 messages were lost"},
	{"one message too many is counted", func(s *story) {
		s.send(a, "id-a", "")
		s.Counted("jobs", Counts{Visible: 2}, s.now)
	}, "holds 2 messages, yet 1 to 1"},
	{"a message nobody sent", func(s *story) { s.receive("jobs", of(a, 1)) }, "was never sent"},
	{"a body cut short", func(s *story) {
		s.send(Message{Queue: "jobs", Body: "whole"}, "id", "")
		s.receive("jobs", Delivery{ID: "id", Body: "who", Handle: "h", Receives: 1})
	}, "was never sent"},
	{"a message under another id", func(s *story) {
		s.send(a, "id-b", "")
		s.receive("jobs", of(a, 1))
	}, "it is there twice, also as id-a"},
	{"two messages under one id", func(s *story) {
		s.send(a, "id", "")
		s.send(b, "id", "")
	}, "its id is also that of a"},
	{"a message in a queue it was not sent to", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("line.fifo", of(a, 1))
	}, "it is in line.fifo"},

	// Deleted is deleted.
	{"a deleted message comes back", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.delete(of(a, 1))
		s.later(time.Hour)
		s.receive("jobs", of(a, 2))
	}, "came back after its delete was acknowledged"},
	{"a delete without an answer may have failed", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.Deleting(of(a, 1))
		s.later(time.Hour)
		s.receive("jobs", of(a, 2))
	}, ""},
	{"a delete without an answer may have happened", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.Deleting(of(a, 1))
		s.Drained("jobs", Counts{}, s.now)
	}, ""},
	{"a delete that a kill cut off did not happen, and the message is gone later", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.Deleting(of(a, 1))
		s.Restarted()
		s.later(time.Minute)
		s.receive("jobs", of(a, 2))
		s.later(time.Minute)
		s.Drained("jobs", Counts{}, s.now)
	}, "1 messages were lost"},
	{"a delete with a handle whose time is over may do nothing", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.later(time.Hour)
		s.delete(of(a, 1))
		s.receive("jobs", of(a, 2))
	}, ""},

	// Handles and deadlines.
	{"a handle in force is refused for a delete", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.Deleting(of(a, 1)).Refused(s.now, errRefused)
	}, "its delete was refused"},
	{"a handle in force is refused for a change", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.Hiding(of(a, 1), 0, s.now).Refused(s.now, errRefused)
	}, "its change of visibility was refused"},
	{"a handle whose time is over may be refused, and its message stays", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.later(time.Hour)
		s.Deleting(of(a, 1)).Refused(s.now, errRefused)
		s.Drained("jobs", Counts{}, s.now)
	}, "1 messages were lost"},
	{"a hidden message is delivered", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.later(59 * time.Second)
		s.receive("jobs", of(a, 2))
	}, "delivered 1s before it may be seen"},
	{"a message is delivered again when its time is over", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.later(time.Minute)
		s.receive("jobs", of(a, 2))
	}, ""},
	{"a message hidden for longer is delivered when its first time is over", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.hide(of(a, 1), time.Hour)
		s.later(time.Minute)
		s.receive("jobs", of(a, 2))
	}, "before it may be seen"},
	{"a change without an answer may have failed", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.Hiding(of(a, 1), time.Hour, s.now)
		s.later(time.Minute)
		s.receive("jobs", of(a, 2))
	}, ""},
	{"a change without an answer may have put the message back", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.Hiding(of(a, 1), 0, s.now)
		s.receive("jobs", of(a, 2))
	}, ""},
	{"a delayed message is delivered at once", func(s *story) {
		s.send(Message{Queue: "jobs", Body: "a", Delay: time.Minute}, "id-a", "")
		s.receive("jobs", of(a, 1))
	}, "delivered 1m0s before it may be seen"},
	{"a hidden message is counted as visible", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.Counted("jobs", Counts{Visible: 1}, s.now)
	}, "0 messages are hidden, yet 1 must be"},
	{"a message is visible and yet not delivered", func(s *story) {
		s.send(a, "id-a", "")
		s.Drained("jobs", Counts{Visible: 1}, s.now)
	}, "visible and not delivered"},
	{"a message stays hidden when its time is over", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.later(time.Hour)
		s.Drained("jobs", Counts{InFlight: 1}, s.now)
	}, "stay and nobody hid them"},

	{"a delayed message of whose send nothing is known may stay", func(s *story) {
		s.Sending(Message{Queue: "jobs", Body: "a", Delay: time.Minute}, s.now)
		s.Drained("jobs", Counts{}, s.now)
		s.Drained("jobs", Counts{Delayed: 1}, s.now)
	}, ""},

	// Receive counts.
	{"a receive count is given twice", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 1))
		s.later(time.Minute)
		s.receive("jobs", of(a, 1))
	}, "receive count 1 after 1"},
	{"a receive count jumps", func(s *story) {
		s.send(a, "id-a", "")
		s.receive("jobs", of(a, 2))
	}, "it was received 1 times at most"},
	{"a receive without an answer may have counted", func(s *story) {
		s.send(a, "id-a", "")
		s.Receiving("jobs", 10, 0, s.now)
		s.receive("jobs", of(a, 2))
	}, ""},
	{"an earlier delivery's answer comes late", func(s *story) {
		s.send(a, "id-a", "")
		late := s.Receiving("jobs", 10, 0, s.now)
		s.receive("jobs", of(a, 2))
		late.Done(s.now, of(a, 1))
	}, ""},

	// Order and duplicates on FIFO queues.
	{"a group in order, each after the other's delete", func(s *story) {
		s.send(x, "id-x", "01")
		s.send(y, "id-y", "02")
		s.receive("line.fifo", of(x, 1))
		s.delete(of(x, 1))
		s.receive("line.fifo", of(y, 1))
	}, ""},
	{"a group in order in one answer", func(s *story) {
		s.send(x, "id-x", "01")
		s.send(y, "id-y", "02")
		s.receive("line.fifo", of(x, 1), of(y, 1))
	}, ""},
	{"a group out of order in one answer", func(s *story) {
		s.send(x, "id-x", "01")
		s.send(y, "id-y", "02")
		s.receive("line.fifo", of(y, 1), of(x, 1))
	}, "02 is delivered while 01 of its group is still there"},
	{"a message is delivered after one in flight", func(s *story) {
		s.send(x, "id-x", "01")
		s.send(y, "id-y", "02")
		s.receive("line.fifo", of(x, 1))
		s.receive("line.fifo", of(y, 1))
	}, "02 is delivered while 01 of its group is still there"},
	{"a message whose send had no answer is delivered after a later one", func(s *story) {
		s.Sending(x, s.now)
		s.send(y, "id-y", "02")
		s.receive("line.fifo", of(y, 1))
		s.delete(of(y, 1))
		s.receive("line.fifo", of(x, 1))
	}, "01 is first delivered after 02"},
	{"a sequence number falls", func(s *story) {
		s.send(y, "id-y", "02")
		s.send(x, "id-x", "01")
	}, "sequence number 01 after 02"},
	{"sends at the same time may be numbered either way", func(s *story) {
		first, second := s.Sending(x, s.now), s.Sending(y, s.now)
		second.Done("id-y", "02")
		first.Done("id-x", "01")
	}, ""},
	{"a duplicate is answered with the first one's id", func(s *story) {
		s.send(x, "id-x", "01")
		s.send(y, "id-y", "02")
		s.send(x, "id-x", "01")
	}, ""},
	{"a duplicate is let in", func(s *story) {
		s.send(x, "id-x", "01")
		s.send(x, "id-z", "03")
	}, "it is there twice"},
	{"a message in another group", func(s *story) {
		s.send(x, "id-x", "01")
		d := of(x, 1)
		d.Group = "h"
		s.receive("line.fifo", d)
	}, `its group was "g" and is "h"`},

	{"a message under another sequence number", func(s *story) {
		s.send(x, "id-x", "00")
		s.receive("line.fifo", of(x, 1))
	}, "its sequence number was 00 and is 01"},

	// Dead letters: after two receives a message of "tries" moves to "tries-dead".
	{"a message moves after its last receive", func(s *story) {
		m := Message{Queue: "tries", Body: "a"}
		s.send(m, "id-a", "")
		for n := range 2 {
			s.receive("tries", of(m, n+1))
			s.later(time.Minute)
		}
		s.receive("tries-dead", of(m, 3))
		s.delete(of(m, 3))
		s.Drained("tries", Counts{}, s.now)
	}, ""},
	{"a dead-letter queue gives sequence numbers of its own", func(s *story) {
		m := Message{Queue: "tries", Body: "x", Group: "g"}
		s.send(m, "id-x", "07")
		s.Receiving("tries", 10, 0, s.now)
		s.Receiving("tries", 10, 0, s.now)
		s.receive("tries-dead", of(m, 3))
	}, ""},
	{"a message moves too early", func(s *story) {
		m := Message{Queue: "tries", Body: "a"}
		s.send(m, "id-a", "")
		s.receive("tries-dead", of(m, 1))
	}, "in tries-dead after 0 receives of 2"},
	{"a message moves too late", func(s *story) {
		m := Message{Queue: "tries", Body: "a"}
		s.send(m, "id-a", "")
		for n := range 3 {
			s.receive("tries", of(m, n+1))
			s.later(time.Minute)
		}
	}, "receive 3 of 2"},
	{"a moved message stays", func(s *story) {
		m := Message{Queue: "tries", Body: "a"}
		s.send(m, "id-a", "")
		s.Receiving("tries", 10, 0, s.now)
		s.Receiving("tries", 10, 0, s.now)
		s.receive("tries-dead", of(m, 3))
		s.later(time.Minute)
		s.receive("tries", of(m, 2))
	}, "still there after tries-dead delivered it"},
	{"a moved message is counted in both queues", func(s *story) {
		s.send(Message{Queue: "tries", Body: "a"}, "id-a", "")
		s.Counted("tries", Counts{Visible: 2}, s.now)
	}, "holds 2 messages, yet 1 to 1"},
}

func TestStories(t *testing.T) {
	for _, test := range stories {
		t.Run(test.rule, func(t *testing.T) {
			s := &story{
				New(Queue{Name: "jobs"}, Queue{Name: "line.fifo"}, Queue{Name: "tries", Dead: "tries-dead", MaxReceives: 2}),
				time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC),
			}
			test.tell(s)
			switch err := s.Err(); {
			case test.want == "" && err != nil:
				t.Errorf("found what is not wrong: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("found %v, want %q", err, test.want)
			}
		})
	}
}

// What is asked of the ledger between crashes.
func TestHeldAndDoubtful(t *testing.T) {
	s := &story{New(Queue{Name: "jobs"}), time.Unix(0, 0)}
	s.send(a, "id-a", "")
	s.send(b, "id-b", "")
	s.receive("jobs", of(a, 1), of(b, 1))
	s.hide(of(a, 1), time.Hour)
	s.Hiding(of(b, 1), time.Hour, s.now)

	if held := s.Held("jobs", s.now.Add(30*time.Minute)); len(held) != 1 || held[0] != of(a, 1) {
		t.Errorf("held for half an hour: %v, want %v", held, of(a, 1))
	}
	if doubtful := s.Doubtful("jobs"); len(doubtful) != 1 || doubtful[0] != of(b, 1) {
		t.Errorf("doubtful: %v, want %v", doubtful, of(b, 1))
	}
	if s.Settled("jobs", Counts{InFlight: 2}, s.now.Add(time.Minute)) {
		t.Error("settled, though b may be visible again")
	}
	if s.Settled("jobs", Counts{}, s.now) {
		t.Error("settled, though both are lost")
	}
	s.later(time.Minute)
	s.receive("jobs", of(b, 2))
	s.delete(of(b, 2))
	if !s.Settled("jobs", Counts{InFlight: 1}, s.now) {
		t.Error("not settled, though only a is left, and hidden")
	}
}
