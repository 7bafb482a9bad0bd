package queue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// One old message must not keep the index entries of all messages removed behind it,
// and the rest stays in the order of age.
func TestAgeIndexDropsRemovedMessages(t *testing.T) {
	const n = 6000
	s := newSlab()
	a := newAgeIndex(&s)
	d := rand.New(rand.NewPCG(1, 2))
	for i := range uint64(n) {
		msg := s.add(i + 1)
		msg.sentAt, msg.status = int64(i), ready
		if d.IntN(3) == 0 { // a straggler: it was enqueued earlier, elsewhere
			msg.mutableState().enqueuedAt = d.Int64N(int64(i)+1) + 1
		}
		a.push(msg)
	}
	for i := range uint64(n) {
		if i%100 != 0 {
			s.remove(s.get(i + 1))
		}
	}
	var want []uint64
	for msg := range s.all() {
		want = append(want, msg.number)
	}
	slices.SortFunc(want, func(x, y uint64) int {
		p, q := ageKey{s.get(x).enqueuedAt(), x}, ageKey{s.get(y).enqueuedAt(), y}
		if p.before(q) {
			return -1
		}
		return 1
	})
	a.compact(s.count)
	if kept := a.inOrder.ranges.len() + a.outOfOrder.len(); kept > 2*s.count {
		t.Errorf("%d places are kept for %d messages", kept, s.count)
	}
	var got []uint64
	for msg := a.first(); msg != nil; msg = a.first() {
		got = append(got, msg.number)
		s.remove(msg)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the order is %v, want %v", got, want)
	}
}

func TestTimeQueueDropsForgottenItems(t *testing.T) {
	l := newTimeQueue(func(e *dedupEntry) int64 { return e.until }, func(e *dedupEntry) bool { return !e.forgotten })
	var want []int64
	for i := range int64(5000) {
		e := &dedupEntry{until: i}
		if i%7 == 0 {
			e.until = 5000 - i // late
		}
		l.push(e)
		if e.forgotten = i > 0 && i%50 != 0; !e.forgotten {
			want = append(want, e.until)
		}
	}
	slices.Sort(want)
	l.compact(len(want))
	if kept := l.inOrder.len() + l.outOfOrder.len(); kept != len(want) {
		t.Errorf("%d items are kept, want %d", kept, len(want))
	}
	var got []int64
	for e, ok := l.first(); ok; e, ok = l.first() {
		got = append(got, e.until)
		e.forgotten = true
	}
	if !slices.Equal(got, want) {
		t.Errorf("the order is %v, want %v", got, want)
	}
}

// A dead-letter queue accepts messages that are old already, and is emptied of all
// but the oldest again and again: nothing is kept for the removed ones.
func TestCompactionBehindAnOldMessage(t *testing.T) {
	s := &loggedMachine{config: Config{Visibility: time.Hour, Retention: 24 * time.Hour}}
	s.kill(t)
	now := epoch
	arrive := func(n uint64, age time.Duration) {
		s.do(now, func(m *Machine) {
			b := Transfer{Seq: n, Sent: now.Add(-age), Age: age, Receives: 3, Content: Pack(&Message{Body: fmt.Sprint(n)}, "")}
			b.ID[0], b.ID[1] = byte(n), byte(n>>8)
			m.AcceptTransfers(7, b)
		})
	}
	arrive(1, 12*time.Hour)
	for n := uint64(2); n < 4000; n += 2 {
		now = now.Add(time.Second)
		arrive(n, 2*time.Hour)
		arrive(n+1, 3*time.Hour) // older than the one before
		w := &Waiter{}
		s.do(now, func(m *Machine) { m.Receive(w, ReceiveRequest{Max: 3}) })
		s.do(now, func(m *Machine) {
			for _, d := range w.Deliveries {
				if d.Number != 1 {
					m.Delete(Receipt{d.Number, d.ReceiveCount})
				}
			}
		})
	}
	if n := s.m.messages.count; n != 1 {
		t.Fatalf("%d messages are left, want the oldest alone", n)
	}
	if kept := s.m.byAge.inOrder.ranges.len() + s.m.byAge.outOfOrder.len(); kept > 1024+2+2 {
		t.Errorf("the ages keep %d places for one message", kept)
	}
	if got := s.m.Counts().Oldest; !got.Equal(epoch.Add(-12 * time.Hour)) {
		t.Errorf("the oldest is of %v", got)
	}
}
