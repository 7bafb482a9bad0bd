package jetqueue_test

import (
	"bytes"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/queue/digest"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone/backbonetest"
)

// sign is what a sender might want done at the receive: it fills a place in.
func sign(body string) string { return strings.ReplaceAll(body, "?", "!") }

func unfinished(s string) queue.Message { return queue.Message{Body: s, Unfinished: true} }

// Each receive and each look completes what was sent unfinished, and nothing else; a
// restart changes nothing.
func TestBodiesAreFinishedWhenTheyAreReceived(t *testing.T) {
	bubble(t, jetqueue.Options{Finish: sign}, func(e *env) {
		q := e.create("orders", nil)
		var all []queue.Message
		for range 4 {
			all = append(all, unfinished("a?"), body("b?"))
		}
		all[0].MD5 = digest.Sum("a?") // not what receivers get
		e.send(q, all...)
		for range 2 {
			seen, err := q.Peek(ctx, queue.PeekRequest{})
			if err != nil || len(seen) != len(all) || seen[0].Body != "a!" || seen[1].Body != "b?" {
				t.Errorf("looked at %+v, %v", seen, err)
			}
			got := e.receive(q, ten, "a!", "b?", "a!", "b?", "a!", "b?", "a!", "b?")
			for _, m := range got {
				if m.Unfinished || digest.Body(&m.Message) != digest.Body(&queue.Message{Body: m.Body}) {
					t.Errorf("received %+v, whose MD5 is another's", m)
				}
			}
			e.reopen()
			q = e.get("orders")
			time.Sleep(time.Minute)
		}
	})
}

// A dead letter and a message that moves stay unfinished on their way: each queue's
// receivers complete them.
func TestTransfersCarryUnfinishedBodies(t *testing.T) {
	var finished atomic.Int64
	bubble(t, jetqueue.Options{Finish: func(body string) string { return body[:1] + string(rune('0'+finished.Add(1))) }}, func(e *env) {
		dead := e.create("dead", nil)
		q := e.create("orders", func(c *queue.Config) { c.DeadLetter = &queue.DeadLetter{Target: dead.ID(), MaxReceives: 1} })
		e.send(q, unfinished("a?"))
		e.receive(q, one, "a1")
		time.Sleep(time.Minute)
		e.receive(q, one)
		synctest.Wait()
		e.receive(dead, one, "a2")
		time.Sleep(time.Minute)
		if n, err := dead.Move(ctx, 1, nil); n != 1 || err != nil {
			t.Fatalf("moved %d, %v", n, err)
		}
		e.receive(q, one, "a3")
	})
}

// What counts and compares bodies sees what was sent.
func TestDeduplicationComparesUnfinishedBodies(t *testing.T) {
	bubble(t, jetqueue.Options{Finish: sign}, func(e *env) {
		q := e.create("orders.fifo", func(c *queue.Config) { c.ContentDedup = true })
		m := unfinished("a?")
		m.GroupID = "g"
		e.send(q, m)
		if sent := e.send(q, m); !sent[0].Duplicate {
			t.Error("the same body was taken twice")
		}
		m.Body = "a!"
		if sent := e.send(q, m); sent[0].Duplicate {
			t.Error("what it will be counts as what it is")
		}
	})
}

// A message of which no more can be made is received as it is stored.
func TestUnfinishedBodiesThatCannotBeFinished(t *testing.T) {
	for name, finish := range map[string]func(string) string{
		"there is no function": nil,
		"the function panics": func(body string) string {
			if body == "a?" {
				panic("a bug")
			}
			return sign(body)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			bubble(t, jetqueue.Options{Finish: finish, Log: slog.New(slog.NewTextHandler(&log, nil))}, func(e *env) {
				q := e.create("orders", nil)
				e.send(q, unfinished("a?"), unfinished("b?"))
				want := map[bool]string{true: "b?", false: "b!"}[finish == nil]
				e.receive(q, ten, "a?", want)
				if panicked := finish != nil; panicked != strings.Contains(log.String(), "panicked") {
					t.Errorf("the log says %q", log.String())
				}
			})
		})
	}
}

// Ten bodies are completed at the same time, as far as there are processors, and
// while that takes its time the queue works.
func TestManyBodiesAreFinishedAtOnce(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("needs two processors")
	}
	var together sync.WaitGroup
	together.Add(2)
	e := start(t, jetqueue.Options{})
	e.close()
	var begun atomic.Int64
	e.options.Finish = func(body string) string {
		if begun.Add(1) <= 2 {
			together.Done()
			together.Wait() // for ever, if they came one after the other
			e.counts(e.get("orders"), 0, 10, 0)
		}
		return sign(body)
	}
	e.open()
	q := e.create("orders", nil)
	for range 10 {
		e.send(q, unfinished("a?"))
	}
	e.receive(q, ten, "a!", "a!", "a!", "a!", "a!", "a!", "a!", "a!", "a!", "a!")
}

// Whoever owns a queue, receivers at every node get finished bodies.
func TestBodiesAreFinishedForReceiversOnOtherNodes(t *testing.T) {
	url := backbonetest.Listen(t, 0)
	one, two := joinWith(t, url, jetqueue.Options{Finish: sign}), joinWith(t, url, jetqueue.Options{Finish: sign})
	name := one.owned(one, "")
	for _, pair := range [][2]*node{{one, two}, {two, one}} {
		q, p := pair[0].get(name), pair[1].get(name)
		if _, err := q.Send(ctx, unfinished("a?")); err != nil {
			t.Fatal(err)
		}
		if seen, err := p.Peek(ctx, queue.PeekRequest{}); err != nil || len(seen) != 1 || seen[0].Body != "a!" {
			t.Errorf("looked at %+v, %v", seen, err)
		}
		got, err := p.Receive(ctx, poll)
		if err != nil || len(got) != 1 || got[0].Body != "a!" || got[0].MD5 != [16]byte{} {
			t.Fatalf("received %+v, %v", got, err)
		}
		if err := p.Delete(ctx, got[0].ReceiptHandle)[0]; err != nil {
			t.Error(err)
		}
	}
}
