package patience

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// However long it takes in all, a wait in which something moves goes on.
func TestWaitsWhileSomethingMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		done := func() int { return int(time.Since(began) / time.Minute) }
		Until(t, "an hour", func() bool { return done() == 60 }, func() any { return done() })
	})
}

// One in which nothing moves ends, and says what it was and how far things were.
func TestGivesUpWhenNothingMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		done := func() any { return min(3, int(time.Since(began)/time.Minute)) }
		_, err := Await("a fourth minute", make(chan int), done)
		if took := time.Since(began); took < 3*time.Minute+Still*turn || took > 3*time.Minute+(Still+1)*turn {
			t.Errorf("it gave up after %v", took)
		}
		for _, want := range []string{"a limit of the test struck", "a fourth minute", "so far: 3", "5m0s in all"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not say %q", err, want)
			}
		}
	})
}

func TestWhatComesIsReturned(t *testing.T) {
	c := make(chan string, 1)
	c <- "it"
	if got := For(t, "it", c, nil); got != "it" {
		t.Errorf("got %q", got)
	}
	close(c)
	if got := For(t, "the end", c, nil); got != "" {
		t.Errorf("got %q at the end", got)
	}
}
