package fifo

import (
	"math/rand/v2"
	"testing"
)

// A window gives runs without gaps, keeps to its limits, and gives back all that it took.
func TestWindow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const total, most = 100_000, 20_000
	b := &budget{}
	b.left.Store(total)
	all := make([]window, 8)
	next := make([]uint64, len(all))
	for i := range all {
		all[i] = window{budget: b, max: most}
		next[i] = 1
	}
	for range 20_000 {
		i := random.IntN(len(all))
		w := &all[i]
		switch random.IntN(4) {
		case 0, 1:
			next[i] += uint64(random.IntN(20)/19) + 1 // now and then one is missing
			w.add(storedEntry{seq: next[i], content: make([]byte, random.IntN(1000))})
		case 2:
			from := max(next[i]-min(next[i], uint64(random.IntN(50))), 1)
			run := w.from(from, 10, 5000)
			if len(run) > 10 {
				t.Fatalf("%d entries, want 10 at most", len(run))
			}
			for k, e := range run {
				if e.seq != from+uint64(k) {
					t.Fatalf("entry %d is %d", from+uint64(k), e.seq)
				}
			}
			if first := w.first(from); (first == from) != (len(run) > 0) {
				t.Fatalf("the first from %d on is %d, of %d", from, first, len(run))
			}
		case 3:
			w.forget(next[i] - min(next[i], uint64(random.IntN(100))))
		}
		if w.bytes > most || b.left.Load() < 0 {
			t.Fatalf("%d bytes, and %d are left", w.bytes, b.left.Load())
		}
	}
	for i := range all {
		all[i].clear()
	}
	if left := b.left.Load(); left != total {
		t.Errorf("%d of %d bytes were given back", left, total)
	}
}
