package moves

import "time"

const (
	maxBatch      = 100                    // messages of a batch of a task without a rate
	batchInterval = 100 * time.Millisecond // batches of a task with one come no faster, or one by one
)

// A pace spreads the batches of a task over time. After a batch it waits for as
// long as so many messages take at the rate, counted from when the batch began.
// What came late is not caught up with.
type pace struct {
	rate int       // messages a second; 0 for no limit
	due  time.Time // of the next batch
}

// batch is how many messages the next batch may have.
func (p *pace) batch() int {
	if p.rate == 0 {
		return maxBatch
	}
	return max(1, int(time.Duration(p.rate)*batchInterval/time.Second))
}

// wait is how far off the next batch is; 0 when it is due.
func (p *pace) wait(now time.Time) time.Duration { return max(0, p.due.Sub(now)) }

// began notes that a batch of n messages began at a time.
func (p *pace) began(n int, at time.Time) {
	if p.rate > 0 {
		// Rounded up: a nanosecond early is one message too many in a second.
		p.due = at.Add((time.Duration(n)*time.Second-1)/time.Duration(p.rate) + 1)
	}
}
