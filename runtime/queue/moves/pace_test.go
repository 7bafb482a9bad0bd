package moves

import (
	"context"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// At every rate, however long batches take, no second sees more messages begin
// than the rate, and quick batches reach it.
func TestPace(t *testing.T) {
	start := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	for rate := 1; rate <= MaxRate; rate++ {
		for _, slow := range []time.Duration{0, 30 * time.Millisecond, 1500 * time.Millisecond} {
			p := pace{rate: rate}
			now := start
			begun := map[int]int{} // messages by the second in which they began
			for now.Before(start.Add(20 * time.Second)) {
				now = now.Add(p.wait(now))
				n := p.batch()
				begun[int(now.Sub(start)/time.Second)] += n
				p.took(n, now)
				now = now.Add(slow)
			}
			total := 0
			for second, n := range begun {
				// A batch that begins at the end of a second belongs to the next one as well.
				if n > rate+p.batch()-1 {
					t.Fatalf("rate %d, batches of %v: %d messages in second %d", rate, slow, n, second)
				}
				if second < 20 {
					total += n
				}
			}
			if most := 20*rate + p.batch(); total > most {
				t.Errorf("rate %d, batches of %v: %d messages in 20 s", rate, slow, total)
			}
			if slow == 0 && total < 20*rate-p.batch() {
				t.Errorf("rate %d: only %d messages in 20 s", rate, total)
			}
		}
	}
}

func TestPaceWithoutRate(t *testing.T) {
	p := pace{}
	now := time.Unix(1000, 0)
	p.took(p.batch(), now)
	if w := p.wait(now); w != 0 {
		t.Errorf("waits %v", w)
	}
	p.pause(now.Add(time.Second))
	if w := p.wait(now); w != time.Second {
		t.Errorf("waits %v after a failure, want a second", w)
	}
}

// A task that has taken 36 hours fails without another batch.
func TestThirtySixHours(t *testing.T) {
	started := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	asked := false
	r := run{tasks: &Tasks{config: Config{Queue: func(queue.ID) (Queue, error) {
		asked = true
		return nil, fault.New(fault.Unavailable, "not now")
	}}}}
	task := Task{Started: started, Status: Running}
	if _, end, err := r.step(context.Background(), task, started.Add(MaxTime-1)); !asked || err == nil || end != (outcome{}) {
		t.Errorf("just before its end: %v, %v", end, err)
	}
	asked = false
	if _, end, err := r.step(context.Background(), task, started.Add(MaxTime)); asked || err != nil || end != (outcome{Failed, "Timeout"}) {
		t.Errorf("at its end: %v, %v", end, err)
	}
}
