package moves_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/queue/moves"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
)

// A system is tasks over real queues, which can be closed and opened.
type system struct {
	*testing.T
	dir      string
	backbone *backbone.Backbone
	records  *record.Store
	queues   *jetqueue.Queues
	tasks    *moves.Tasks
}

func whole(t *testing.T, test func(*system)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &system{T: t, dir: dir}
		s.open()
		defer s.close()
		test(s)
	})
}

func (s *system) open() {
	s.Helper()
	ctx := s.Context()
	s.backbone = backbonetest.Start(s.T, s.dir)
	var err error
	s.records = record.New(s.backbone.JetStream(), nil)
	if err = s.records.Start(ctx); err != nil {
		s.Fatal(err)
	}
	s.queues = jetqueue.New(s.backbone, s.records, jetqueue.Options{})
	if err := s.queues.Start(ctx); err != nil {
		s.Fatal(err)
	}
	find := func(id queue.ID) (moves.Queue, error) { return s.queues.Get(id) }
	s.tasks = moves.New(moves.Config{Records: s.records, Queue: find})
	if err := s.tasks.Start(ctx); err != nil {
		s.Fatal(err)
	}
}

func (s *system) close() {
	s.Helper()
	ctx := context.Background()
	if err := errors.Join(s.tasks.Stop(ctx), s.queues.Stop(ctx), s.records.Stop(ctx), s.backbone.Stop(ctx)); err != nil {
		s.Errorf("closing: %v", err)
	}
}

func id(name string) queue.ID {
	return queue.ID{Account: "000000000000", Region: "us-east-1", Name: name}
}

// create makes a queue whose messages go to dead, if that is given, when they
// are received a second time.
func (s *system) create(name, dead string) {
	s.Helper()
	c := queue.Config{Visibility: 30 * time.Second, Retention: 4 * 24 * time.Hour, MaxBytes: 1 << 20}
	if dead != "" {
		c.DeadLetter = &queue.DeadLetter{Target: id(dead), MaxReceives: 1}
	}
	if _, err := s.queues.Create(s.Context(), id(name), c); err != nil {
		s.Fatal(err)
	}
}

func (s *system) get(name string) *jetqueue.Queue {
	s.Helper()
	q, err := s.queues.Get(id(name))
	if err != nil {
		s.Fatal(err)
	}
	return q
}

