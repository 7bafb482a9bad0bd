package queue

import (
	"fmt"
	"testing"
	"time"
)

// TestTransfersSurviveAKillAtEveryStep kills both queues after one of the steps
// of a transfer: before, between and after what is written to the two logs.
func TestTransfersSurviveAKillAtEveryStep(t *testing.T) {
	for killed := range 8 {
		t.Run(fmt.Sprint("killed after step ", killed), func(t *testing.T) {
			source := &loggedMachine{config: Config{DeadLetter: &DeadLetter{MaxReceives: 1}}}
			target := &loggedMachine{}
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
				for _, b := range source.m.PendingTransfers(1) {
					target.do(epoch, func(m *Machine) { m.AcceptTransfers(7, b) })
					next()
					source.do(epoch, func(m *Machine) { m.CompleteTransfer(b.Number) })
					next()
				}
				for _, b := range source.m.PendingTransfers(10) {
					target.do(epoch, func(m *Machine) { m.AcceptTransfers(7, b) })
					next()
				}
			}
			for _, b := range source.m.PendingTransfers(10) {
				source.do(epoch, func(m *Machine) { m.CompleteTransfer(b.Number) })
			}
			w := &Waiter{}
			target.do(epoch, func(m *Machine) { m.Receive(w, ReceiveRequest{Max: 10}) })
			if got := names(w.Deliveries); got != "a b" {
				t.Errorf("the dead-letter queue has %q", got)
			}
			if c := source.m.Counts(); c != (Counts{}) || len(source.m.PendingTransfers(1)) > 0 {
				t.Errorf("the source has %+v and %v", c, source.m.PendingTransfers(10))
			}
		})
	}
}

// A message whose transfer was reverted counts once, however soon.
func TestRevertedTransferCountsOnce(t *testing.T) {
	f := fix(t, true, Config{Delay: time.Minute})
	f.send("a1", "b1", "c1")
	f.do(func() { f.m.Move(MoveRequest{3, "arn:aws:sqs:us-east-1:000000000000:x.fifo"}) })
	f.do(func() { f.m.RevertTransfer(3) })
	f.do(func() {
		if c := f.m.Counts(); c.Visible != 0 || c.Delayed != 3 {
			t.Errorf("%+v, want 3 delayed", c)
		}
	})
}
