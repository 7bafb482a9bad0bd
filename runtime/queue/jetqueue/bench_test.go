package jetqueue_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone"
)

// share runs n operations by so many callers.
func share(b *testing.B, callers, n int, do func(caller int) error) {
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := do(c); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func perSecond(b *testing.B, messages int) {
	b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "msg/s")
}

// processor returns how long the process has computed so far.
func processor() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perOperation tells what an operation cost all processors, since began.
func perOperation(b *testing.B, began time.Duration) {
	b.ReportMetric(float64((processor()-began).Microseconds())/float64(b.N), "cpu-µs/op")
}

func BenchmarkSend(b *testing.B) {
	for _, batch := range []int{1, 10} {
		for _, callers := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("batch=%d/callers=%d", batch, callers), func(b *testing.B) {
				q := start(b, jetqueue.Options{}).create("bench", nil)
				messages := make([]queue.Message, batch)
				for i := range messages {
					messages[i].Body = strings.Repeat("x", 256)
				}
				began := processor()
				b.ResetTimer()
				share(b, callers, b.N, func(int) error {
					_, err := q.Send(context.Background(), messages...)
					return err
				})
				perSecond(b, b.N*batch)
				perOperation(b, began)
			})
		}
	}
}

// One fsync for each entry: how many messages share one?
func BenchmarkSendSynced(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			e := &env{TB: b, dir: b.TempDir(), sync: backbone.Sync{Always: true}}
			e.open()
			defer e.close()
			q := e.create("bench", nil)
			message := queue.Message{Body: strings.Repeat("x", 256)}
			b.ResetTimer()
			share(b, callers, b.N, func(int) error {
				_, err := q.Send(context.Background(), message)
				return err
			})
			perSecond(b, b.N)
			b.ReportMetric(float64(b.N)/float64(e.entries()), "msg/entry")
		})
	}
}

// entries counts what the logs of all queues have taken.
func (e *env) entries() (n uint64) {
	all := e.backbone.JetStream().ListStreams(ctx)
	for info := range all.Info() {
		if strings.HasPrefix(info.Config.Name, "MILLRACE_QUEUE_") {
			n += info.State.LastSeq
		}
	}
	return n
}

func BenchmarkReceiveDelete(b *testing.B) {
	for _, deep := range []int{0, 200_000} {
		b.Run(fmt.Sprintf("behind=%d", deep), func(b *testing.B) {
			e := start(b, jetqueue.Options{})
			q := e.create("bench", nil)
			messages := make([]queue.Message, 1000)
			for i := range messages {
				messages[i].Body = strings.Repeat("x", 256)
			}
			for n := 0; n < deep+10*b.N; n += len(messages) {
				if _, err := q.Send(context.Background(), messages...); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			share(b, 16, b.N, func(int) error {
				got, err := q.Receive(context.Background(), queue.ReceiveRequest{Max: 10})
				if err != nil {
					return err
				}
				handles := make([]string, len(got))
				for i, m := range got {
					handles[i] = m.ReceiptHandle
				}
				for _, err := range q.Delete(context.Background(), handles...) {
					if err != nil {
						return err
					}
				}
				return nil
			})
			perSecond(b, b.N*10)
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	e := start(b, jetqueue.Options{})
	q := e.create("bench", nil)
	messages := make([]queue.Message, 1000)
	for i := range messages {
		messages[i].Body = strings.Repeat("x", 256)
	}
	for range 200 {
		if _, err := q.Send(context.Background(), messages...); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		began := time.Now()
		e.reopen()
		q, _ := e.queues.Get(id("bench"))
		if c, err := q.Counts(context.Background()); err != nil || c.Visible != 200_000 {
			b.Fatal(c, err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/200k")
	}
}
