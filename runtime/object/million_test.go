package object

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"millrace/runtime/object/checksum"
)

const million = 1_000_000

// millionKeys is a bucket with a million keys of 30 bytes, as one caller puts them: an entry
// each.
var millionKeys = sync.OnceValue(func() *Machine {
	m := New([16]byte{1})
	sum := checksum.Of(checksum.CRC64NVME, []byte("12345678"))
	for i := range million {
		c := put(millionKey(i), "body")
		c.Object.Checksum = sum
		c.Object.Headers = &Headers{ContentType: "binary/octet-stream"}
		c.Object.Modified = epoch
		b := m.Begin(Env{Now: epoch})
		b.Add(c)
		if _, err := m.Apply(uint64(i+1), b.Entry()); err != nil {
			panic(err)
		}
	}
	return m
})

// millionKey spreads the keys, as their writers do not sort them.
func millionKey(i int) string {
	return fmt.Sprintf("folder-%03d/object-%014d", i*7919%1000, i*7919%million)
}

// BenchmarkMillionKeys says what a million keys cost: memory (heap-MB), and the time of
// a page of 1,000 in their middle, of a snapshot and of its restoring.
func BenchmarkMillionKeys(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := millionKeys()
	runtime.GC()
	runtime.ReadMemStats(&after)
	heap := float64(after.HeapAlloc-before.HeapAlloc) / 1e6
	if heap > 200 {
		b.Errorf("a million keys take %.0f MB", heap)
	}
	var snapshot bytes.Buffer
	if err := m.Snapshot()(&snapshot); err != nil {
		b.Fatal(err)
	}
	b.Run("page", func(b *testing.B) {
		for b.Loop() {
			if p := m.List(ListQuery{After: "folder-500/", Max: 1000}); len(p.Objects) != 1000 {
				b.Fatal(len(p.Objects))
			}
		}
		b.ReportMetric(heap, "heap-MB")
	})
	b.Run("folders", func(b *testing.B) {
		for b.Loop() {
			if p := m.List(ListQuery{Delimiter: "/", Max: 1000}); len(p.Prefixes) != 1000 {
				b.Fatal(len(p.Prefixes))
			}
		}
	})
	b.Run("snapshot", func(b *testing.B) {
		b.SetBytes(int64(snapshot.Len()))
		for b.Loop() {
			var to bytes.Buffer
			to.Grow(snapshot.Len())
			if err := m.Snapshot()(&to); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("restore", func(b *testing.B) {
		b.SetBytes(int64(snapshot.Len()))
		for b.Loop() {
			if _, err := Restore([16]byte{1}, bytes.NewReader(snapshot.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPut is a batch of one: decided, applied, forgotten.
func BenchmarkPut(b *testing.B) {
	m := New([16]byte{1})
	c := put("folder/object", "body")
	c.Inline = make([]byte, 1100)
	for i := 0; b.Loop(); i++ {
		batch := m.Begin(Env{Now: epoch})
		batch.Add(c)
		if _, err := m.Apply(uint64(i+1), batch.Entry()); err != nil {
			b.Fatal(err)
		}
		batch.Applied()
	}
}
