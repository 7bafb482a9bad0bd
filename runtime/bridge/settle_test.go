package bridge

import (
	"fmt"
	"slices"
	"testing"
)

func TestSettlements(t *testing.T) {
	for _, c := range []struct {
		rule    string
		sent    int
		batches [][]uint64
		want    string
	}{
		{"a batch is one acknowledgement", 5, [][]uint64{{1, 2, 3, 4, 5}}, "[{5 true}]"},
		{"batches in order are one each", 5, [][]uint64{{1, 2}, {3, 4, 5}}, "[{2 true}] [{5 true}]"},
		{"one alone is not several", 3, [][]uint64{{1}, {2}}, "[{1 false}] [{2 false}]"},
		{"what has others before it goes singly", 4, [][]uint64{{2, 4}, {3, 1}}, "[{2 false} {4 false}] [{3 true}]"},
		{"the beginning together, the rest singly", 6, [][]uint64{{6, 2, 1, 4}}, "[{2 true} {4 false} {6 false}]"},
		{"what is settled already is no gap", 4, [][]uint64{{2}, {1, 3, 4}}, "[{2 false}] [{4 true}]"},
		{"nothing twice", 3, [][]uint64{{1, 1, 2}, {2, 1}, {3, 3}}, "[{2 true}] [] [{3 false}]"},
		{"nothing that is not there", 2, [][]uint64{{0, 3, 99, 1 << 63}, {1, 2}}, "[] [{2 true}]"},
	} {
		tr := newTracker()
		for range c.sent {
			tr.arrive(tr.send(10), 7)
		}
		var got []string
		for _, b := range c.batches {
			say, _ := tr.settle(b)
			got = append(got, fmt.Sprint(say))
		}
		if s := fmt.Sprint(got); s != "["+c.want+"]" {
			t.Errorf("%s: %s, want %s", c.rule, s, c.want)
		}
	}
}

// What was not kept is settled, whatever of what was sent before it has come back.
func TestSkippedDeliveries(t *testing.T) {
	tr := newTracker()
	tr.send(1) // 1
	if tag := tr.skip(); tag != 2 {
		t.Fatalf("the second has tag %d", tag)
	}
	tr.send(1) // 3
	if got := []arrival{tr.arrive(1, 11), tr.arrive(3, 12)}; !slices.Equal(got, []arrival{expected, expected}) {
		t.Errorf("arrivals %v", got)
	}
	if say, _ := tr.settle([]uint64{1, 2, 3}); fmt.Sprint(say) != "[{3 true}]" {
		t.Errorf("said %v", say)
	}
	if len(tr.deliveries) != 0 || tr.unread() != 0 || tr.held != 0 || tr.waiting != 0 {
		t.Errorf("left %+v", tr)
	}
}

func TestAGapIsSeen(t *testing.T) {
	tr := newTracker()
	for range 4 {
		tr.send(1)
	}
	got := []arrival{tr.arrive(1, 1), tr.arrive(1, 2), tr.arrive(3, 3), tr.arrive(2, 4), tr.arrive(9, 5), tr.arrive(0, 6)}
	if want := []arrival{expected, repeated, gap, expected, repeated, repeated}; !slices.Equal(got, want) {
		t.Errorf("arrivals %v, want %v", got, want)
	}
}

// FuzzTracker plays a broker that refuses what RabbitMQ refuses: a tag that it does not
// wait for. It checks that all that is settled is said once, and all counts are true.
func FuzzTracker(f *testing.F) {
	f.Add([]byte{0, 0, 0, 4, 4, 4, 8, 9, 10})
	f.Add([]byte{0, 1, 0, 1, 4, 4, 0, 4, 12, 13, 14, 15, 16})
	f.Fuzz(func(t *testing.T, steps []byte) {
		tr := newTracker()
		waits := map[uint64]bool{} // the broker's
		sizes := map[uint64]int{}  // of what is unsettled
		var sent []uint64          // and has not come back
		var batch []uint64
		sequence := uint64(0)
		for _, s := range steps {
			switch arg := s >> 2; s & 3 {
			case 0:
				tag := tr.send(int(arg))
				waits[tag], sizes[tag] = true, int(arg)
				sent = append(sent, tag)
			case 1:
				tr.skip()
			case 2:
				if len(sent) > 0 {
					sequence++
					if got := tr.arrive(sent[0], sequence); got != expected {
						t.Fatalf("entry %d: %d", sent[0], got)
					}
					sent = sent[1:]
				}
			case 3:
				batch = append(batch, uint64(arg)+max(tr.first, 4)-4)
				if len(batch) < 3 {
					continue
				}
				read := func(tag uint64) bool { return !slices.Contains(sent, tag) }
				want := map[uint64]bool{}
				for _, tag := range batch {
					if _, ok := sizes[tag]; ok && read(tag) {
						want[tag] = true
					}
				}
				say, bytes := tr.settle(batch)
				batch = nil
				for _, one := range say {
					if !waits[one.tag] {
						t.Fatalf("the broker does not wait for %d", one.tag)
					}
					for tag := range waits {
						if tag == one.tag || one.multiple && tag < one.tag {
							if !want[tag] {
								t.Fatalf("%v settles %d, which nobody has asked for", one, tag)
							}
							delete(waits, tag)
							delete(want, tag)
							bytes -= sizes[tag]
							delete(sizes, tag)
						}
					}
				}
				if len(want) > 0 || bytes != 0 {
					t.Fatalf("not settled: %v; bytes left: %d", want, bytes)
				}
			}
			held := 0
			for _, n := range sizes {
				held += n
			}
			if tr.held != held || tr.unread() > len(tr.deliveries) {
				t.Fatalf("%d bytes are held of %d", tr.held, held)
			}
		}
	})
}
