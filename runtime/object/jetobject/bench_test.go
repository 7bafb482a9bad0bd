package jetobject_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"millrace/runtime/object"
	"millrace/runtime/object/jetobject"
	"millrace/test/needs"
)

// callers runs do b.N times in all.
func callers(b *testing.B, n int, do func(i int64) error) {
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range n {
		all.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "/s")
}

// BenchmarkPut puts objects under new keys; with events, an outbox that is memory takes one
// of each.
func BenchmarkPut(b *testing.B) {
	for _, c := range []struct {
		callers, size int
		settings      object.Settings
	}{{1, 1 << 10, object.Settings{}}, {16, 1 << 10, object.Settings{}}, {16, 1 << 10, announced}, {16, 64 << 10, object.Settings{}}, {1, 1 << 20, object.Settings{}}} {
		b.Run(fmt.Sprintf("callers=%d/size=%d/events=%t", c.callers, c.size, len(c.settings.Notifications.Destinations) > 0), func(b *testing.B) {
			e := start(b, jetobject.Config{})
			bucket := e.create(c.settings)
			content := text(1, c.size)
			b.SetBytes(int64(c.size))
			callers(b, c.callers, func(i int64) error {
				_, err := tryPut(bucket, fmt.Sprint("some/folder/", i), content, object.Condition{})
				return err
			})
		})
	}
}

// BenchmarkGet reads objects of 1 KB from memory, and back from the log.
func BenchmarkGet(b *testing.B) {
	const objects = 10_000
	for _, cached := range []bool{true, false} {
		for _, n := range []int{1, 16} {
			b.Run(fmt.Sprintf("callers=%d/cached=%t", n, cached), func(b *testing.B) {
				c := jetobject.Config{CacheBytes: 1}
				if cached {
					c.CacheBytes = 0
				}
				e := start(b, c)
				bucket := e.create(object.Settings{})
				content := text(1, 1<<10)
				var puts sync.WaitGroup
				for c := range 16 {
					puts.Go(func() {
						for i := c; i < objects; i += 16 {
							put(b, bucket, fmt.Sprint(i), content)
						}
					})
				}
				puts.Wait()
				callers(b, n, func(i int64) error {
					_, err := read(bucket, fmt.Sprint(i%objects))
					return err
				})
			})
		}
	}
}

// BenchmarkOpen opens a bucket of a million keys, from its log and from a snapshot.
func BenchmarkOpen(b *testing.B) {
	needs.Long(b)
	const objects = 1_000_000
	e := start(b, jetobject.Config{})
	bucket := e.create(object.Settings{})
	var puts sync.WaitGroup
	for c := range 256 {
		puts.Go(func() {
			for i := c; i < objects; i += 256 {
				put(b, bucket, fmt.Sprintf("a/folder/of/objects/%08d", i), nil)
			}
		})
	}
	puts.Wait()
	open := func(b *testing.B) {
		for range b.N {
			if _, err := e.bucket().List(ctx, object.ListQuery{Max: 1}); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			e.reopen()
			b.StartTimer()
		}
	}
	e.kill()
	b.Run("log", open)
	e.reopen()
	b.Run("snapshot", open)
}
