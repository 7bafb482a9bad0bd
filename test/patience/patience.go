// Package patience waits for what should come, for as long as something moves.
//
// A limit in seconds says nothing of a product on a machine that is busy with
// something else: what takes 50 ms alone takes ten seconds there, and is right.
// So the waits here count what moves. Each is told what it waits for, and how far
// things are; it gives up only when that has stayed the same over [Still] turns,
// and says that it was a limit of the test that struck, and what had been done.
//
//	got := patience.For(t, "the function's answer", answers, nil)
//	patience.Until(t, "all sends acknowledged", func() bool { return acked() == n }, func() any { return acked() })
//
// A turn is a short sleep, which on a busy machine is a long one: who has no turn
// himself does not count it against others. Tests in a synctest bubble need none
// of this.
package patience

import (
	"fmt"
	"testing"
	"time"
)

const (
	// Still is how many turns of nothing end a wait: two minutes on a quiet machine.
	Still = 6000
	turn  = 20 * time.Millisecond
)

// A Limit ends a wait in which nothing moves.
type Limit struct {
	what  string
	moved func() any // nil when nothing can be seen moving
	last  string
	still int
	turns int
	began time.Time
}

// New begins a wait for what. The answer of moved says how far things are, and is
// printed when the limit strikes; a nil moved sees nothing but turns going by.
func New(what string, moved func() any) *Limit {
	l := &Limit{what: what, moved: moved, began: time.Now()}
	l.last = l.look()
	return l
}

func (l *Limit) look() string {
	if l.moved == nil {
		return ""
	}
	return fmt.Sprint(l.moved())
}

// Turn is the channel of a turn; whoever has received from it asks [Limit.Struck].
func (l *Limit) Turn() <-chan time.Time { return time.After(turn) }

// Struck counts a turn in which what is waited for did not come. It returns an
// error once nothing has moved for too long, else nil.
func (l *Limit) Struck() error {
	l.turns++
	if now := l.look(); now != l.last {
		l.last, l.still = now, 0
		return nil
	}
	if l.still++; l.still < Still {
		return nil
	}
	done := "nothing could be seen moving"
	if l.moved != nil {
		done = "so far: " + l.last
	}
	return fmt.Errorf("a limit of the test struck, waiting for %s: nothing moved over the last %d of %d turns, %v in all; %s",
		l.what, l.still, l.turns, time.Since(l.began).Round(time.Second), done)
}

// Await waits for a value of c, or for its end, and returns an error when nothing
// has moved for too long.
func Await[T any](what string, c <-chan T, moved func() any) (v T, err error) {
	for l := New(what, moved); ; {
		select {
		case v = <-c:
			return v, nil
		case <-l.Turn():
			if err := l.Struck(); err != nil {
				return v, err
			}
		}
	}
}

// For is Await for a test, which fails at once when the limit strikes.
func For[T any](t testing.TB, what string, c <-chan T, moved func() any) T {
	t.Helper()
	v, err := Await(what, c, moved)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Until asks again each turn until so is true. The test fails at once when the
// limit strikes.
func Until(t testing.TB, what string, so func() bool, moved func() any) {
	t.Helper()
	for l := New(what, moved); !so(); {
		<-l.Turn()
		if err := l.Struck(); err != nil {
			t.Fatal(err)
		}
	}
}
