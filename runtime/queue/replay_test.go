package queue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A loggedMachine is a machine and the log that it can be rebuilt from.
type loggedMachine struct {
	m      *Machine
	fifo   bool
	config Config
	log    [][]byte
	first  uint64        // what is before was purged from the log
	offset time.Duration // of the wall clock
}

func (s *loggedMachine) do(now time.Time, do func(*Machine)) {
	s.m.SetDeadLetterQueueExists(true)
	s.m.Begin(now, now.Add(s.offset))
	do(s.m)
	if g := s.m.Commit(ContentKey{}); g.Entry != nil {
		s.log = append(s.log, slices.Clone(g.Entry))
	}
}

// kill forgets the machine and replays the log.
func (s *loggedMachine) kill(t rapid.TB) {
	t.Helper()
	s.m = New(s.config, Options{FIFO: s.fifo, Random: rand.NewPCG(1, uint64(len(s.log)))})
	for i, e := range s.log {
		if seq := uint64(i + 1); seq >= s.first {
			if err := replay(s.m, seq, e); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// purge purges the log below the sequence of WriteCounters.
func (s *loggedMachine) purge(now time.Time) {
	s.do(now, func(m *Machine) { s.first = m.WriteCounters() })
}

// TestReplay runs random commands, and at times compares the machine with one
// replayed from its log.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fifo := rapid.Bool().Draw(t, "fifo")
		s := &loggedMachine{fifo: fifo, config: Config{Visibility: 30 * time.Second, Retention: time.Hour}}
		s.config.Delay = rapid.SampledFrom([]time.Duration{0, 5 * time.Second}).Draw(t, "delay")
		if rapid.Bool().Draw(t, "dead letters") {
			s.config.DeadLetter = &DeadLetter{Target: ID{"000000000000", "us-east-1", "dead"}, MaxReceives: 2}
		}
		s.kill(t)
		c := randomCommands{loggedMachine: s, now: epoch}
		// Trimming drops what an attempt had of deleted messages, and its id is free
		// then: not compared.
		if c.attempts = fifo && rapid.Bool().Draw(t, "attempts"); !c.attempts {
			c.copies = rapid.Bool().Draw(t, "copies")
		}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			c.step(t)
			if rapid.IntRange(0, 3).Draw(t, "compare") == 0 {
				c.compare(t)
			}
		}
		c.compare(t)
	})
}

// randomCommands are commands for a machine.
type randomCommands struct {
	*loggedMachine
	now              time.Time
	attempts, copies bool
	sent             int
	arrived          uint64
	refs             []Receipt
	waiters          []*Waiter
}

func (c *randomCommands) step(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "jump") == 0 {
		c.offset = rapid.SampledFrom([]time.Duration{0, time.Hour, -time.Hour, 24 * time.Hour, time.Millisecond}).Draw(t, "offset")
	}
	c.now = c.now.Add(rapid.SampledFrom([]time.Duration{0, 0, time.Second, 5 * time.Second, 31 * time.Second, 6 * time.Minute}).Draw(t, "later"))
	if c.copies && rapid.IntRange(0, 9).Draw(t, "purge") == 0 {
		c.purge(c.now)
		return
	}
	c.do(c.now, func(m *Machine) {
		for range rapid.IntRange(1, 3).Draw(t, "commands") {
			c.command(t, m)
		}
	})
}

func (c *randomCommands) command(t *rapid.T, m *Machine) {
	switch rapid.SampledFrom([]string{"send", "send", "send", "receive", "receive", "receive", "wait", "leave", "delete", "change",
		"transfer", "revert", "move", "accept", "purge", "copy"}).Draw(t, "command") {
	case "send":
		c.sent++
		msg := Message{Body: fmt.Sprint(c.sent), GroupID: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "group")}
		if c.fifo {
			msg.GroupID += "g"
			msg.DedupID = fmt.Sprint(rapid.IntRange(0, 30).Draw(t, "dedup"))
		} else if rapid.Bool().Draw(t, "delayed") {
			delay := 10 * time.Second
			msg.Delay = &delay
		}
		if rapid.Bool().Draw(t, "numbered") {
			msg.Source = rapid.SampledFrom([]uint64{7, 77}).Draw(t, "source") // the latter is a queue's generation too
			msg.Seq = uint64(max(1, c.sent-rapid.IntRange(0, 2).Draw(t, "behind")))
		}
		m.Send(draftOf(msg))
	case "receive":
		r := ReceiveRequest{Max: rapid.IntRange(1, 5).Draw(t, "max")}
		visibility := rapid.SampledFrom([]time.Duration{0, time.Second, 30 * time.Second}).Draw(t, "visibility")
		r.Visibility = &visibility
		if c.attempts {
			r.AttemptID = rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "attempt")
		}
		c.receive(m, r)
	case "wait":
		c.receive(m, ReceiveRequest{Max: 2, Wait: 10 * time.Second})
	case "leave":
		if len(c.waiters) > 0 {
			m.CancelReceive(c.waiters[len(c.waiters)-1])
		}
	case "delete":
		if len(c.refs) > 0 {
			m.Delete(rapid.SampledFrom(c.refs).Draw(t, "ref"))
		}
	case "change":
		if len(c.refs) > 0 {
			m.ChangeVisibility(rapid.SampledFrom(c.refs).Draw(t, "ref"), rapid.SampledFrom([]time.Duration{0, 10 * time.Second}).Draw(t, "timeout"))
		}
	case "transfer":
		for _, b := range m.PendingTransfers(2) {
			m.CompleteTransfer(b.Number)
		}
	case "revert":
		for _, b := range m.PendingTransfers(2) {
			m.RevertTransfer(b.Number)
		}
	case "move":
		for _, d := range m.OldestVisible(2) {
			m.Move(MoveRequest{d.Number, "arn:aws:sqs:us-east-1:000000000000:x"})
		}
	case "accept":
		c.arrived++
		content := draftOf(Message{Body: "dead", GroupID: rapid.SampledFrom([]string{"d", ""}).Draw(t, "group")}).content
		if c.fifo {
			content = draftOf(Message{Body: "dead", GroupID: "d"}).content
		}
		ago := time.Duration(rapid.IntRange(0, 50).Draw(t, "ago")) * time.Minute
		m.AcceptTransfers(77, Transfer{Seq: c.arrived, Content: content, Sent: c.now.Add(c.offset - ago), FirstReceived: epoch, Age: ago, Receives: 3, AsNew: rapid.Bool().Draw(t, "fresh")})
	case "purge":
		if rapid.IntRange(0, 7).Draw(t, "really") == 0 {
			m.Purge()
		}
	case "copy":
		if from, to, _ := m.CompactionRange(); c.copies && m.log.entries.len() > 1 {
			m.Compact(rapid.Uint64Range(from, to).Draw(t, "to"), nil)
		}
	}
}