// send sends n messages, to FIFO queues in one group.
func (s *system) send(name string, n int) {
	s.Helper()
	for i := range n {
		m := queue.Message{Body: fmt.Sprintf("%s-%d", name, i)}
		if id(name).FIFO() {
			m.GroupID, m.DedupID = "g", m.Body
		}
		if _, err := s.get(name).Send(s.Context(), m); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *system) receive(name string, max int) []queue.ReceivedMessage {
	s.Helper()
	got, err := s.get(name).Receive(s.Context(), queue.ReceiveRequest{Max: max})
	if err != nil {
		s.Fatal(err)
	}
	return got
}

// bury makes dead letters of n messages of a queue.
func (s *system) bury(name string, n int) {
	s.Helper()
	for range n { // a FIFO queue gives a group's next only when the one before is gone
		s.receive(name, 10)
		time.Sleep(31 * time.Second)
	}
	s.receive(name, 10)
	synctest.Wait()
}

func (s *system) visible(name string) int {
	s.Helper()
	c, err := s.get(name).Counts(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return c.Visible
}

func (s *system) start(spec moves.Spec) moves.Task {
	s.Helper()
	t, err := s.tasks.Create(s.Context(), spec)
	if err != nil {
		s.Fatal(err)
	}
	return t
}

func (s *system) expect(dead string, status moves.Status, moved int, reason string) {
	s.Helper()
	time.Sleep(time.Second)
	synctest.Wait()
	t := s.tasks.List(id(dead), 1)[0]
	if t.Status != status || t.Moved != moved || t.Reason != reason {
		s.Errorf("%s, %d moved, reason %q; want %s, %d, %q", t.Status, t.Moved, t.Reason, status, moved, reason)
	}
}

func bodies(got []queue.ReceivedMessage) (all []string) {
	for _, m := range got {
		all = append(all, m.Body)
	}
	return all
}

// Without a destination dead letters go back to where they came from, as new
// messages; what is in flight stays.
func TestBackToTheSources(t *testing.T) {
	whole(t, func(s *system) {
		s.create("dead", "")
		s.create("a", "dead")
		s.create("b", "dead")
		s.send("a", 3)
		s.send("b", 4)
		s.bury("a", 1)
		s.bury("b", 1)
		kept := s.receive("dead", 1)[0]
		if kept.Body != "a-0" || kept.DeadLetterSource != id("a").ARN().String() || kept.Receives != 2 {
			s.Fatalf("the dead letter: %+v", kept)
		}

		if told := s.start(moves.Spec{Source: id("dead")}); told.ToMove != 6 {
			s.Errorf("to move: %d, want 6", told.ToMove)
		}
		s.expect("dead", moves.Completed, 6, "")
		back := s.receive("a", 10)
		if got := fmt.Sprint(bodies(back)); got != "[a-1 a-2]" {
			s.Errorf("a has %s", got)
		}
		if m := back[0]; m.Receives != 1 || m.DeadLetterSource != "" || m.MessageID == kept.MessageID || time.Since(m.Sent) > time.Second {
			s.Errorf("it came back as %+v", m)
		}
		if got := fmt.Sprint(bodies(s.receive("b", 10))); got != "[b-0 b-1 b-2 b-3]" {
			s.Errorf("b has %s", got)
		}
		time.Sleep(31 * time.Second)
		if got := s.receive("dead", 10); len(got) != 1 || got[0].MessageID != kept.MessageID {
			s.Errorf("left in the dead-letter queue: %v", bodies(got))
		}
	})
}

// A message that was sent to the dead-letter queue itself has nowhere to go back
// to; with a destination it moves.
func TestAMessageFromNowhere(t *testing.T) {
	whole(t, func(s *system) {
		s.create("dead", "")
		s.create("a", "dead")
		s.send("a", 2)
		s.bury("a", 1)
		s.send("dead", 2)
		s.start(moves.Spec{Source: id("dead")})
		s.expect("dead", moves.Failed, 2, moves.NoOrigin)
		if a, dead := s.visible("a"), s.visible("dead"); a != 2 || dead != 2 {
			s.Errorf("a has %d, dead %d", a, dead)
		}
		to := id("a")
		s.start(moves.Spec{Source: id("dead"), Destination: &to})
		s.expect("dead", moves.Completed, 2, "")
		if n := s.visible("a"); n != 4 {
			s.Errorf("a has %d messages", n)
		}
	})
}

func TestADestinationThatVanishes(t *testing.T) {
	whole(t, func(s *system) {
		s.create("dead", "")
		s.create("a", "dead")
		s.send("a", 5)
		s.bury("a", 1)
		s.start(moves.Spec{Source: id("dead"), Rate: 1})
		s.expect("dead", moves.Running, 2, "") // at once, and after the second that expect waits
		if err := s.queues.Delete(s.Context(), id("a")); err != nil {
			s.Fatal(err)
		}
		s.expect("dead", moves.Failed, 2, moves.NoDestination)
		if n := s.visible("dead"); n != 3 {
			s.Errorf("the dead-letter queue has %d messages, want 3", n)
		}
	})
}

// A group keeps its order, and a restart in between loses and doubles nothing.
func TestAFIFOQueueOverARestart(t *testing.T) {
	whole(t, func(s *system) {
		s.create("dead.fifo", "")
		s.create("line.fifo", "dead.fifo")
		s.send("line.fifo", 10)
		s.bury("line.fifo", 10)
		if n := s.visible("dead.fifo"); n != 10 {
			s.Fatalf("%d dead letters, want 10", n)
		}
		s.start(moves.Spec{Source: id("dead.fifo"), Rate: 1})
		time.Sleep(4*time.Second + time.Millisecond)
		s.close()
		s.open()
		if told := s.tasks.List(id("dead.fifo"), 1)[0]; told.Status != moves.Running || told.Moved != 5 {
			s.Errorf("after the restart: %+v", told)
		}
		time.Sleep(time.Minute)
		s.expect("dead.fifo", moves.Completed, 10, "")
		got := bodies(s.receive("line.fifo", 10))
		if len(got) != 10 || !slices.IsSorted(got) {
			s.Errorf("moved: %v", got)
		}
	})
}
