//go:build linux

package limits

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sys/unix"
)

// The tests here set the machine's clock, for a second or two at a time. They put
// it back to where the monotonic clock says it would be, whatever happens.

// jump sets the clock and returns what sets it back; once is enough.
func jump(t *testing.T, by time.Duration) (back func()) {
	t.Helper()
	wall, epoch := readClock(t, unix.CLOCK_REALTIME), readClock(t, unix.CLOCK_MONOTONIC)
	set := func(to time.Duration) error {
		ts := unix.NsecToTimespec(int64(to))
		return unix.ClockSettime(unix.CLOCK_REALTIME, &ts)
	}
	need(t, set(wall+by), "setting the clock needs root")
	over := make(chan struct{})
	back = sync.OnceFunc(func() {
		close(over)
		if err := set(wall + readClock(t, unix.CLOCK_MONOTONIC) - epoch); err != nil {
			t.Errorf("the clock of this machine is wrong by %v: %v", by, err)
		}
	})
	killed := make(chan os.Signal, 1)
	signal.Notify(killed, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer signal.Stop(killed)
		select {
		case <-over:
		case <-time.After(10 * time.Second): // something hangs
			back()
		case <-killed:
			back()
			os.Exit(1)
		}
	}()
	t.Cleanup(back)
	return back
}

// readClock reads a clock of the machine.
func readClock(t *testing.T, id int32) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// A second of visibility, of delay and of a group's lock is a second, whatever
// the clock does meanwhile, and whether the runtime is killed meanwhile.
func TestClockJumps(t *testing.T) {
	long(t)
	for _, c := range []struct {
		name          string
		before, after time.Duration
		kill          bool
	}{
		{"set back by an hour", 0, -time.Hour, false},
		{"set back by an hour and killed", 0, -time.Hour, true},
		{"a day ahead and corrected", 24 * time.Hour, 0, false},
		{"a day ahead, killed and corrected", 24 * time.Hour, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := t.TempDir()
			s := start(t, "", data)
			back := func() {}
			if c.before != 0 {
				back = jump(t, c.before)
			}
			defer func() { back() }()
			first := hideForASecond(t, s)
			if c.kill {
				s.kill()
			}
			if c.after != 0 {
				back = jump(t, c.after)
			} else {
				back()
			}
			if c.kill {
				s = start(t, "", data)
			}
			again := clockQueueOf(t, s, "clock.fifo")
			if id := again.send("a", 0); id != first.head {
				t.Errorf("the deduplication id is forgotten: sent as %s, before as %s", id, first.head)
			}
			plain := clockQueueOf(t, s, "clock")
			got := map[string]types.Message{}
			within(t, 8*time.Second, "the hidden and the delayed message", func() bool {
				for _, m := range plain.receive(2) {
					got[*m.Body] = m
				}
				return len(got) == 2
			})
			if then, now := first.hidden.Attributes["SentTimestamp"], got["hidden"].Attributes["SentTimestamp"]; then != now {
				t.Errorf("it was sent at %s, and then at %s", then, now)
			}
			within(t, 8*time.Second, "the locked message", func() bool { return len(again.receive(2)) > 0 })
		})
	}
}

// A hiding is what hideForASecond leaves behind.
type hiding struct {
	hidden types.Message // in flight for a second; another one, "delayed", is so for a second
	head   string        // the id of a message of a FIFO group that is locked for a second
}

func hideForASecond(t *testing.T, s *server) (h hiding) {
	t.Helper()
	plain, fifo := clockQueueOf(t, s, "clock"), clockQueueOf(t, s, "clock.fifo")
	plain.send("hidden", 0)
	got := plain.receive(0)
	if len(got) != 1 {
		t.Fatalf("received %d messages, want 1", len(got))
	}
	h.hidden = got[0]
	plain.send("delayed", 1)
	h.head = fifo.send("a", 0)
	if got := fifo.receive(0); len(got) != 1 {
		t.Fatalf("received %d messages of the group, want 1", len(got))
	}
	return h
}

// A clockQueue is a queue whose messages are hidden for a second.
type clockQueue struct {
	*testing.T
	client *sqs.Client
	url    *string
	fifo   bool
}

// clockQueueOf finds a queue, or makes it.
func clockQueueOf(t *testing.T, s *server, name string) clockQueue {
	t.Helper()
	q := clockQueue{T: t, client: s.client(), fifo: name == "clock.fifo"}
	attributes := map[string]string{"VisibilityTimeout": "1"}
	if q.fifo {
		attributes["FifoQueue"] = "true"
	}
	out, err := q.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	q.url = out.QueueUrl
	return q
}

func (q clockQueue) send(body string, delay int32) (id string) {
	q.Helper()
	in := &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: &body, DelaySeconds: delay}
	if q.fifo {
		in.MessageGroupId, in.MessageDeduplicationId = new("g"), &body
	}
	out, err := q.client.SendMessage(q.Context(), in)
	if err != nil {
		q.Fatal(err)
	}
	return *out.MessageId
}

func (q clockQueue) receive(wait int32) []types.Message {
	q.Helper()
	// A poll that believes the clock ends only when the clock is set back.
	ctx, cancel := context.WithTimeout(q.Context(), time.Duration(wait)*time.Second+6*time.Second)
	defer cancel()
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: q.url, MaxNumberOfMessages: 10, WaitTimeSeconds: wait,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"SentTimestamp"},
	})
	if err != nil {
		q.Fatal(err)
	}
	return out.Messages
}

// within tries again until ok, for so long at most: the clock is set back soon.
func within(t *testing.T, wait time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(wait); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("a limit of the test struck: %s: not within %v", what, wait)
		}
	}
}
