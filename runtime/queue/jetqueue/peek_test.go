package jetqueue_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/store/backbone/backbonetest"
)

// Peek at any node returns what the owner has, and changes nothing.
func TestPeekAcrossNodes(t *testing.T) {
	url := backbonetest.Listen(t, 0)
	one, two := join(t, url), join(t, url)
	for _, kind := range []string{"", ".fifo"} {
		name := one.owned(two, kind)
		q := one.get(name)
		later := time.Hour
		var all []queue.Message
		for i := range 40 {
			m := queue.Message{Body: fmt.Sprint("body\x00\xff", i), SenderID: "AIDA", Attributes: []queue.Attribute{{Name: "n", DataType: "Number", Value: fmt.Append(nil, i)}}}
			if kind != "" {
				m.GroupID, m.DedupID = fmt.Sprint("g", i%3), fmt.Sprint(i)
			} else if i%4 == 3 {
				m.Delay = &later
			}
			all = append(all, m)
		}
		if _, err := q.Send(ctx, all...); err != nil {
			t.Fatal(err)
		}
		got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 7, Visibility: &later})
		if err != nil || len(got) != 7 {
			t.Fatal(got, err)
		}
		before, err := q.Counts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []queue.PeekRequest{{}, {Max: 3}, {Invisible: true}, {Delayed: true}, {Invisible: true, Delayed: true}, {Invisible: true, Delayed: true, Max: 9}} {
			here, err := two.get(name).Peek(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			there, err := q.Peek(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			want := 33
			switch {
			case kind == "" && r.Invisible && r.Delayed, kind != "" && r.Invisible:
				want = 40
			case kind == "" && r.Invisible:
				want = 30
			case kind == "" && !r.Delayed:
				want = 23
			}
			if r.Max > 0 {
				want = min(want, r.Max)
			}
			if len(here) != want || len(there) != want {
				t.Errorf("%s: peek %+v shows %d at the owner and %d elsewhere, want %d", name, r, len(here), len(there), want)
				continue
			}
			for i := range there {
				a, b := here[i], there[i]
				if d := a.VisibleAt.Sub(b.VisibleAt).Abs(); d > time.Minute { // told by the clock as it is now
					t.Errorf("%s: %v at the owner, and %v", name, a.VisibleAt, b.VisibleAt)
				}
				a.VisibleAt, b.VisibleAt, a.Age, b.Age = time.Time{}, time.Time{}, 0, 0
				a.Sent, a.FirstReceived, b.Sent, b.FirstReceived = a.Sent.UTC(), a.FirstReceived.UTC(), b.Sent.UTC(), b.FirstReceived.UTC()
				if !reflect.DeepEqual(a, b) {
					t.Errorf("%s: peek %+v shows\n%+v at the owner and\n%+v elsewhere", name, r, a, b)
				}
			}
		}
		if after, err := q.Counts(ctx); err != nil || after != before {
			t.Errorf("%s: %+v, and after looking %+v, %v", name, before, after, err)
		}
	}
}
