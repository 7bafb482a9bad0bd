package record_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
)

// A mapping is a row as there are many: texts, numbers, a time, and what is
// shared when it is only assigned.
type mapping struct {
	UUID, Account, Region, EventSource, FunctionARN string
	BatchSize, Window                               int
	ResponseTypes, Filters                          []string
	Enabled                                         bool
	State, Reason                                   string
	Modified                                        time.Time
	Tags                                            map[string]string
}

func mappingNamed(key string) mapping {
	return mapping{
		UUID: key, Account: "000000000000", Region: "us-east-1",
		EventSource: "arn:aws:sqs:us-east-1:000000000000:orders", FunctionARN: "arn:aws:lambda:us-east-1:000000000000:function:orders",
		BatchSize: 10, ResponseTypes: []string{"ReportBatchItemFailures"}, Enabled: true,
		State: "Enabled", Reason: "USER_INITIATED", Modified: time.Unix(1_800_000_000, 0).UTC(),
	}
}

func filled(b *testing.B, n int) *record.Table[mapping] {
	s := record.New(backbonetest.Start(b, b.TempDir()).JetStream(), nil)
	if err := s.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Stop(context.Background()) })
	table := record.NewTable[mapping](s, "mapping")
	for i := range n {
		key := fmt.Sprintf("%08d", i)
		if err := table.Create(b.Context(), key, mappingNamed(key)); err != nil {
			b.Fatal(err)
		}
	}
	return table
}

func BenchmarkGet(b *testing.B) {
	table := filled(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := table.Get("00000500"); !ok {
			b.Fatal("it is gone")
		}
	}
}

func BenchmarkList(b *testing.B) {
	table := filled(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if len(table.List("")) != 1000 {
			b.Fatal("some are gone")
		}
	}
}

// BenchmarkOpen opens 100,000 records with copies, and says what memory they take
// once all are read, the embedded server's included.
func BenchmarkOpen(b *testing.B) {
	const n = 100_000
	store := b.TempDir()
	copies := filepath.Join(b.TempDir(), "copies")
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := heap()
	js := backbonetest.Start(b, store).JetStream()
	open := func() *record.Store {
		s := record.New(js, &record.Copies{Dir: copies})
		if err := s.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		return s
	}
	s := open()
	table := record.NewTable[mapping](s, "mapping")
	work := make(chan int)
	done := make(chan error)
	for range 64 {
		go func() {
			for i := range work {
				key := fmt.Sprintf("000000000000/us-east-1/%08d", i)
				if err := table.Create(b.Context(), key, mappingNamed(key)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	start := time.Now()
	for i := range n {
		work <- i
	}
	close(work)
	for range 64 {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	create := float64(time.Since(start).Microseconds()) / n
	s.Stop(b.Context())
	s, table = nil, nil
	for b.Loop() {
		s = open()
		b.StopTimer()
		s.Stop(b.Context())
		b.StartTimer()
	}
	b.StopTimer()
	table = record.NewTable[mapping](s, "mapping")
	unread := heap() - before
	if len(table.List("")) != n {
		b.Fatal("some are gone")
	}
	b.ReportMetric(create, "µs/create")
	b.ReportMetric(unread/1e6, "MB-unread")
	b.ReportMetric((heap()-before)/1e6, "MB")
	runtime.KeepAlive(s)
}
