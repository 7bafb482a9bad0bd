package queue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A stored is a machine and the log it can be rebuilt from.
type stored struct {
	m      *Machine
	config Config
	log    [][]byte
}

func (s *stored) do(now time.Time, do func(*Machine)) {
	s.m.CanBury(true)
	s.m.Begin(now)
	do(s.m)
	if g := s.m.Seal(Key{}); g.Entry != nil {
		s.log = append(s.log, slices.Clone(g.Entry))
	}
}

// kill forgets the machine and replays the log.
func (s *stored) kill(t *testing.T) {
	s.m = New(s.config, Options{Random: rand.NewPCG(1, uint64(len(s.log)))})
	for i, e := range s.log {
		if err := replay(s.m, uint64(i+1), e); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBurialsSurviveAKillAtEveryStep kills both queues after one of the steps
// of a burial: before, between and after what is written to the two logs.
func TestBurialsSurviveAKillAtEveryStep(t *testing.T) {
	for killed := range 8 {
		t.Run(fmt.Sprint("killed after step ", killed), func(t *testing.T) {
			source := &stored{config: Config{DeadLetter: &DeadLetter{MaxReceives: 1}}}
			target := &stored{}
			source.kill(t)
			target.kill(t)
			step := 0
			next := func() {
				if step == killed {
					source.kill(t)
					target.kill(t)
				}
				step++
			}
			source.do(epoch, func(m *Machine) {
				m.Send(draftOf(Message{Body: "a"}), draftOf(Message{Body: "b"}))
				m.Receive(&Waiter{}, ReceiveRequest{Max: 2})
			})
			next()
			source.do(epoch, func(m *Machine) { m.Receive(&Waiter{}, ReceiveRequest{Max: 2}) })
			next()
			for range 2 { // the second time is what a restart does
				for _, b := range source.m.Burying(1) {
					target.do(epoch, func(m *Machine) { m.Arrive(7, b) })
					next()
					source.do(epoch, func(m *Machine) { m.Buried(b.Number) })
					next()
				}
				for _, b := range source.m.Burying(10) {
					target.do(epoch, func(m *Machine) { m.Arrive(7, b) })
					next()
				}
			}
			for _, b := range source.m.Burying(10) {
				source.do(epoch, func(m *Machine) { m.Buried(b.Number) })
			}
			w := &Waiter{}
			target.do(epoch, func(m *Machine) { m.Receive(w, ReceiveRequest{Max: 10}) })
			if got := names(w.Deliveries); got != "a b" {
				t.Errorf("the dead-letter queue has %q", got)
			}
			if c := source.m.Counts(); c != (Counts{}) || len(source.m.Burying(1)) > 0 {
				t.Errorf("the source has %+v and %v", c, source.m.Burying(10))
			}
		})
	}
}
