package memory

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/fault"
)

const (
	mib    = 1 << 20
	moment = 10 * time.Millisecond // after which a gauge measures again
)

// A world is what a Limit reads and tells, and what it logged.
type world struct {
	*Limit
	now         reading
	told        []int64
	collections int
	logged      bytes.Buffer
}

// in128 is a runtime in a cgroup of 128 MiB: Go may have 115 of it, of which 69
// may live.
func in128() *world {
	w := &world{now: reading{live: 10 * mib, own: 30 * mib, all: 30 * mib}}
	w.Limit = &Limit{
		bytes: 128 * mib, named: "the limit of its cgroup", user: math.MaxInt64,
		read:    func() reading { return w.now },
		collect: func() { w.collections++; w.now.cycles++ },
		set:     func(n int64) int64 { w.told = append(w.told, n); return 0 },
		log:     slog.New(slog.NewTextHandler(&w.logged, nil)),
	}
	w.init()
	w.drains.Admit(1)
	w.sends.Admit(1) // a bubble's clock is behind the one that a new gauge goes by
	return w
}

func TestRefusesBeforeTheEndAndHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := in128()
		if err := w.Admit(mib); err != nil {
			t.Fatalf("with 10 MiB alive: %v", err)
		}
		w.now.live, w.now.own, w.now.all = 70*mib, 100*mib, 100*mib
		time.Sleep(moment)
		err := w.Admit(1)
		if _, told := fault.Told(err); !told || !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "takes 73.4 MB of the 72.5 MB that it may take of 134.2 MB") {
			t.Errorf("with 70 MiB alive: %v", err)
		}
		for range 100 {
			if time.Sleep(moment); w.Admit(0) == nil {
				t.Fatal("admitted while full")
			}
		}
		if w.collections == 0 || w.collections > 3 {
			t.Errorf("collected %d times in a second", w.collections)
		}
		w.now.live = 60 * mib
		if time.Sleep(moment); w.Admit(0) == nil {
			t.Error("admitted again at once: it would flap")
		}
		w.now.live = 50 * mib
		if time.Sleep(moment); w.Admit(0) != nil {
			t.Error("refused with room")
		}
		if begin, end := strings.Count(w.logged.String(), "Memory is nearly full"), strings.Count(w.logged.String(), "accepted"); begin != 1 || end != 1 {
			t.Errorf("an episode is logged %d and %d times:\n%s", begin, end, w.logged.String())
		}
	})
}

func TestCountsWhatIsAdmittedBetweenCollections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := in128()
		w.collect = func() { w.now.cycles++; w.now.live = w.lives() } // all of it waits
		n := 0
		for ; n < 200 && w.Admit(mib) == nil; n++ {
		}
		if n < 55 || n > 60 { // 69 less 10
			t.Errorf("admitted %d MiB before anything was collected", n)
		}
		w.now.cycles++ // after they were received and deleted
		w.now.live = 10 * mib
		if time.Sleep(moment); w.Admit(mib) != nil {
			t.Error("refused, though a collection found 10 MiB alive")
		}
	})
}

// Receives go on beyond what may live, and end before the collector cannot keep up.
func TestDrainsHaveMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := in128()
		w.now.live = 80 * mib
		if time.Sleep(moment); w.Admit(0) == nil || w.Drain(0) != nil {
			t.Error("with 80 MiB alive not only sends are refused, or not even they")
		}
		if err := w.Drain(8 * mib); err != nil {
			t.Errorf("a queue beside 80 MiB: %v", err)
		}
		w.now.cycles++
		if err := w.Drain(8 * mib); !errors.Is(err, fault.Unavailable) {
			t.Errorf("a second one, before the first is there to be collected: %v", err)
		}
		if err := w.Drain(0); err != nil {
			t.Errorf("a queue that is in use: %v", err)
		}
		w.now.live = 93 * mib
		if time.Sleep(arrives); !errors.Is(w.Drain(0), fault.Unavailable) {
			t.Error("drained with 93 MiB alive")
		}
		w.now.live = 50 * mib
		if time.Sleep(moment); w.Drain(0) != nil || w.Admit(0) != nil {
			t.Error("refused with room")
		}
		var none *Limit
		if err := none.Drain(mib); err != nil {
			t.Errorf("without a limit: %v", err)
		}
	})
}

func TestReadsLessAtOnce(t *testing.T) {
	var none *Limit
	if none.ConcurrentLoads() != 0 || none.PageBytes() != 0 {
		t.Error("no limit limits what is read")
	}
	l := in128()
	if loads, pages := l.ConcurrentLoads(), l.PageBytes(); loads != 2 || pages < 200<<10 || pages > 300<<10 {
		t.Errorf("in 128 MiB: %d logs at once, pages of %d", loads, pages)
	}
}

func TestFunctionsShareTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := in128()
		w.now.all += 60 * mib // a function's, or a file's in a tmpfs
		w.now.live = 40 * mib
		if time.Sleep(moment); w.Admit(0) == nil {
			t.Error("admitted with 40 MiB alive beside 60 of others")
		}
		left := 128 * 9 / 10 // MiB
		if got, want := w.told[len(w.told)-1]/mib, int64(left-60); got != want {
			t.Errorf("Go was told %d MiB, want %d", got, want)
		}
		w.now.all -= 60 * mib
		if time.Sleep(moment); w.Admit(0) != nil {
			t.Error("refused after the others have ended")
		}
		if got := w.told[len(w.told)-1] / mib; got != int64(left) {
			t.Errorf("Go was told %d MiB, want %d", got, left)
		}
	})
}

func TestLimitOfTheUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := in128()
		w.told = nil
		w.user, w.pinned = 50*mib, true
		w.init()
		w.now.live = 40 * mib
		if w.Admit(2*mib) == nil {
			t.Error("admitted with 40 MiB of 50 alive")
		}
		if len(w.told) > 0 {
			t.Error("GOMEMLIMIT was changed")
		}
		if got := w.BodyCacheBytes(); got > 4*mib {
			t.Errorf("bodies may take %d", got)
		}
	})
}

func TestBodies(t *testing.T) {
	if got := (*Limit)(nil).BodyCacheBytes(); got != 64*mib {
		t.Errorf("without a limit: %d", got)
	}
	if got := in128().BodyCacheBytes(); got < 8*mib || got > 9*mib {
		t.Errorf("in 128 MiB: %d", got)
	}
}

func TestFind(t *testing.T) {
	l := Find(slog.New(slog.DiscardHandler))
	if r := l.read(); r.live > r.own || r.own == 0 {
		t.Errorf("read %+v", r)
	}
	if err := l.Admit(0); err != nil {
		t.Error(err)
	}
}

func BenchmarkAdmit(b *testing.B) {
	l := Find(slog.New(slog.DiscardHandler))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l.Admit(500)
		}
	})
}
