package queue

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestClockResumes(t *testing.T) {
	now := time.Now() // with a monotonic reading
	ran := Clock{base: epoch, epoch: now.Add(-time.Minute)}
	for _, c := range []struct {
		name   string
		before Clock
		last   time.Duration // of the last entry; 0 for none
		offset time.Duration // of the wall clock at that time
		wall   time.Duration
		want   time.Duration
	}{
		{name: "a new queue begins with the wall clock", wall: time.Hour, want: time.Hour},
		{name: "a closed queue ages", last: time.Minute, wall: time.Hour, want: time.Hour},
		{name: "the wall clock went back", last: time.Hour, wall: time.Minute, want: time.Hour},
		{name: "the wall clock was behind, and still is", last: 2 * time.Hour, offset: -time.Hour, wall: time.Hour + time.Second, want: 2*time.Hour + time.Second},
		{name: "the wall clock was ahead, and is not anymore", last: time.Second, offset: 24 * time.Hour, wall: time.Minute, want: time.Second},
		{name: "the process knows better", before: ran, last: time.Second, wall: 24 * time.Hour, want: time.Minute},
		{name: "another node was further", before: ran, last: time.Hour, wall: time.Minute, want: time.Hour},
		{name: "nothing was written yet", before: ran, wall: time.Hour, want: time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(Config{}, Options{Random: rand.NewPCG(1, 2)})
			if c.last != 0 {
				last := epoch.Add(c.last)
				m.Begin(last, last.Add(c.offset))
				m.WriteTakeover()
				entry := m.Commit(ContentKey{}).Entry
				m = New(Config{}, Options{})
				if err := replay(m, 1, entry); err != nil {
					t.Fatal(err)
				}
			}
			clock := c.before.Resume(m, now, epoch.Add(c.wall))
			if got := clock.MachineTime(now).Sub(epoch); got != c.want {
				t.Errorf("the machine's time is %v, want %v", got, c.want)
			}
			later := now.Add(time.Second)
			if got := clock.MachineTime(later).Sub(clock.MachineTime(now)); got != time.Second {
				t.Errorf("a second took %v", got)
			}
			if got := clock.ProcessTime(clock.MachineTime(later)); !got.Equal(later) {
				t.Errorf("the inverse of %v is %v", later, got)
			}
		})
	}
}

// Without a jump of the wall clock, entries have no record of it, and times are
// those of the machine.
func TestSmallClockDriftIsIgnored(t *testing.T) {
	f := fix(t, false, Config{})
	begin := func(drift time.Duration) Batch {
		f.m.Begin(f.now, f.now.Add(drift))
		f.m.Send(draftOf(Message{Body: "a"}))
		return f.m.Commit(ContentKey{})
	}
	for _, drift := range []time.Duration{0, time.Millisecond, -99 * time.Millisecond, time.Hour, -20 * time.Millisecond} {
		g := begin(drift)
		e, err := ReadEntry(g.Entry)
		if err != nil {
			t.Fatal(err)
		}
		if dates := strings.HasPrefix(e.records, string(byte(kindWallClock))); dates != (drift == time.Hour) {
			t.Errorf("drift of %v: the entry says so: %v", drift, dates)
		}
	}
	begin(time.Hour)
	begin(time.Hour + time.Millisecond)
	if n := len(f.m.sendOffsets.offsets); n != 2 {
		t.Errorf("%d eras, want the right one and the one of the jump", n)
	}
	f.do(f.m.Purge)
	begin(-time.Hour)
	if n := len(f.m.sendOffsets.offsets); n != 1 {
		t.Errorf("%d eras with messages of one", n)
	}
}

// A dead letter keeps its send time and its age, whatever the wall clock said
// when it was sent.
func TestTransferKeepsItsAge(t *testing.T) {
	behind := epoch.Add(-24 * time.Hour)
	arrival := Transfer{
		Seq: 1, Content: draftOf(Message{Body: "a"}).content, Sent: behind, FirstReceived: behind.Add(time.Second), Age: 10 * time.Second,
	}
	f := fix(t, false, Config{Retention: time.Minute})
	f.do(func() { f.m.AcceptTransfers(1, arrival) })
	f.now = f.now.Add(49 * time.Second)
	got := f.receive(1, "a")[0]
	if !got.Sent.Equal(arrival.Sent) || !got.FirstReceived.Equal(arrival.FirstReceived) {
		t.Errorf("sent %v, first received %v", got.Sent, got.FirstReceived)
	}
	f.now = f.now.Add(time.Second)
	f.receive(1, "")
	if n := f.m.Counts().InFlight; n != 0 {
		t.Error("it outlived its retention")
	}
}
