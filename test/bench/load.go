package main

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// A sample is what one run of a mode measured.
type sample struct {
	msgs      int
	elapsed   time.Duration
	latencies []time.Duration // of each operation, in rising order

	echo      float64 // operations a second of the echo server, just before
	memory    int     // bytes that stay in memory
	processor float64 // share of one processor, 0 to 1

	each         time.Duration // processor time of the runtime for each batch
	ready, first time.Duration // from a restart until ready, and until a message was received
	fsync        time.Duration // what one takes on this disk
}

func (s sample) opsPerSecond() float64  { return float64(len(s.latencies)) / s.elapsed.Seconds() }
func (s sample) msgsPerSecond() float64 { return float64(s.msgs) / s.elapsed.Seconds() }

// percentile of the latencies; p is 0 to 1.
func (s sample) percentile(p float64) time.Duration {
	if len(s.latencies) == 0 {
		return 0
	}
	return s.latencies[min(len(s.latencies)-1, int(p*float64(len(s.latencies))))]
}

// errDone ends a connection's loop early, with nothing wrong.
var errDone = errors.New("nothing left to do")

// A step is one operation. It returns how many messages it moved.
type step func(*conn) (msgs int, err error)

// load runs steps on n connections, each beginning the next when it has the
// answer to the last, until the time is over.
func load(address string, n int, d time.Duration, do step) (sample, error) {
	samples, errs := make([]sample, n), make([]error, n)
	var all sync.WaitGroup
	began := time.Now()
	for i := range n {
		all.Go(func() { samples[i], errs[i] = loop(address, began.Add(d), do) })
	}
	all.Wait()
	var sum sample
	for _, s := range samples {
		sum.msgs += s.msgs
		sum.latencies = append(sum.latencies, s.latencies...)
	}
	sum.elapsed = time.Since(began)
	slices.Sort(sum.latencies)
	return sum, errors.Join(errs...)
}

func loop(address string, until time.Time, do step) (s sample, err error) {
	c, err := dial(address)
	if err != nil {
		return s, err
	}
	defer c.Close()
	for now := time.Now(); now.Before(until); {
		msgs, err := do(c)
		if errors.Is(err, errDone) {
			return s, nil
		}
		if err != nil {
			return s, err
		}
		began := now
		now = time.Now()
		s.msgs += msgs
		s.latencies = append(s.latencies, now.Sub(began))
	}
	return s, nil
}
