package fifo_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
	"millrace/runtime/topic/fifo"
)

// A reader gets what is published after it, in order, and one that is blocked blocks no
// other.
func TestReadersGetAllInOrder(t *testing.T) {
	bubble(t, func(e *env) {
		a := e.follow("a")
		e.publish("1")
		b := e.follow("b")
		blocked := e.follow("blocked")
		blocked.fail = func([]fifo.Item) (int, error) { return 0, errors.New("no") }
		e.publish(numbered(2, 600)...)
		settle()
		a.want(numbered(1, 600)...)
		b.want(numbered(2, 600)...)
		blocked.want()
		if n := e.logs.Pending(topic, "blocked"); n != 599 {
			t.Errorf("%d entries are pending, want 599", n)
		}
		blocked.mu.Lock()
		blocked.fail = nil
		blocked.mu.Unlock()
		e.logs.Wake(topic)
		time.Sleep(100 * time.Millisecond)
		blocked.want(numbered(2, 600)...)
	})
}

// Sixteen publishers and a reader that fails now and then: the order of the numbers is that
// of the delivery, and of each publisher's entries that of its calls.
func TestOrderUnderLoad(t *testing.T) {
	bubble(t, func(e *env) {
		steady, shaky := e.follow("steady"), e.follow("shaky")
		turn := 0
		shaky.fail = func(items []fifo.Item) (int, error) {
			turn++
			if turn%3 == 0 {
				return len(items) / 2, errors.New("no")
			}
			return (len(items) + 1) / 2, nil
		}
		var mu sync.Mutex
		numbers := map[uint64]string{}
		var publishers sync.WaitGroup
		for p := range 16 {
			publishers.Go(func() {
				last := uint64(0)
				for i := range 50 {
					content := fmt.Sprintf("%d-%d", p, i)
					for _, s := range e.publish(content, content+"b") {
						if s.Seq <= last || s.Duplicate {
							t.Errorf("%s: %+v after %d", content, s, last)
						}
						last = s.Seq
						mu.Lock()
						numbers[s.Seq] = content
						mu.Unlock()
					}
				}
			})
		}
		publishers.Wait()
		time.Sleep(time.Minute)
		if len(numbers) != 1600 {
			t.Errorf("%d numbers for 1600 entries", len(numbers))
		}
		if steady.count() != 1600 {
			t.Errorf("%d entries were handed over, want 1600", steady.count())
		}
		shaky.want(steady.got...)
	})
}

func TestDuplicates(t *testing.T) {
	bubble(t, func(e *env) {
		s := e.follow("a")
		put := func(key, content string) fifo.Stored {
			stored, err := e.logs.Publish(ctx, topic, fifo.Entry{DedupKey: key, Content: []byte(content)})
			if err != nil || stored[0].Err != nil {
				t.Fatal(stored, err)
			}
			return stored[0]
		}
		first := put("k", "original")
		again := put("k", "other")
		if !again.Duplicate || again.Seq != first.Seq || string(again.Content) != "original" {
			t.Errorf("the duplicate: %+v, the original: %+v", again, first)
		}
		if other := put("l", "original"); other.Duplicate || other.Seq <= first.Seq {
			t.Errorf("another key: %+v", other)
		}
		both := e.publish("m", "n", "m")
		if both[0].Duplicate || both[1].Duplicate || !both[2].Duplicate || both[2].Seq != both[0].Seq {
			t.Errorf("duplicates in one call: %+v", both)
		}
		time.Sleep(fifo.DuplicateWindow - 10*time.Second)
		e.kill()
		e.again("a", s)
		if late := put("k", "other"); !late.Duplicate || late.Seq != first.Seq || string(late.Content) != "original" {
			t.Errorf("after a restart within the window: %+v", late)
		}
		time.Sleep(20 * time.Second)
		if after := put("k", "after"); after.Duplicate || after.Seq <= both[1].Seq {
			t.Errorf("after the window: %+v", after)
		}
		settle()
		s.want("original", "original", "m", "n", "after")
	})
}

