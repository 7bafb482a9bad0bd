package fifo_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/loss"
	"millrace/runtime/store/record"
	"millrace/runtime/topic/fifo"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

var ctx = context.Background()

const topic = "arn:aws:sns:us-east-1:000000000000:orders.fifo"

// An env is logs on an embedded backbone, which can be closed and opened.
type env struct {
	testing.TB
	dir      string
	config   fifo.Config
	losses   []loss.Loss
	backbone *backbone.Backbone
	records  *record.Store
	logs     *fifo.Logs
}

func start(tb testing.TB, c fifo.Config) *env {
	tb.Helper()
	e := &env{TB: tb, dir: tb.TempDir(), config: c}
	e.open()
	tb.Cleanup(func() { e.close() })
	return e
}

// bubble runs a test in a bubble, on logs of its own.
func bubble(t *testing.T, test func(e *env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(start(t, fifo.Config{})) })
}

func (e *env) open() {
	e.Helper()
	e.backbone = backbone.New(backbone.Config{Dir: e.dir})
	if err := e.backbone.Start(ctx); err != nil {
		e.Fatal(err)
	}
	e.records = record.New(e.backbone.JetStream(), nil)
	if err := e.records.Start(ctx); err != nil {
		e.Fatal(err)
	}
	c := e.config
	c.Backbone, c.Records = e.backbone, e.records
	c.OnLoss = func(l loss.Loss) error {
		e.losses = append(e.losses, l)
		return nil
	}
	e.logs = fifo.New(c)
	if err := e.logs.Start(ctx); err != nil {
		e.Fatal(err)
	}
}

func (e *env) close() {
	if err := errors.Join(e.logs.Stop(ctx), e.records.Stop(ctx), e.backbone.Stop(ctx)); err != nil {
		e.Errorf("closing: %v", err)
	}
}

func (e *env) reopen() {
	e.Helper()
	e.close()
	e.open()
}

// kill opens what a process leaves that is killed now.
func (e *env) kill() {
	e.Helper()
	left := e.TempDir()
	if err := os.CopyFS(left, os.DirFS(e.dir)); err != nil {
		e.Fatal(err)
	}
	e.close()
	e.dir = left
	e.open()
}

// publish publishes an entry with the content as its key.
func (e *env) publish(contents ...string) []fifo.Stored {
	e.Helper()
	return publish(e, e.logs, contents...)
}

func publish(tb testing.TB, logs *fifo.Logs, contents ...string) []fifo.Stored {
	tb.Helper()
	var entries []fifo.Entry
	for _, c := range contents {
		entries = append(entries, fifo.Entry{DedupKey: c, Content: []byte(c)})
	}
	stored, err := logs.Publish(ctx, topic, entries...)
	if err != nil {
		tb.Fatal(err)
	}
	for _, s := range stored {
		if s.Err != nil {
			tb.Fatal(s.Err)
		}
	}
	return stored
}

// A sink is a receiver that drops repeats, as a queue does.
type sink struct {
	testing.TB
	mu       sync.Mutex
	highest  uint64
	got      []string
	handed   int                            // items, with the repeats
	fail     func([]fifo.Item) (int, error) // nil takes all
	ended    int
	repeated map[uint64]string // by number
}

func (s *sink) deliver(_ context.Context, items []fifo.Item) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := len(items), error(nil)
	if s.fail != nil {
		n, err = s.fail(items)
	}
	for _, i := range items[:n] {
		s.handed++
		if s.repeated == nil {
			s.repeated = map[uint64]string{}
		}
		if was, ok := s.repeated[i.Seq]; ok && was != string(i.Content) {
			s.Errorf("%d is the number of %q and %q", i.Seq, was, i.Content)
		}
		s.repeated[i.Seq] = string(i.Content)
		if i.Seq > s.highest {
			s.highest = i.Seq
			s.got = append(s.got, string(i.Content))
		}
	}
	return n, err
}

func (s *sink) want(contents ...string) {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.got, contents) {
		s.Errorf("got %q, want %q", s.got, contents)
	}
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

func (s *sink) reader(id string) fifo.Reader {
	return fifo.Reader{Log: topic, ID: id, Deliver: s.deliver, Ended: func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended++
	}}
}

// follow follows the topic from now on.
func (e *env) follow(id string) *sink {
	e.Helper()
	s := &sink{TB: e}
	e.again(id, s)
	return s
}

// again gives a reader to logs that were opened anew.
func (e *env) again(id string, s *sink) {
	e.Helper()
	if err := e.logs.Follow(ctx, s.reader(id)); err != nil {
		e.Fatal(err)
	}
}

func (e *env) bounds() fifo.Bounds {
	e.Helper()
	b, err := e.logs.Bounds(ctx, topic)
	if err != nil {
		e.Fatal(err)
	}
	return b
}

// settle waits until nothing is left to do at once.
func settle() {
	time.Sleep(5 * time.Second)
	synctest.Wait()
}

func numbered(from, to int) (contents []string) {
	for i := from; i <= to; i++ {
		contents = append(contents, fmt.Sprint(i))
	}
	return contents
}

func stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}

func contains(stack, name string) bool { return strings.Contains(stack, name) }
