package fifo

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Whatever is lost, numbers rise with the sequences and none is given twice, also when the
// clock was set back.
func TestNumbersRise(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	now := time.Unix(1_800_000_000, 0)
	var n numbering
	given := map[uint64]bool{}
	last, first := uint64(0), uint64(1)
	highest := uint64(0)
	for range 200 {
		lost := min(last-first+1, uint64(random.IntN(5)))
		last -= lost
		n = n.jumped(last+1, now)
		for range random.IntN(20) {
			last++
			at := n.at(last)
			if given[at] || at <= highest || at >= 1<<53 {
				t.Fatalf("entry %d got %d after %d: %v", last, at, highest, n)
			}
			given[at], highest = true, at
		}
		if random.IntN(4) == 0 {
			before := n.at(first)
			first += (last - first + 1) / 2
			after := n.at(first)
			n = n.trimmed(first)
			if after <= before && first > 1 && last > first || n.at(first) != after {
				t.Fatalf("trimming below %d gave it %d for %d", first, n.at(first), after)
			}
		}
		now = now.Add(time.Duration(random.IntN(7200)-3600) * time.Second)
	}
	if len(n) > 150 {
		t.Errorf("%d jumps are left", len(n))
	}
}
