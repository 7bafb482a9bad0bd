package jetqueue_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/loss"
	"millrace/test/patience"
)

var aWhile = time.Hour

// A lossyEnv keeps checkpoints, and the losses that were reported.
type lossyEnv struct {
	*env
	before uint64     // entries of a new log, before the first that a test writes
	hold   sync.Mutex // held to have reports wait
	mu     sync.Mutex // owners of several queues report
	losses []loss.Loss
}

func startLossyEnv(t *testing.T) *lossyEnv {
	l := &lossyEnv{}
	l.env = start(t, jetqueue.Options{
		CheckpointFile: filepath.Join(t.TempDir(), "checkpoints"),
		OnLoss: func(d loss.Loss) error {
			l.hold.Lock()
			defer l.hold.Unlock()
			l.mu.Lock()
			defer l.mu.Unlock()
			l.losses = append(l.losses, d)
			return nil
		},
	})
	return l
}

// create has the log of the new queue written to once, when that is what an owner
// does with a new log: what a test sends is not in that entry, then.
func (l *lossyEnv) create(name string, change func(*queue.Config)) *jetqueue.Queue {
	l.Helper()
	q := l.env.create(name, change)
	if _, err := q.Counts(ctx); err != nil {
		l.Fatal(err)
	}
	s, err := l.backbone.JetStream().Stream(ctx, fmt.Sprintf("MILLRACE_QUEUE_%016x", q.Generation()))
	if err != nil {
		l.Fatal(err)
	}
	l.before = s.CachedInfo().State.LastSeq
	return q
}

// reopenAndListLosses opens the queues again and returns the losses that are
// reported.
func (l *lossyEnv) reopenAndListLosses() []loss.Loss {
	l.Helper()
	l.losses = nil
	l.open()
	if err := l.queues.WaitReady(ctx); err != nil {
		l.Fatal(err)
	}
	return l.losses
}

// wantReportedOnce checks that the next start reports nothing.
func (l *lossyEnv) wantReportedOnce() {
	l.Helper()
	l.close()
	if got := l.reopenAndListLosses(); len(got) != 0 {
		l.Errorf("told again: %v", got)
	}
}

// lose removes entries from the only log. The first that a test has written is 1.
func (l *lossyEnv) lose(entries ...uint64) {
	l.Helper()
	l.loseOf("", entries...)
}

// loseOf removes entries from the log of a queue, or of all when that is "".
func (l *lossyEnv) loseOf(name string, entries ...uint64) {
	l.Helper()
	streams := l.backbone.JetStream().ListStreams(ctx)
	for info := range streams.Info() {
		if !jetqueue.IsQueueLog(info.Config.Name) || name != "" && info.Config.Metadata["queue"] != name {
			continue
		}
		s, err := l.backbone.JetStream().Stream(ctx, info.Config.Name)
		if err != nil {
			l.Fatal(err)
		}
		for _, seq := range entries {
			if err := s.DeleteMsg(ctx, l.before+seq); err != nil {
				l.Fatal(err)
			}
		}
	}
	if err := streams.Err(); err != nil {
		l.Fatal(err)
	}
}

func (l *lossyEnv) want(got []loss.Loss, entries string, messages uint64, numbers string) {
	l.Helper()
	if len(got) != 1 {
		l.Fatalf("got %d losses, want 1: %v", len(got), got)
	}
	entries = regexp.MustCompile(`\d+`).ReplaceAllStringFunc(entries, func(n string) string {
		seq, _ := strconv.ParseUint(n, 10, 64)
		return strconv.FormatUint(l.before+seq, 10)
	})
	if g := got[0]; g.Kind != loss.Queue || g.Entries != entries || g.Messages != messages || g.Numbers != numbers {
		l.Errorf("got entries %s with %d messages %s of a %s, want entries %s with %d messages %s", g.Entries, g.Messages, g.Numbers, g.Kind, entries, messages, numbers)
	}
}

// numbered sends messages one by one: message n is in the n-th entry, and is its number.
func (l *lossyEnv) numbered(q *jetqueue.Queue, from, to int) {
	l.Helper()
	for n := from; n <= to; n++ {
		l.send(q, queue.Message{Body: fmt.Sprint(n)})
	}
}

func (l *lossyEnv) bodies(q *jetqueue.Queue) (all []string) {
	l.Helper()
	for {
		got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 10, Visibility: &aWhile})
		if err != nil {
			l.Fatal(err)
		}
		if len(got) == 0 {
			return all
		}
		for _, m := range got {
			all = append(all, m.Body)
		}
	}
}

