package workers_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
	"millrace/runtime/workers"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

// A job is a record: work of a kind, for so many seconds; 0 until halted.
type job struct {
	Wanted  bool
	Kind    string
	Note    string // of no interest to a worker
	Seconds int
	Slow    int // seconds that what is under way takes after the halt
}

// A boss owns jobs, and notes what its workers do.
type boss struct {
	*testing.T
	js    jetstream.JetStream
	table *record.Table[job]
	set   *workers.Set[job, *worker]
	mu    sync.Mutex

	logMu sync.Mutex
	log   []string
	start time.Time
}

type worker struct {
	boss *boss
	key  string
	job  job
}

func (w *worker) Run(halted, work context.Context) {
	w.boss.note("%s %s begins", w.key, w.job.Kind)
	var over <-chan time.Time
	if w.job.Seconds > 0 {
		over = time.After(time.Duration(w.job.Seconds) * time.Second)
	}
	select {
	case <-over:
	case <-halted.Done():
		select {
		case <-time.After(time.Duration(w.job.Slow) * time.Second):
		case <-work.Done():
			w.boss.note("%s %s is cut off", w.key, w.job.Kind)
			return
		}
	}
	w.boss.note("%s %s ends", w.key, w.job.Kind)
}

func (w *worker) Keep(j job) bool {
	if j.Note != w.job.Note {
		w.boss.note("%s hears %s", w.key, j.Note)
		w.job.Note = j.Note // who writes may also be told by the store
	}
	return j.Wanted && j.Kind == w.job.Kind
}

func (b *boss) note(format string, args ...any) {
	b.logMu.Lock()
	defer b.logMu.Unlock()
	b.log = append(b.log, fmt.Sprintf("%gs ", time.Since(b.start).Seconds())+fmt.Sprintf(format, args...))
}

// newBoss makes the owner of jobs in a view of the records that is its own.
func newBoss(t *testing.T, js jetstream.JetStream) *boss {
	t.Helper()
	records := record.New(js, nil)
	if err := records.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { records.Stop(context.Background()) })
	b := &boss{T: t, js: js, table: record.NewTable[job](records, "job"), start: time.Now()}
	b.set = workers.New(workers.Config[job, *worker]{
		Table: b.table, Mu: &b.mu, What: "jobs",
		New: func(key string, j job) (*worker, bool) { return &worker{b, key, j}, j.Wanted },
	})
	return b
}

// in runs a test in a bubble, with a boss whose set runs.
func in(t *testing.T, test func(*boss)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := newBoss(t, backbonetest.Start(t, dir).JetStream())
		b.must(b.set.Start(t.Context()))
		t.Cleanup(func() { b.must(b.set.Stop(context.Background())) })
		test(b)
	})
}

func (b *boss) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// put stores a job, and has the set look unless it is not this runtime's.
func (b *boss) put(key string, j job) {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.table.Create(context.Background(), key, j)
	if errors.Is(err, fault.Exists) {
		_, err = b.table.Update(context.Background(), key, func(job) (job, error) { return j, nil })
	}
	b.must(err)
	b.set.SyncLocked(key, nil)
}

// remove deletes a job, and notes when its worker is over.
func (b *boss) remove(key string) {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.must(b.table.Delete(context.Background(), key))
	b.set.SyncLocked(key, func() { b.note("%s is over", key) })
}

// saw checks what was noted since the last look, in whatever order.
func (b *boss) saw(want ...string) {
	b.Helper()
	synctest.Wait()
	b.logMu.Lock()
	defer b.logMu.Unlock()
	slices.Sort(b.log)
	slices.Sort(want)
	if !slices.Equal(b.log, want) {
		b.Errorf("noted\n got %q\nwant %q", b.log, want)
	}
	b.log = nil
}

func (b *boss) works(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.set.GetLocked(key)
	return ok
}

func TestRecordsAskForWorkers(t *testing.T) {
	in(t, func(b *boss) {
		b.put("idle", job{Kind: "x"})
		b.put("a", job{Wanted: true, Kind: "x"})
		b.saw("0s a x begins")
		if !b.works("a") || b.works("idle") {
			t.Error("the wrong ones work")
		}
		b.put("a", job{Wanted: true, Kind: "x", Note: "news"})
		b.saw("0s a hears news")
		b.put("a", job{Kind: "x"})
		b.saw("0s a hears ", "0s a x ends")
		if b.works("a") {
			t.Error("a still works")
		}
	})
}

