package queue

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/test/transcript"
)

// TestTranscripts talks to a machine. A transcript is commands, each followed by
// a line ---- and the answer; lines that begin with # are for the reader.
//
//	queue [fifo] [delay=5s] [visibility=30s] [retention=1h] [dead=2]
//	send a b … [group=g] [delay=5s]      the names are bodies and, FIFO, ids
//	send a b … source=1 seq=5 [dedup=id] numbered from there on
//	receive [max=10] [wait=20s] [visibility=5s] [attempt=id]
//	delete a, change a 10s               with the last handle of a
//	advance 30s
//	wall -1h                             sets the wall clock back, or on
//	peek                                 shows times by the wall clock
//	counts, purge
//	move 3 arn                           the oldest visible ones, to another queue
//	arrived, refused                     of all that is on its way elsewhere
//	flood 40 g                           sends so many as g, called g1 g2 …
//	restart [30s]                        replays the log, when so much has passed
func TestTranscripts(t *testing.T) {
	transcript.Play(t, "testdata/transcripts/*.txt", func(t *testing.T, text string) string {
		return (&transcriptRunner{T: t, now: epoch, last: map[string]Receipt{}}).run(text)
	})
}

// A transcriptRunner runs the commands of one transcript.
type transcriptRunner struct {
	*testing.T
	fifo   bool
	config Config
	m      *Machine
	now    time.Time     // in the process, by a monotonic clock
	offset time.Duration // of the wall clock from it
	clock  Clock
	log    [][]byte
	last   map[string]Receipt // by body
	out    strings.Builder
}

func (s *transcriptRunner) run(text string) string {
	var told strings.Builder
	for i, ask := range transcript.Blocks(text) {
		if i > 0 {
			told.WriteString("\n")
		}
		told.WriteString(ask + "\n")
		if lines := strings.Split(ask, "\n"); !strings.HasPrefix(lines[len(lines)-1], "#") {
			s.out.Reset()
			s.runCommand(lines[len(lines)-1])
			told.WriteString("----\n" + s.out.String())
		}
	}
	return told.String()
}

func (s *transcriptRunner) printf(format string, args ...any) {
	fmt.Fprintf(&s.out, format+"\n", args...)
}

func (s *transcriptRunner) clockTime(t time.Time) string {
	d := t.Sub(epoch)
	sign := ""
	if d < 0 {
		d, sign = -d, "-"
	}
	return fmt.Sprintf("%s%02d:%02d", sign, int(d.Minutes()), int(d.Seconds())%60)
}

