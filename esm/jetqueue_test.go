package esm_test

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/esm"
	"millrace/esm/source"
	"millrace/esm/source/sqs"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
)

func create(t testing.TB, queues *jetqueue.Queues, name string, c queue.Config) *jetqueue.Queue {
	t.Helper()
	c.Visibility, c.MaxBytes = 30*time.Second, 1<<20
	q, err := queues.Create(context.Background(), queue.ID{Account: "000000000000", Region: "us-east-1", Name: name}, c)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// The life of messages between a real queue, its mapping and its dead-letter
// queue: one is processed, one fails until it is buried, one is dropped.
func TestWithARealQueue(t *testing.T) {
	in(t, func(w *world) {
		queues := jetqueue.New(w.backbone, w.config.Records, jetqueue.Options{})
		if err := queues.Start(w.Context()); err != nil {
			t.Fatal(err)
		}
		defer queues.Stop(w.Context())
		dead := create(t, queues, "dead", queue.Config{})
		q := create(t, queues, "orders", queue.Config{DeadLetter: &queue.DeadLetter{Target: dead.ID(), MaxReceives: 2}})
		w.mappings.Stop(w.Context())
		w.config.Sources = w.sources(func(id queue.ID) (sqs.Queue, error) { return queues.Get(id) })
		w.mappings = esm.New(w.config)
		if err := w.mappings.Start(w.Context()); err != nil {
			t.Fatal(err)
		}
		w.set(func() {
			w.handle = func(b []string) (string, error) {
				if slices.Contains(b, "bad") {
					return "", errHandler
				}
				return "", nil
			}
		})
		m := w.mapped(esm.Mapping{BatchSize: 1, Filters: []string{`{"body":[{"anything-but":"dull"}]}`}})
		for _, body := range []string{"good", "dull", "bad"} {
			if _, err := q.Send(w.Context(), queue.Message{Body: body}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		w.saw("0s good", "0s bad")
		time.Sleep(time.Minute)
		w.saw("0s good", "0s bad", "30s bad")
		if n, err := q.Counts(w.Context()); err != nil || n.Visible+n.InFlight+n.Delayed != 0 {
			t.Errorf("left in the queue: %+v, %v", n, err)
		}
		buried, err := dead.Receive(w.Context(), queue.ReceiveRequest{Max: 10})
		if err != nil || len(buried) != 1 || buried[0].Body != "bad" || !strings.HasSuffix(buried[0].DeadLetterSource, ":orders") {
			t.Errorf("buried: %+v, %v", buried, err)
		}

		if err := queues.Delete(w.Context(), q.ID()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, problem := w.state(m.UUID); problem != esm.ProblemNoSource {
			t.Error(problem)
		}
		again := create(t, queues, "orders", queue.Config{})
		if _, err := again.Send(w.Context(), queue.Message{Body: "new"}); err != nil {
			t.Fatal(err)
		}
		w.set(func() { w.log = nil })
		time.Sleep(30 * time.Second)
		if got := w.batches(); len(got) != 1 || !strings.HasSuffix(got[0], " new") {
			t.Errorf("batches %q", got)
		}
		w.mappings.Stop(w.Context())
	})
}

// An instant is a function that tells when it was invoked.
type instant chan time.Time

func (i instant) InvokeBatch(context.Context, string, []byte) (esm.Outcome, error) {
	i <- time.Now()
	return esm.Outcome{}, nil
}

// From the begin of a send to the begin of the handler, one message at a time.
func BenchmarkSendToHandler(b *testing.B) {
	ctx := b.Context()
	back, records, err := open(ctx, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer back.Stop(context.Background())
	defer records.Stop(ctx)
	queues := jetqueue.New(back, records, jetqueue.Options{})
	if err := queues.Start(ctx); err != nil {
		b.Fatal(err)
	}
	defer queues.Stop(context.Background())
	q := create(b, queues, "orders", queue.Config{})
	handler := make(instant)
	mappings := esm.New(esm.Config{
		Records: records, Invoker: handler,
		Sources: map[string]source.Kind{"sqs": sqs.Kind(func(id queue.ID) (sqs.Queue, error) { return queues.Get(id) }, nil)},
		Timeout: func(string) (time.Duration, bool) { return time.Second, true },
	})
	if err := mappings.Start(ctx); err != nil {
		b.Fatal(err)
	}
	defer mappings.Stop(context.Background())
	if _, err := mappings.Create(ctx, esm.Mapping{EventSource: queueARN, FunctionARN: functionARN, Enabled: true}); err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		if _, err := q.Send(ctx, queue.Message{Body: "hello"}); err != nil {
			b.Fatal(err)
		}
		took = append(took, (<-handler).Sub(begin))
	}
	slices.SortFunc(took, cmp.Compare[time.Duration])
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
