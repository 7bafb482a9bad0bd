package fifo_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/runtime/topic/fifo"
)

// BenchmarkPublish publishes to one topic that has readers, and waits until they have
// all of it.
func BenchmarkPublish(b *testing.B) {
	for _, c := range []struct{ callers, batch, readers int }{{1, 1, 1}, {16, 1, 0}, {16, 1, 1}, {16, 1, 10}, {16, 10, 1}} {
		b.Run(fmt.Sprintf("callers=%d/batch=%d/readers=%d", c.callers, c.batch, c.readers), func(b *testing.B) {
			e := start(b, fifo.Config{})
			var handed atomic.Int64
			for i := range c.readers {
				r := fifo.Reader{Log: topic, ID: fmt.Sprint(i), Deliver: func(_ context.Context, items []fifo.Item) (int, error) {
					handed.Add(int64(len(items)))
					return len(items), nil
				}}
				if err := e.logs.Follow(ctx, r); err != nil {
					b.Fatal(err)
				}
			}
			content := []byte(strings.Repeat("x", 512))
			var next atomic.Int64
			b.ResetTimer()
			var callers sync.WaitGroup
			for range c.callers {
				callers.Go(func() {
					entries := make([]fifo.Entry, c.batch)
					for {
						n := next.Add(1)
						if n > int64(b.N) {
							return
						}
						for i := range entries {
							entries[i] = fifo.Entry{DedupKey: fmt.Sprint(n, "-", i), Content: content}
						}
						if _, err := e.logs.Publish(ctx, topic, entries...); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			callers.Wait()
			for handed.Load() < int64(b.N*c.batch*c.readers) {
				time.Sleep(100 * time.Microsecond)
			}
			b.ReportMetric(float64(b.N*c.batch)/b.Elapsed().Seconds(), "msg/s")
		})
	}
}

// BenchmarkRest is what a topic costs that has readers and was published to once.
func BenchmarkRest(b *testing.B) {
	e := start(b, fifo.Config{})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	for _, published := range []bool{false, true} {
		before := heap()
		const n = 200
		for i := range n {
			log := fmt.Sprint(published, i)
			for id := range 2 {
				r := fifo.Reader{Log: log, ID: fmt.Sprint(id), Deliver: func(_ context.Context, items []fifo.Item) (int, error) { return len(items), nil }}
				if err := e.logs.Follow(ctx, r); err != nil {
					b.Fatal(err)
				}
			}
			if published {
				if _, err := e.logs.Publish(ctx, log, fifo.Entry{DedupKey: "k", Content: []byte("x")}); err != nil {
					b.Fatal(err)
				}
			}
		}
		time.Sleep(12 * time.Second) // JetStream keeps the last block of each stream for ten
		b.ReportMetric(float64(heap()-before)/n, fmt.Sprintf("B/log,published=%v", published))
	}
}
