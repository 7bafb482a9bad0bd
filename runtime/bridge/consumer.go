package bridge

import (
	"context"
	"time"
)

// A Consumer receives the deliveries of a queue. One goroutine at a time calls Receive;
// the other methods are safe for concurrent use.
type Consumer struct {
	bridges *Bridges
	spec    Spec
}

// Receive waits for a delivery, as long as wait says or for ever when that is negative,
// and returns it with those that are there already, max at most. It returns none when
// the wait is over, also while another runtime bridges the queue.
//
// It connects when there is no connection. When that fails, or when a connection has
// ended since the last call, it returns an [*Error], and the next call connects anew:
// the caller decides when.
func (c *Consumer) Receive(ctx context.Context, max int, wait time.Duration) ([]Delivery, error) {
	return nil, nil
}

// Acknowledge says that deliveries are done. Those of an earlier connection are left out:
// the broker delivers them again. Of a Delivery only Handle matters.
func (c *Consumer) Acknowledge(ctx context.Context, done []Delivery) error { return nil }

// Requeue gives deliveries back to the queue, from which the broker delivers them again,
// marked as such. Those of an earlier connection are left out. Of a Delivery only Handle
// matters.
func (c *Consumer) Requeue(ctx context.Context, back []Delivery) error { return nil }

// Dropped is how many deliveries had bodies larger than Spec.MaxBody.
func (c *Consumer) Dropped() uint64 { return 0 }

// Close ends the connection: the broker delivers to others what was not acknowledged. A
// Receive under way returns an [*Error] of reason Closed.
func (c *Consumer) Close() error { return nil }
