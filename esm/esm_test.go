package esm_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"millrace/esm"
	"millrace/esm/source"
	"millrace/esm/source/sqs"
	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/record"
)

const (
	queueARN    = "arn:aws:sqs:us-east-1:000000000000:orders"
	fifoARN     = "arn:aws:sqs:us-east-1:000000000000:orders.fifo"
	functionARN = "arn:aws:lambda:us-east-1:000000000000:function:handle"
)

// TestMain keeps one store open outside all bubbles: the server's package-wide
// clock then ticks out here, and does not hold up the bubbles' time.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "esm")
	if err != nil {
		panic(err)
	}
	b, _, err := open(context.Background(), dir)
	if err != nil {
		panic(err)
	}
	code := m.Run()
	b.Stop(context.Background())
	os.RemoveAll(dir)
	os.Exit(code)
}

func open(ctx context.Context, dir string) (*backbone.Backbone, *record.Store, error) {
	b := backbone.New(backbone.Config{Dir: dir})
	if err := b.Start(ctx); err != nil {
		return nil, nil, err
	}
	records := record.New(b.JetStream(), nil)
	err := records.Start(ctx)
	return b, records, err
}

// A world is queues, one function, and the mappings between them.
type world struct {
	*testing.T
	mappings *esm.Mappings
	config   esm.Config
	backbone *backbone.Backbone

	mu       sync.Mutex
	queues   map[string]*memQueue // by name
	function bool                 // exists
	timeout  time.Duration
	hang     bool                                 // until its context ends
	handle   func(batch []string) (string, error) // reply; an error that is no fault is the function's
	log      []string                             // of batches, each after the second it began at
	running  int
	most     int // batches that ran at once
	start    time.Time
	lines    bytes.Buffer // of the operator's log; read it when nothing runs
}

// in runs a test in a bubble, with a queue "orders", a FIFO queue "orders.fifo"
// and a function that succeeds.
func in(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b, records, err := open(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer b.Stop(t.Context())
		defer records.Stop(t.Context())
		w := &world{
			T: t, backbone: b, function: true, timeout: 3 * time.Second, start: time.Now(),
			queues: map[string]*memQueue{"orders": newQueue(false), "orders.fifo": newQueue(true)},
		}
		w.config = esm.Config{Records: records, Sources: w.sources(w.find), Invoker: w, Timeout: w.functionTimeout,
			Log: slog.New(slog.NewTextHandler(&w.lines, &slog.HandlerOptions{Level: slog.LevelDebug}))}
		w.mappings = esm.New(w.config)
		if err := w.mappings.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() { w.mappings.Stop(t.Context()) }()
		w.start = time.Now()
		test(w)
	})
}

// sources are queues alone.
func (*world) sources(find sqs.Queues) map[string]source.Kind {
	return map[string]source.Kind{"sqs": sqs.Kind(find, nil)}
}

func (w *world) find(id queue.ID) (sqs.Queue, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if q := w.queues[id.Name]; q != nil {
		return q, nil
	}
	return nil, fault.New(fault.NotFound, "no queue %s", id.Name)
}

func (w *world) functionTimeout(arn string) (time.Duration, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.timeout, w.function && strings.HasPrefix(arn, functionARN)
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// InvokeBatch is the function.
func (w *world) InvokeBatch(ctx context.Context, _ string, event []byte) (esm.Outcome, error) {
	bodies, err := bodiesOf(event)
	if err != nil {
		return esm.Outcome{}, err
	}
	w.mu.Lock()
	if !w.function {
		w.mu.Unlock()
		return esm.Outcome{}, fault.New(fault.NotFound, "no function")
	}
	w.log = append(w.log, fmt.Sprintf("%gs %s", time.Since(w.start).Seconds(), strings.Join(bodies, " ")))
	w.running++
	w.most = max(w.most, w.running)
	handle, hang := w.handle, w.hang
	w.mu.Unlock()
	defer w.set(func() { w.running-- })
	if hang {
		<-ctx.Done()
		return esm.Outcome{}, ctx.Err()
	}
	if handle == nil {
		return esm.Outcome{Payload: []byte("null")}, nil
	}
	reply, err := handle(bodies)
	if err != nil && fault.Of(err) == fault.Internal {
		return esm.Outcome{Payload: []byte(`{"errorMessage":"no"}`), FunctionError: "Unhandled"}, nil
	}
	return esm.Outcome{Payload: []byte(reply)}, err
}

// bodiesOf are the messages of an event, of a queue or a broker; those that a broker
// has delivered before are marked.
func bodiesOf(event []byte) (bodies []string, err error) {
	var e struct {
		events.SQSEvent
		events.RabbitMQEvent
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, err
	}
	for _, r := range e.Records {
		bodies = append(bodies, r.Body)
	}
	for _, m := range e.MessagesByQueue["jobs::/"] {
		data, err := base64.StdEncoding.DecodeString(m.Data)
		if err != nil {
			return nil, err
		}
		body := string(data)
		if m.Redelivered {
			body = "again:" + body
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

// mapped creates a mapping of the standard queue, unless m says otherwise.
func (w *world) mapped(m esm.Mapping) esm.Mapping {
	w.Helper()
	if m.EventSource == "" {
		m.EventSource = queueARN
	}
	m.FunctionARN, m.Enabled = functionARN, true
	m, err := w.mappings.Create(w.Context(), m)
	if err != nil {
		w.Fatal(err)
	}
	synctest.Wait()
	return m
}

// batches are those that ran so far.
func (w *world) batches() []string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.log)
}

// saw checks which batches ran so far, each with the second it began at.
func (w *world) saw(want ...string) {
	w.Helper()
	if got := w.batches(); !slices.Equal(got, want) {
		w.Errorf("batches:\n got %q\nwant %q", got, want)
	}
}

func (w *world) deleted(name string, want ...string) {
	w.Helper()
	synctest.Wait()
	if got := w.queues[name].gone(); !slices.Equal(got, want) {
		w.Errorf("deleted %q, want %q", got, want)
	}
}

func (w *world) stop(grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	return w.mappings.Stop(ctx)
}

func (w *world) state(id string) (state string, problem esm.Problem) {
	w.Helper()
	m, err := w.mappings.Get(id)
	if err != nil {
		w.Fatal(err)
	}
	return m.State, m.Problem
}
