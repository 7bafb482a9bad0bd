package delivery

import (
	"errors"
	"math"
	"time"
)

// A Backoff is the pauses between attempts: phase after phase. When the phases are
// over, so are the attempts.
type Backoff []Phase

// A Phase is some pauses that grow from First to at most Last.
type Phase struct {
	Times  int           `json:",omitempty"` // how many; 0 for ever
	First  time.Duration `json:",omitempty"`
	Last   time.Duration `json:",omitempty"`
	Curve  Curve         `json:",omitempty"` // how they grow
	Jitter float64       `json:",omitempty"` // share of a pause, 0 to 1, that chance may take off
}

// A Curve says how the pauses of a phase grow.
type Curve string

// The curves. All but Doubling reach Last with the last pause of a phase, which must have
// an end, and start with First: in this order, from the one that grows soonest to the one
// that grows latest.
const (
	Doubling    Curve = ""            // each pause is twice the one before, until they have reached Last
	Linear      Curve = "linear"      // by the same step each time
	Arithmetic  Curve = "arithmetic"  // by one step, two steps, three steps ...
	Geometric   Curve = "geometric"   // by the same factor each time
	Exponential Curve = "exponential" // by one step, two steps, four steps ...
)

// Pause is the pause after n attempts, from 1; ok is false when there is no further
// attempt. chance, from 0 to 1, says how much of its jitter is taken off.
func (b Backoff) Pause(n int, chance float64) (pause time.Duration, ok bool) {
	for _, p := range b {
		if p.Times == 0 || n <= p.Times {
			pause = p.pause(n)
			return pause - time.Duration(float64(pause)*p.Jitter*chance), true
		}
		n -= p.Times
	}
	return 0, false
}

func (p Phase) pause(n int) time.Duration {
	if p.Curve == Doubling || p.Times < 2 || p.Last <= p.First {
		pause := p.First
		for ; n > 1 && pause < p.Last; n-- {
			pause *= 2
		}
		return min(pause, max(p.First, p.Last))
	}
	if n == p.Times { // as it is, whatever the arithmetic makes of it
		return p.Last
	}
	k, steps := float64(n-1), float64(p.Times-1)
	first, last := float64(p.First), float64(p.Last)
	var share float64 // of the way from First to Last
	switch p.Curve {
	case Arithmetic:
		share = k * (k + 1) / (steps * (steps + 1))
	case Geometric:
		return time.Duration(first * math.Pow(last/first, k/steps))
	case Exponential:
		share = (math.Exp2(k) - 1) / (math.Exp2(steps) - 1)
	default:
		share = k / steps
	}
	return time.Duration(first + (last-first)*share)
}

// Later marks an error of Deliver that says when the target takes the event: it is tried
// again after the pause, and the attempt counts for nothing. It is for targets that have a
// pace of their own.
func Later(err error, pause time.Duration) error { return laterError{err, pause} }

type laterError struct {
	error
	pause time.Duration
}

func (e laterError) Unwrap() error { return e.error }

// later is the pause that an error of Deliver asks for.
func later(err error) (pause time.Duration, ok bool) {
	l := laterError{}
	ok = errors.As(err, &l)
	return l.pause, ok
}
