package target_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/queue"
)

// One event goes to ten queues, as a topic sends it, for each of several callers.
func BenchmarkPutAll(b *testing.B) {
	for _, callers := range []int{1, 16} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			queues, resolve := openQueues(b)
			outbox := delivery.New(delivery.Config{
				Queue:   func(ctx context.Context) (delivery.Queue, error) { return delivery.QueueIn(ctx, queues) },
				Resolve: resolve,
			})
			var all []delivery.Delivery
			for i := range 10 {
				id := queue.ID{Account: "000000000000", Region: "us-east-1", Name: fmt.Sprint("q", i)}
				if _, err := queues.Create(b.Context(), id, queue.Config{Visibility: time.Minute, MaxBytes: 1 << 20}); err != nil {
					b.Fatal(err)
				}
				all = append(all, delivery.Delivery{To: id.ARN().String(), Event: delivery.Event{ID: "x", Body: []byte(strings.Repeat("x", 1000)), Source: owner}})
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			var putting sync.WaitGroup
			for range callers {
				putting.Go(func() {
					for left.Add(-1) >= 0 {
						if err := outbox.PutAll(b.Context(), all); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			putting.Wait()
			b.ReportMetric(float64(b.N*len(all))/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}