func TestLostEntriesAreReported(t *testing.T) {
	l := startLossyEnv(t)
	l.numbered(l.create("q", nil), 1, 10)
	l.lose(3, 4, 7)
	l.close()
	l.want(l.reopenAndListLosses(), "3-4,7", 3, "3-4,7")
	q := l.get("q")
	if got := l.bodies(q); fmt.Sprint(got) != "[1 2 5 6 8 9 10]" {
		t.Errorf("served %v", got)
	}
	l.numbered(q, 11, 11)
	l.wantReportedOnce()
}

func TestDeletedMessagesAreNotLost(t *testing.T) {
	l := startLossyEnv(t)
	q := l.create("q", nil)
	l.numbered(q, 1, 3)
	got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range got {
		if errs := q.Delete(ctx, m.ReceiptHandle); errs[0] != nil {
			t.Fatal(errs)
		}
	}
	l.lose(2) // sent, and deleted in an entry that is there
	l.close()
	l.want(l.reopenAndListLosses(), "2", 0, "")
}

// The end of a log is lost where JetStream itself does not know of it.
func TestTruncatedLogIsReported(t *testing.T) {
	l := startLossyEnv(t)
	l.numbered(l.create("q", nil), 1, 5)
	whole := filepath.Join(t.TempDir(), "then")
	if err := os.CopyFS(whole, os.DirFS(l.dir)); err != nil {
		t.Fatal(err)
	}
	l.numbered(l.get("q"), 6, 9)
	l.close()
	l.dir = whole // as of before; the checkpoints are of now
	l.want(l.reopenAndListLosses(), "6-9", 4, "6-9")
	sent := l.send(l.get("q"), queue.Message{Body: "new"})
	if len(sent) != 1 {
		t.Fatal(sent)
	}
	if got := l.bodies(l.get("q")); fmt.Sprint(got) != "[1 2 3 4 5 new]" {
		t.Errorf("served %v", got)
	}
	l.wantReportedOnce()
}

// The handle of a lost message is not valid for a later one.
func TestLostNumbersAreNotReused(t *testing.T) {
	l := startLossyEnv(t)
	q := l.create("q", nil)
	l.numbered(q, 1, 1)
	before := filepath.Join(t.TempDir(), "then")
	if err := os.CopyFS(before, os.DirFS(l.dir)); err != nil {
		t.Fatal(err)
	}
	l.numbered(q, 2, 2)
	got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 2})
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	l.close()
	l.dir = before
	l.reopenAndListLosses()
	q = l.get("q")
	l.numbered(q, 3, 3)
	q.Delete(ctx, got[1].ReceiptHandle)
	if got := l.bodies(q); fmt.Sprint(got) != "[1 3]" {
		t.Errorf("served %v", got)
	}
}

