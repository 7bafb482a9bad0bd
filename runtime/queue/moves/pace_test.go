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
				p.began(n, now)
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
	p.began(p.batch(), now)
	if w := p.wait(now); w != 0 {
		t.Errorf("waits %v", w)
	}
}

// A task that has taken 36 hours fails without another batch.
func TestThirtySixHours(t *testing.T) {
	started := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	q := &asked{}
	r := run{tasks: &Tasks{config: Config{Queue: func(queue.ID) (Queue, error) { return q, nil }}}, deadline: deadline(started, started)}
	task := Task{Started: started, Status: Running}
	if _, end, err := r.step(context.Background(), task, started.Add(MaxTime-1)); q.n != 1 || err == nil || end != (outcome{}) {
		t.Errorf("just before its end: %v, %v", end, err)
	}
	if _, end, err := r.step(context.Background(), task, started.Add(MaxTime)); q.n != 1 || err != nil || end != (outcome{Failed, "Timeout"}) {
		t.Errorf("at its end: %v, %v", end, err)
	}
}

// A task ends 36 hours after its start, however long the runtime was down, and 36
// hours from now when it was started under a clock that was ahead.
func TestTaskEnds(t *testing.T) {
	now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]time.Duration{0: MaxTime, time.Hour: MaxTime - time.Hour, -24 * time.Hour: MaxTime} {
		if got := deadline(now.Add(-ago), now).Sub(now); got != want {
			t.Errorf("started %v ago: ends in %v, want %v", ago, got, want)
		}
	}
}

// asked counts the moves that are asked of a queue.
type asked struct {
	Queue
	n int
}

func (*asked) Generation() uint64 { return 0 }
func (*asked) OwnedHere() bool    { return true }

func (q *asked) Move(context.Context, int, *queue.ID) (int, error) {
	q.n++
	return 0, fault.New(fault.Unavailable, "not now")
}