func TestAChangedRecordGetsAnotherWorkerAtOnce(t *testing.T) {
	in(t, func(b *boss) {
		b.put("a", job{Wanted: true, Kind: "x", Slow: 5})
		b.saw("0s a x begins")
		b.put("a", job{Wanted: true, Kind: "y"})
		b.saw("0s a y begins")
		time.Sleep(6 * time.Second)
		b.saw("5s a x ends")
		if !b.works("a") {
			t.Error("the end of the first worker ended the second")
		}
	})
}

func TestTheOwnerIsToldOfAnEnd(t *testing.T) {
	in(t, func(b *boss) {
		b.put("a", job{Wanted: true, Kind: "x", Slow: 5})
		b.saw("0s a x begins")
		b.remove("a")
		b.saw()
		time.Sleep(6 * time.Second)
		b.saw("5s a x ends", "5s a is over")
		b.put("b", job{})
		b.remove("b")
		b.saw("6s b is over") // nothing had run
	})
}

func TestAWorkerMayEndByItself(t *testing.T) {
	in(t, func(b *boss) {
		b.put("a", job{Wanted: true, Kind: "x", Seconds: 3})
		time.Sleep(4 * time.Second)
		b.saw("0s a x begins", "3s a x ends")
		if b.works("a") {
			t.Error("a still works")
		}
		b.put("a", job{Wanted: true, Kind: "y"})
		b.saw("4s a y begins")
	})
}

func TestOtherRuntimesChangeRecords(t *testing.T) {
	in(t, func(b *boss) {
		other := newBoss(b.T, b.js) // which never starts
		other.put("a", job{Wanted: true, Kind: "x"})
		b.saw("0s a x begins")
		other.put("a", job{Wanted: true, Kind: "x", Note: "news"})
		b.saw("0s a hears news")
		other.put("a", job{Wanted: true, Kind: "y"})
		b.saw("0s a hears ", "0s a x ends", "0s a y begins")
		other.remove("a")
		b.saw("0s a y ends")
		other.saw("0s a is over")
	})
}

func TestStopAndStartAgain(t *testing.T) {
	in(t, func(b *boss) {
		b.put("a", job{Wanted: true, Kind: "x", Slow: 5})
		b.put("b", job{Wanted: true, Kind: "x"})
		synctest.Wait()
		b.must(b.set.Stop(b.Context()))
		if d := time.Since(b.start); d != 5*time.Second || b.set.Running() {
			b.Errorf("stopped after %v", d)
		}
		b.put("b", job{Kind: "x"})
		b.put("c", job{Wanted: true, Kind: "x"})
		synctest.Wait()
		b.logMu.Lock()
		b.log = nil
		b.logMu.Unlock()
		b.must(b.set.Start(b.Context()))
		b.saw("5s a x begins", "5s c x begins")
	})
}

func TestAStopThatCannotWaitCutsOff(t *testing.T) {
	in(t, func(b *boss) {
		b.put("a", job{Wanted: true, Kind: "x", Slow: 60})
		b.saw("0s a x begins")
		ctx, cancel := context.WithTimeout(b.Context(), time.Second)
		defer cancel()
		if err := b.set.Stop(ctx); !errors.Is(err, fault.Timeout) {
			b.Errorf("got %v", err)
		}
		b.saw("1s a x is cut off")
	})
}

func TestResetForgetsAll(t *testing.T) {
	in(t, func(b *boss) {
		b.put("a", job{Wanted: true, Kind: "x"})
		b.saw("0s a x begins")
		b.must(b.set.Reset(b.Context()))
		b.saw("0s a x ends")
		if keys := b.table.Keys(""); len(keys) > 0 || !b.set.Running() {
			b.Errorf("left %v, running %t", keys, b.set.Running())
		}
		b.put("b", job{Wanted: true, Kind: "x"})
		b.saw("0s b x begins")
	})
}

func TestASetIsAPart(t *testing.T) {
	b := newBoss(t, backbonetest.Start(t, t.TempDir()).JetStream())
	for i := range 20 {
		b.put(fmt.Sprint(i), job{Wanted: true, Kind: "x", Seconds: i % 2})
	}
	lifecycletest.Stress(t, func() lifecycle.Part { return b.set })
}
