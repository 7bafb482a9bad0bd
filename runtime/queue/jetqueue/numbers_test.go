package jetqueue_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone/backbonetest"
)

// numbered is the message seq of source 7.
func numbered(seq uint64, text string) queue.Message {
	return queue.Message{Body: text, Source: 7, Seq: seq}
}

var repeated = queue.SendResult{Duplicate: true}

// A source that is killed between a send and its own note of it sends again: also to a
// queue that was killed with it.
func TestNumberedSendsAreKnownAfterAKill(t *testing.T) {
	e := start(t, jetqueue.Options{})
	q := e.create("orders", nil)
	e.send(q, numbered(1, "a"), numbered(2, "b"))
	killed := &env{TB: t, dir: t.TempDir()}
	if err := os.CopyFS(killed.dir, os.DirFS(e.dir)); err != nil {
		t.Fatal(err)
	}
	killed.open()
	defer killed.close()
	q = killed.get("orders")
	if sent := killed.send(q, numbered(2, "b"), numbered(3, "c")); sent[0] != repeated || sent[1].Duplicate || sent[1].MessageID == "" {
		t.Errorf("sent again: %+v", sent)
	}
	for _, m := range killed.receive(q, ten, "a", "b", "c") {
		if m.Source != 0 || m.Seq != 0 {
			t.Errorf("receivers are told its number: %+v", m)
		}
	}
}

// Numbers outlive the entries of the log that had them.
func TestNumbersSurviveATrim(t *testing.T) {
	bubble(t, jetqueue.Options{}, func(e *env) {
		q := e.create("orders", nil)
		e.send(q, numbered(1, "first"))
		e.delete(q, e.receive(q, one, "first")[0])
		behind := strings.Repeat("x", 200<<10)
		for range 30 {
			e.send(q, body(behind))
			e.delete(q, e.receive(q, one, behind)[0])
		}
		synctest.Wait()
		s, err := e.backbone.JetStream().Stream(ctx, fmt.Sprintf("MILLRACE_QUEUE_%016x", q.Generation()))
		if err != nil {
			t.Fatal(err)
		}
		if info, err := s.Info(ctx); err != nil || info.State.FirstSeq < 10 {
			t.Fatalf("nothing was trimmed: %+v, %v", info.State, err)
		}
		e.reopen()
		q = e.get("orders")
		if sent := e.send(q, numbered(1, "again")); sent[0] != repeated {
			t.Errorf("sent again: %+v", sent)
		}
		e.send(q, numbered(2, "next"))
		e.receive(q, ten, "next")
	})
}

// A queue that moves or buries a numbered message numbers its transfer by itself.
func TestNumbersStayWithTheirQueue(t *testing.T) {
	bubble(t, jetqueue.Options{}, func(e *env) {
		to := e.create("to", nil)
		q := e.create("orders", nil)
		target := to.ID()
		for seq := range uint64(3) {
			e.send(q, queue.Message{Body: "a", Source: q.Generation(), Seq: 100 + seq})
			e.send(to, queue.Message{Body: "b", Source: q.Generation(), Seq: 100 + seq})
			if n, err := q.Move(ctx, 1, &target); n != 1 || err != nil {
				t.Fatalf("moved %d, %v", n, err)
			}
		}
		e.receive(to, ten, "b", "a", "b", "a", "b", "a")
	})
}

// The owner of a queue is killed while another node sends: what may have happened is
// repeated until it surely has, and takes place once.
func TestNumberedSendsTakePlaceOnceOverATakeover(t *testing.T) {
	url := backbonetest.Listen(t, 0)
	a, b := join(t, url), join(t, url)
	name := b.owned(a, "")
	q := b.get(name)
	const n = 200
	for seq := uint64(1); seq <= n; seq++ {
		if seq == n/2 {
			go a.kill()
		}
		for began := time.Now(); ; {
			_, err := q.Send(ctx, numbered(seq, fmt.Sprint(seq)))
			if err == nil {
				break
			}
			if !errors.Is(err, fault.Unavailable) || time.Since(began) > time.Minute {
				t.Fatal(err)
			}
		}
	}
	all, err := q.Peek(ctx, queue.PeekRequest{})
	if err != nil || len(all) != n {
		t.Fatalf("%d messages, %v; want %d", len(all), err, n)
	}
	for i, m := range all {
		if m.Body != fmt.Sprint(i+1) {
			t.Fatalf("message %d is %s", i+1, m.Body)
		}
	}
}