func (c *randomCommands) receive(m *Machine, r ReceiveRequest) {
	w := &Waiter{}
	m.Receive(w, r)
	for _, d := range w.Deliveries {
		c.refs = append(c.refs, Receipt{d.Number, d.ReceiveCount})
	}
	c.waiters = append(c.waiters, w)
}

func (c *randomCommands) compare(t *rapid.T) {
	c.do(c.now, func(*Machine) {})
	other := &loggedMachine{fifo: c.fifo, config: c.config, log: c.log, first: c.first, offset: c.offset}
	other.kill(t)
	other.do(c.now, func(*Machine) {})
	whole := c.first <= 1
	if live, replayed := dump(c.m, whole), dump(other.m, whole); live != replayed {
		t.Fatalf("live:\n%s\nreplayed:\n%s", live, replayed)
	}
	// The log does not say that a delay ended.
	live, replayed := c.m.Counts(), other.m.Counts()
	if live.Visible+live.Delayed != replayed.Visible+replayed.Delayed || live.InFlight != replayed.InFlight || !live.Oldest.Equal(replayed.Oldest) {
		t.Fatalf("live %+v, replayed %+v", live, replayed)
	}
	if min(live.Visible, live.InFlight, live.Delayed) < 0 {
		t.Fatalf("fewer than none: %+v", live)
	}
	for _, m := range []*Machine{c.m, other.m} {
		bytes, count := int64(0), 0
		for msg := range m.messages.all() {
			bytes += msg.logBytes()
			count++
		}
		for _, e := range m.dedup {
			bytes += e.size
		}
		for _, a := range m.attempts {
			bytes += a.size
		}
		if bytes != m.log.liveBytes || count != m.messages.count {
			t.Fatalf("%d messages and %d bytes, counted are %d and %d", count, bytes, m.messages.count, m.log.liveBytes)
		}
	}
}

// An attempt returns the same messages when one of them was copied to the end of the
// log.
func TestAttemptSurvivesCompaction(t *testing.T) {
	s := &loggedMachine{fifo: true, config: Config{Visibility: time.Hour}}
	s.kill(t)
	now := epoch
	for _, body := range []string{"1", "2"} {
		s.do(now, func(m *Machine) { m.Send(draftOf(Message{Body: body, GroupID: "g", DedupID: body})) })
		now = now.Add(6 * time.Minute) // the first deduplication id does not count anymore
	}
	receive := func() string {
		w := &Waiter{}
		s.do(now, func(m *Machine) { m.Receive(w, ReceiveRequest{Max: 10, AttemptID: "a"}) })
		return names(w.Deliveries)
	}
	if got := receive(); got != "1 2" {
		t.Fatalf("received %q", got)
	}
	s.do(now, func(m *Machine) { m.Compact(1, nil) })
	s.purge(now)
	if s.first == 1 {
		t.Fatal("nothing was purged")
	}
	s.kill(t)
	if got := receive(); got != "1 2" {
		t.Errorf("received %q when it was repeated", got)
	}
}

// The same commands give the same entries.
func TestDeterministic(t *testing.T) {
	var first []byte
	for range 10 {
		s := &loggedMachine{}
		s.kill(t)
		s.do(epoch, func(m *Machine) {
			for source := range uint64(8) {
				m.Send(draftOf(Message{Body: "b", Source: source + 1, Seq: 1}))
				m.AcceptTransfers(source+1, Transfer{Seq: 1, Content: draftOf(Message{Body: "a"}).content, Sent: epoch, FirstReceived: epoch})
			}
		})
		s.purge(epoch)
		if last := s.log[len(s.log)-1]; first == nil {
			first = last
		} else if !slices.Equal(last, first) {
			t.Fatal("two entries from the same commands")
		}
	}
}

// A tenant is removed with its last message, also when that was copied while it was
// transferring.
func TestTenantGoesWithItsLastMessage(t *testing.T) {
	s := &loggedMachine{}
	s.kill(t)
	s.do(epoch, func(m *Machine) { m.Send(draftOf(Message{Body: "a", GroupID: "t"})) })
	s.do(epoch, func(m *Machine) { m.Move(MoveRequest{1, "arn:aws:sqs:us-east-1:000000000000:x"}) })
	s.do(epoch, func(m *Machine) { m.Compact(1, nil) })
	s.purge(epoch)
	s.kill(t)
	s.do(epoch, func(m *Machine) { m.CompleteTransfer(1) })
	if n := len(s.m.tenants); n != 0 {
		t.Errorf("%d tenants", n)
	}
}
