package jetqueue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/loss"
)

const recordStream = "KV_millrace-records"

// loseRecords removes what was ever written of queues' records, as if the file had
// lost it: not as a delete does, which is remembered.
func loseRecords(t testing.TB, js jetstream.JetStream) {
	t.Helper()
	s, err := js.Stream(ctx, recordStream)
	if err == nil {
		err = s.Purge(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// logs are the names of the streams of queues.
func logs(t testing.TB, js jetstream.JetStream) (all []string) {
	t.Helper()
	names := js.StreamNames(ctx)
	for name := range names.Name() {
		if jetqueue.IsQueueLog(name) {
			all = append(all, name)
		}
	}
	if err := names.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// A queue in use whose record was lost is restored as it was created, and that is
// reported; one that was never used is removed without a report.
func TestLogsWithoutARecord(t *testing.T) {
	l := startLossyEnv(t)
	l.numbered(l.create("used", nil), 1, 3)
	js := l.backbone.JetStream()
	made := jetstream.StreamConfig{Name: "MILLRACE_QUEUE_00000000000000aa", Subjects: []string{"millrace.queue.00000000000000aa"}}
	for _, about := range []string{"", "not as we write it", `{"ID":{"Account":"000000000000","Region":"us-east-1","Name":"made"},"Source":170}`} {
		made.Metadata = map[string]string{"record": about}
		if _, err := js.CreateOrUpdateStream(ctx, made); err != nil {
			t.Fatal(err)
		}
		loseRecords(t, js)
		l.close()
		got := l.reopenAndListLosses()
		if len(got) != 1 || got[0].Kind != loss.Record || got[0].Name != id("used").ARN().String() {
			t.Errorf("record %q: found %v, want the record of the queue in use", about, got)
		}
		js = l.backbone.JetStream()
		if left := logs(t, js); len(left) != 1 {
			t.Errorf("record %q: the logs %v are left, want one", about, left)
		}
		if got, err := l.get("used").Counts(ctx); err != nil || got.Visible != 3 {
			t.Errorf("record %q: %+v, %v", about, got, err)
		}
		if _, err := l.queues.Get(id("made")); !errors.Is(err, fault.NotFound) {
			t.Errorf("record %q: a queue is there that was never made: %v", about, err)
		}
	}
	l.wantReportedOnce()
}

// A kill in the middle of a delete leaves the stream of a queue whose record says
// that it was deleted. The stream is removed, also one of an earlier queue of the
// same name.
func TestLogsOfDeletedQueues(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprintf("made anew %v", again), func(t *testing.T) {
			l := startLossyEnv(t)
			l.numbered(l.create("q", nil), 1, 3)
			js := l.backbone.JetStream()
			old, err := js.Stream(ctx, logs(t, js)[0])
			if err != nil {
				t.Fatal(err)
			}
			config := old.CachedInfo().Config
			if err := l.queues.Delete(ctx, id("q")); err != nil {
				t.Fatal(err)
			}
			if again {
				l.send(l.create("q", nil), body("new"))
			}
			if _, err := js.CreateStream(ctx, config); err != nil { // as if it had not been reached
				t.Fatal(err)
			}
			if _, err := js.Publish(ctx, config.Subjects[0], []byte("an entry")); err != nil {
				t.Fatal(err)
			}
			l.close()
			if got := l.reopenAndListLosses(); len(got) != 0 {
				t.Errorf("found %v", got)
			}
			want := map[bool]int{false: 0, true: 1}[again]
			if left := logs(t, l.backbone.JetStream()); len(left) != want {
				t.Errorf("the logs %v are left, want %d", left, want)
			}
			q, err := l.queues.Get(id("q"))
			if again {
				if got := l.bodies(q); err != nil || fmt.Sprint(got) != "[new]" {
					t.Errorf("the new queue has %v, %v", got, err)
				}
			} else if !errors.Is(err, fault.NotFound) {
				t.Errorf("the deleted queue: %v", err)
			}
		})
	}
}

// A queue whose log is gone can be used. The loss is reported, with the number of
// messages where that is known.
func TestQueuesWithoutALog(t *testing.T) {
	for _, c := range []struct {
		rule  string
		marks bool
		want  func(loss.Loss) bool
	}{
		{"with checkpoints", true, func(d loss.Loss) bool { return d.Messages == 3 && !d.AtMost }},
		{"without", false, func(d loss.Loss) bool { return d.AtMost && strings.Contains(d.What, "its log is gone") }},
	} {
		t.Run(c.rule, func(t *testing.T) {
			l := startLossyEnv(t)
			if !c.marks {
				l.close()
				l.options.CheckpointFile = ""
				l.open()
			}
			l.numbered(l.create("q", nil), 1, 3)
			js := l.backbone.JetStream()
			if err := js.DeleteStream(ctx, logs(t, js)[0]); err != nil {
				t.Fatal(err)
			}
			l.close()
			l.options.Strict = true
			l.startParts()
			if err := jetqueue.New(l.backbone, l.records, l.options).Start(ctx); err == nil || !strings.Contains(err.Error(), ":q: its log is gone") {
				t.Errorf("a strict start: %v", err)
			}
			l.records.Stop(t.Context())
			l.backbone.Stop(ctx)
			l.options.Strict = false
			got := l.reopenAndListLosses()
			if len(got) != 1 || got[0].Kind != loss.Queue || got[0].Name != id("q").ARN().String() || !c.want(got[0]) {
				t.Errorf("found %+v", got)
			}
			l.send(l.get("q"), body("new"))
			if got := l.bodies(l.get("q")); fmt.Sprint(got) != "[new]" {
				t.Errorf("served %v", got)
			}
			l.wantReportedOnce()
		})
	}
}

// A node that starts keeps a young stream without a record: another node may be
// creating the queue.
func TestYoungOrphanIsKept(t *testing.T) {
	url := backbonetest.Listen(t, 0)
	one := join(t, url)
	js := one.backbone.JetStream()
	young := jetstream.StreamConfig{Name: "MILLRACE_QUEUE_00000000000000aa", Subjects: []string{"millrace.queue.00000000000000aa"}}
	if _, err := js.CreateStream(ctx, young); err != nil {
		t.Fatal(err)
	}
	join(t, url)
	if left := logs(t, js); len(left) != 1 {
		t.Errorf("the logs %v are left, want the one that is being used", left)
	}
}