// After a restart, or a kill, readers go on where they were; numbers rise.
func TestRestart(t *testing.T) {
	for name, restart := range map[string]func(*env){"stopped": (*env).reopen, "killed": (*env).kill} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(e *env) {
				s, blocked := e.follow("a"), e.follow("blocked")
				blocked.fail = func(items []fifo.Item) (int, error) { return 0, errors.New("no") }
				var last uint64
				for round := range 4 {
					for _, stored := range e.publish(numbered(100*round, 100*round+99)...) {
						if stored.Seq <= last {
							t.Fatalf("number %d after %d", stored.Seq, last)
						}
						last = stored.Seq
					}
					if round == 2 {
						settle()
					}
					restart(e)
					e.again("a", s)
					e.again("blocked", blocked)
				}
				blocked.mu.Lock()
				blocked.fail = nil
				blocked.mu.Unlock()
				time.Sleep(10 * time.Second)
				s.want(numbered(0, 399)...)
				blocked.want(numbered(0, 399)...)
				if name == "stopped" && s.handed != 400 {
					t.Errorf("%d items were handed over of 400", s.handed)
				}
				if len(e.losses) > 0 {
					t.Errorf("losses: %+v", e.losses)
				}
			})
		})
	}
}

// A reader that is given again gets nothing twice, and a cursor without a reader waits for
// one.
func TestFollowAgain(t *testing.T) {
	bubble(t, func(e *env) {
		s := e.follow("a")
		e.publish("1")
		settle()
		e.again("a", s)
		e.publish("2")
		settle()
		s.want("1", "2")
		if s.handed != 2 {
			t.Errorf("%d items were handed over of 2", s.handed)
		}
		if err := e.logs.Forget(ctx, topic, "a"); err != nil {
			t.Fatal(err)
		}
		e.publish("3")
		if got := e.logs.Readers(topic); len(got) > 0 {
			t.Errorf("readers %v are left", got)
		}
		e.again("a", s)
		e.publish("4")
		settle()
		s.want("1", "2", "4")
		if err := e.logs.Forget(ctx, "another", "a"); err != nil {
			t.Errorf("forgetting what is not there: %v", err)
		}
	})
}

// A topic that nothing was published to has no stream.
func TestQuietLogHasNoStream(t *testing.T) {
	bubble(t, func(e *env) {
		before := e.streams()
		e.follow("a")
		e.follow("b")
		settle()
		if after := e.streams(); !slices.Equal(before, after) {
			t.Errorf("streams %v", after)
		}
		if b := e.bounds(); b != (fifo.Bounds{}) {
			t.Errorf("bounds %+v", b)
		}
	})
}

func (e *env) streams() (all []string) {
	e.Helper()
	names := e.backbone.JetStream().StreamNames(ctx)
	for n := range names.Name() {
		all = append(all, n)
	}
	if err := names.Err(); err != nil {
		e.Fatal(err)
	}
	return all
}

func TestDelete(t *testing.T) {
	bubble(t, func(e *env) {
		before := e.streams()
		e.follow("a")
		e.publish("1")
		if err := e.logs.Delete(ctx, topic); err != nil {
			t.Fatal(err)
		}
		settle()
		if after := e.streams(); !slices.Equal(before, after) {
			t.Errorf("streams %v", after)
		}
		if n := e.logs.Names(); len(n) > 0 {
			t.Errorf("logs %v", n)
		}
		if err := e.logs.Delete(ctx, topic); err != nil {
			t.Errorf("deleting again: %v", err)
		}
		e.kill()
		if n := e.logs.Names(); len(n) > 0 || len(e.losses) > 0 {
			t.Errorf("logs %v, losses %v", n, e.losses)
		}
		e.follow("b")
		e.publish("x")
		if err := e.logs.Reset(ctx); err != nil {
			t.Fatal(err)
		}
		if after := e.streams(); !slices.Equal(before, after) {
			t.Errorf("streams %v", after)
		}
	})
}

// When the disk is full nothing is published, and readers go on.
func TestFullDisk(t *testing.T) {
	bubble(t, func(e *env) {
		e.close()
		full := &shut{}
		e.config.Gate = capacity.Gate{full}
		e.open()
		s := e.follow("a")
		blocked := true
		s.fail = func(items []fifo.Item) (int, error) {
			if blocked {
				return 0, errors.New("no")
			}
			return len(items), nil
		}
		e.publish("1")
		full.set(fault.State(nil, "full"))
		if _, err := e.logs.Publish(ctx, topic, fifo.Entry{DedupKey: "2"}); !errors.Is(err, fault.Unavailable) {
			t.Errorf("published to a full disk: %v", err)
		}
		s.mu.Lock()
		blocked = false
		s.mu.Unlock()
		settle()
		s.want("1")
		full.set(nil)
		e.publish("2")
		settle()
		s.want("1", "2")
	})
}

type shut struct {
	mu  sync.Mutex
	err error
}

func (s *shut) Admit(int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *shut) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}
