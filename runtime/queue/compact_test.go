package queue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// One old message must not keep the places of all that came and went behind it,
// and those that are left stay in the order of their age.
func TestAgesForgetWhatIsOver(t *testing.T) {
	const n = 6000
	s := newSlab()
	a := newAges(&s)
	d := rand.New(rand.NewPCG(1, 2))
	for i := range uint64(n) {
		o := s.add(i + 1)
		o.sent, o.state = int64(i), ready
		if d.IntN(3) == 0 { // a straggler: it was enqueued earlier, elsewhere
			o.live().enqueued = d.Int64N(int64(i)+1) + 1
		}
		a.push(o)
	}
	for i := range uint64(n) {
		if i%100 != 0 {
			s.remove(s.at(i + 1))
		}
	}
	var want []uint64
	for o := range s.all() {
		want = append(want, o.number)
	}
	slices.SortFunc(want, func(x, y uint64) int {
		p, q := age{s.at(x).enqueued(), x}, age{s.at(y).enqueued(), y}
		if p.before(q) {
			return -1
		}
		return 1
	})
	a.compact(s.count)
	if kept := a.inOrder.spans.len() + a.late.len(); kept > 2*s.count {
		t.Errorf("%d places are kept for %d messages", kept, s.count)
	}
	var got []uint64
	for o := a.first(); o != nil; o = a.first() {
		got = append(got, o.number)
		s.remove(o)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the order is %v, want %v", got, want)
	}
}

// The same of what is remembered for a while.
func TestLinesForgetWhatIsOver(t *testing.T) {
	l := newLine(func(e *memo) int64 { return e.until }, func(e *memo) bool { return !e.over })
	var want []int64
	for i := range int64(5000) {
		e := &memo{until: i}
		if i%7 == 0 {
			e.until = 5000 - i // late
		}
		l.push(e)
		if e.over = i > 0 && i%50 != 0; !e.over {
			want = append(want, e.until)
		}
	}
	slices.Sort(want)
	l.compact(len(want))
	if kept := l.inOrder.len() + l.late.len(); kept != len(want) {
		t.Errorf("%d places are kept for %d memos", kept, len(want))
	}
	var got []int64
	for e, ok := l.first(); ok; e, ok = l.first() {
		got = append(got, e.until)
		e.over = true
	}
	if !slices.Equal(got, want) {
		t.Errorf("the order is %v, want %v", got, want)
	}
}

// A machine that serves for long behind one old message compacts as it goes, and
// still knows the old one's age.
func TestCompactionBehindAnOldMessage(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		s := &stored{fifo: fifo, config: Config{Visibility: time.Hour, Retention: 24 * time.Hour}}
		s.kill(t)
		now := epoch
		send := func(name string) {
			s.do(now, func(m *Machine) {
				m.Send(draftOf(Message{Body: name, GroupID: groupFor(fifo, name), DedupID: dedupFor(fifo, name)}))
			})
		}
		send("old")
		for i := range 4000 {
			now = now.Add(time.Second)
			send(fmt.Sprint("m", i))
			send(fmt.Sprint("n", i))
			w := &Waiter{}
			s.do(now, func(m *Machine) { m.Receive(w, ReceiveRequest{Max: 3}) })
			s.do(now, func(m *Machine) {
				for _, d := range w.Deliveries {
					if d.Number%2 == 1 && d.Number != 1 || i > 20 && d.Number > 20 {
						m.Delete(Ref{d.Number, d.Delivery})
					}
				}
			})
		}
		m := s.m
		if kept := m.age.inOrder.spans.len() + m.age.late.len(); kept > 2*m.messages.count+1025 {
			t.Errorf("fifo %v: the ages keep %d places for %d messages", fifo, kept, m.messages.count)
		}
		if kept := m.memory.inOrder.len() + m.memory.late.len(); kept > 2*(len(m.dedup)+len(m.attempts))+1025 {
			t.Errorf("fifo %v: the memory keeps %d places for %d", fifo, kept, len(m.dedup)+len(m.attempts))
		}
		if got := m.age.first(); got == nil || got.number != 1 {
			t.Errorf("fifo %v: the oldest is %+v", fifo, got)
		}
	}
}

func groupFor(fifo bool, name string) string {
	if fifo {
		return name
	}
	return ""
}

func dedupFor(fifo bool, name string) string { return groupFor(fifo, name) }