func (s *transcriptRunner) runCommand(line string) {
	words := strings.Fields(line)
	command, options, rest := words[0], map[string]string{}, []string(nil)
	for _, w := range words[1:] {
		if k, v, ok := strings.Cut(w, "="); ok {
			options[k] = v
		} else {
			rest = append(rest, w)
		}
	}
	duration := func(text string, otherwise time.Duration) time.Duration {
		if text == "" {
			return otherwise
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			s.Fatal(err)
		}
		return d
	}
	switch command {
	case "queue":
		s.fifo = slices.Contains(rest, "fifo")
		s.config = Config{
			Delay: duration(options["delay"], 0), Visibility: duration(options["visibility"], 30*time.Second),
			Retention: duration(options["retention"], 0),
		}
		if options["dead"] != "" {
			s.config.DeadLetter = &DeadLetter{Target: ID{"000000000000", "us-east-1", "dead"}}
			fmt.Sscan(options["dead"], &s.config.DeadLetter.MaxReceives)
		}
		s.restart()
		return
	case "restart":
		if len(rest) > 0 {
			s.now = s.now.Add(duration(rest[0], 0))
		}
		s.restart()
		return
	case "wall":
		s.offset += duration(rest[0], 0)
	case "advance":
		s.now = s.now.Add(duration(rest[0], 0))
	}
	s.m.SetDeadLetterQueueExists(true)
	s.m.Begin(s.clock.MachineTime(s.now), s.now.Add(s.offset))
	switch command {
	case "send":
		for i, name := range rest {
			msg := Message{Body: name, GroupID: options["group"], DedupID: cmp.Or(options["dedup"], name)}
			if options["source"] != "" {
				fmt.Sscan(options["source"]+" "+options["seq"], &msg.Source, &msg.Seq)
				msg.Seq += uint64(i)
			}
			if options["delay"] != "" {
				wait := duration(options["delay"], 0)
				msg.Delay = &wait
			}
			switch p := s.m.Send(NewDraft(&msg))[0]; {
			case p.Duplicate && p.Number == 0:
				s.printf("%s was sent before", name)
			case p.Duplicate:
				s.printf("%s is a duplicate of number %d", name, p.Number)
			}
		}
	case "receive":
		r := ReceiveRequest{Max: 10, Wait: duration(options["wait"], 0), AttemptID: options["attempt"]}
		if options["max"] != "" {
			fmt.Sscan(options["max"], &r.Max)
		}
		if options["visibility"] != "" {
			hide := duration(options["visibility"], 0)
			r.Visibility = &hide
		}
		s.m.Receive(&Waiter{Token: "receive at " + s.clockTime(s.clock.MachineTime(s.now))}, r)
	case "delete", "change":
		var err error
		if ref := s.last[rest[0]]; command == "delete" {
			err = s.m.Delete(ref)
		} else {
			err = s.m.ChangeVisibility(ref, duration(rest[1], 0))
		}
		if err != nil {
			s.printf("%v", err)
		}
	case "flood":
		var n int
		fmt.Sscan(rest[0], &n)
		for i := range n {
			s.m.Send(NewDraft(&Message{Body: fmt.Sprint(rest[1], i+1), GroupID: rest[1]}))
		}
	case "move":
		var n int
		fmt.Sscan(rest[0], &n)
		for _, d := range s.m.OldestVisible(n) {
			s.m.Move(MoveRequest{d.Number, rest[1]})
		}
	case "counts":
		c := s.m.Counts()
		s.printf("%d visible, %d in flight, %d delayed", c.Visible, c.InFlight, c.Delayed)
	case "peek":
		for _, p := range s.m.Peek(PeekRequest{Invisible: true, Delayed: true}) {
			msg, _, _ := p.Content.Unpack()
			until := ""
			if !p.VisibleAt.IsZero() {
				until = " until " + s.clockTime(p.VisibleAt)
			}
			s.printf("%s, sent at %s, %s%s", msg.Body, s.clockTime(p.Sent), p.State, until)
		}
	case "purge":
		s.m.Purge()
	case "arrived", "refused":
		then := map[string]func(uint64){"arrived": s.m.CompleteTransfer, "refused": s.m.RevertTransfer}[command]
		for _, b := range s.m.PendingTransfers(100) {
			then(b.Number)
		}
	}
	g := s.m.Commit(ContentKey{})
	if g.Entry != nil {
		s.log = append(s.log, slices.Clone(g.Entry))
	}
	s.printBatch(g)
}

func (s *transcriptRunner) printBatch(g Batch) {
	for _, w := range g.Answered {
		switch {
		case w.Err != nil:
			s.printf("%s: %v", w.Token, w.Err)
		case len(w.Deliveries) == 0:
			s.printf("%s: nothing", w.Token)
		}
		for _, d := range w.Deliveries {
			msg, _, _ := d.Content.Unpack()
			s.last[msg.Body] = Receipt{d.Number, d.ReceiveCount}
			hidden := "visible"
			if msg := s.m.messages.get(d.Number); msg.delivery.hiddenUntil > s.m.now {
				hidden = "hidden until " + s.clockTime(time.Unix(0, msg.delivery.hiddenUntil))
			}
			s.printf("%s: %s, %s, received %d times", w.Token, msg.Body, hidden, d.TotalReceives)
		}
	}
	if g.HasTransfers {
		for _, b := range s.m.PendingTransfers(100) {
			msg, _, _ := b.Content.Unpack()
			s.printf("%s goes to %s", msg.Body, b.Target)
		}
	}
	if next := s.m.NextWakeup(); !next.IsZero() {
		s.printf("next at %s", s.clockTime(next))
	}
}

func (s *transcriptRunner) restart() {
	s.m = New(s.config, Options{FIFO: s.fifo, Random: rand.NewPCG(1, 2)})
	for i, e := range s.log {
		if err := replay(s.m, uint64(i+1), e); err != nil {
			s.Fatal(err)
		}
	}
	s.clock = Clock{}.Resume(s.m, s.now, s.now.Add(s.offset))
}