func TestLostRecordIsRestored(t *testing.T) {
	l := startLossyEnv(t)
	q := l.create("q", func(c *queue.Config) { c.Tags = map[string]string{"a": "b"} })
	l.numbered(q, 1, 3)
	l.create("deleted", nil)
	if err := l.queues.Delete(ctx, id("deleted")); err != nil {
		t.Fatal(err)
	}
	l.queues.Stop(ctx)
	kv, err := l.backbone.JetStream().KeyValue(ctx, "millrace-records")
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := kv.Keys(ctx)
	for _, k := range keys {
		if err := kv.Purge(ctx, k); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.backbone.JetStream().DeleteStream(ctx, "KV_millrace-records"); err != nil {
		t.Fatal(err)
	}
	l.records.Stop(t.Context()) // which finds no bucket to leave
	l.backbone.Stop(ctx)
	got := l.reopenAndListLosses()
	if len(got) != 1 || got[0].Kind != loss.Record || got[0].Name != id("q").ARN().String() {
		t.Errorf("got %v", got)
	}
	if got := l.bodies(l.get("q")); fmt.Sprint(got) != "[1 2 3]" || l.get("q").Config().Tags["a"] != "b" {
		t.Errorf("served %v", got)
	}
}

func TestStrict(t *testing.T) {
	l := startLossyEnv(t)
	l.numbered(l.create("q", nil), 1, 10)
	l.numbered(l.create("r", nil), 1, 4)
	l.lose(3)
	l.close()
	l.options.Strict = true
	for range 2 { // nothing has changed after the first
		l.startParts()
		err := jetqueue.New(l.backbone, l.records, l.options).Start(ctx)
		if err == nil || !strings.Contains(err.Error(), ":q: ") || !strings.Contains(err.Error(), ":r: ") {
			t.Errorf("opened: %v", err)
		}
		l.records.Stop(t.Context())
		l.backbone.Stop(ctx)
	}
	l.options.Strict = false
	if got := l.reopenAndListLosses(); len(got) != 2 {
		t.Errorf("got %v", got)
	}
}

// whileLossUnreported opens the queues again while OnLoss fails, so that calls made
// meanwhile wait.
func (l *lossyEnv) whileLossUnreported(ask func()) {
	l.Helper()
	l.close()
	l.hold.Lock()
	l.open()
	var all sync.WaitGroup
	all.Go(ask)
	time.Sleep(50 * time.Millisecond) // it waits for the log to be read, or would come to the same
	l.hold.Unlock()
	all.Wait()
}

// A message sent while the log is read does not get the number of a lost one.
func TestNumbersAreNotReusedAfterReread(t *testing.T) {
	l := startLossyEnv(t)
	q := l.create("q.fifo", nil)
	last := ""
	for n := range 10 {
		last = l.send(q, queue.Message{Body: "m", GroupID: "g", DedupID: fmt.Sprint(n)})[0].SequenceNumber
	}
	l.lose(6, 7, 8, 9, 10)
	l.whileLossUnreported(func() {
		if got := l.send(l.get("q.fifo"), queue.Message{Body: "m", GroupID: "g", DedupID: "new"})[0].SequenceNumber; got <= last {
			l.Errorf("sent as %s, after %s", got, last)
		}
	})
}

// A dead letter arrives although the entries that counted earlier transfers, and
// nothing else, are lost.
func TestTransferNumbersAreNotReused(t *testing.T) {
	l := startLossyEnv(t)
	dead := l.create("dead", nil)
	q := l.create("q", func(c *queue.Config) { c.DeadLetter = &queue.DeadLetter{Target: dead.ID(), MaxReceives: 1} })
	bury := func(name string) {
		l.send(q, body(name))
		l.receive(q, queue.ReceiveRequest{Max: 1, Visibility: new(time.Duration)}, name)
	}
	bury("a")
	l.receive(q, queue.ReceiveRequest{Max: 1})
	l.await(dead, 1)
	bury("b")
	l.loseOf("q", 1, 2, 3, 4)
	l.whileLossUnreported(func() { l.receive(l.get("q"), queue.ReceiveRequest{Max: 1}) })
	l.await(l.get("dead"), 2)
}

// await waits until so many messages are visible and the queues are idle.
func (l *lossyEnv) await(q *jetqueue.Queue, visible int) {
	l.Helper()
	var c queue.Counts
	patience.Until(l, fmt.Sprint(visible, " visible messages"), func() bool {
		var err error
		if c, err = q.Counts(ctx); err != nil {
			l.Fatal(err)
		}
		return c.Visible == visible
	}, func() any { return fmt.Sprintf("%+v", c) })
	time.Sleep(50 * time.Millisecond) // until its source has written that it has gone
}

// A record that cannot be read, perhaps of a newer version, loses no message of its
// queue.
func TestUnreadableRecord(t *testing.T) {
	l := startLossyEnv(t)
	l.numbered(l.create("q", nil), 1, 3)
	kv, err := l.backbone.JetStream().KeyValue(ctx, "millrace-records")
	if err != nil {
		t.Fatal(err)
	}
	names, err := kv.Keys(ctx)
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	record, err := kv.Get(ctx, names[0])
	if err != nil {
		t.Fatal(err)
	}
	put := func(value []byte) {
		if _, err := kv.Put(ctx, names[0], value); err != nil {
			t.Fatal(err)
		}
	}
	put([]byte("not as we write it"))
	l.close()
	if got := l.reopenAndListLosses(); len(got) != 1 || got[0].Kind != loss.Record {
		t.Errorf("got %v", got)
	}
	if _, err := l.queues.Get(id("q")); !errors.Is(err, fault.NotFound) {
		t.Errorf("the queue: %v", err)
	}
	kv, err = l.backbone.JetStream().KeyValue(ctx, "millrace-records")
	if err != nil {
		t.Fatal(err)
	}
	put(record.Value())
	l.reopen()
	if got := l.bodies(l.get("q")); fmt.Sprint(got) != "[1 2 3]" {
		t.Errorf("served %v", got)
	}
}
