package bridge

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A Consumer receives the deliveries of a queue. One goroutine at a time calls Receive;
// the other methods are safe for concurrent use.
type Consumer struct {
	bridges *Bridges
	spec    Spec
	dropped atomic.Uint64

	life  context.Context // over when the consumer is closed
	close context.CancelFunc

	connecting sync.Mutex // held while a link is made
	mu         sync.Mutex // guards link
	link       *link      // nil while there is none
}

// Receive waits for a delivery, as long as wait says or for ever when that is negative,
// and returns it with those that are there already, max at most. It returns none when
// the wait is over, also while another runtime bridges the queue.
//
// It connects when there is no connection. When that fails, or when a connection has
// ended since the last call, it returns an [*Error], and the next call connects anew:
// the caller decides when.
func (c *Consumer) Receive(ctx context.Context, max int, wait time.Duration) ([]Delivery, error) {
	var over <-chan time.Time
	if wait >= 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		over = t.C
	}
	for {
		got, next, err := c.receive(ctx, max)
		if len(got) > 0 || err != nil {
			return got, err
		}
		select {
		case <-next:
		case <-over:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.life.Done():
			return nil, c.closed()
		}
	}
}

// receive is a Receive that does not wait; next tells when it may have something.
func (c *Consumer) receive(ctx context.Context, max int) (got []Delivery, next <-chan struct{}, err error) {
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if mine, changed := c.bridges.owns(c.spec.Queue); !mine {
		return nil, changed, nil
	}
	l, err := c.connected(ctx)
	if err != nil {
		return nil, nil, err
	}
	got, failed := l.take(max)
	if failed == nil {
		return got, l.readable, nil
	}
	select {
	case <-l.over: // before another one uses its stream
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	c.mu.Lock()
	c.link = nil
	c.mu.Unlock()
	switch {
	case c.life.Err() != nil:
		return nil, nil, c.closed()
	case failed.Reason == moved:
		return c.receive(ctx, max)
	}
	return nil, nil, failed
}

func (c *Consumer) closed() error { return &Error{Reason: Closed, Queue: c.spec.Queue} }

// connected returns the link, or makes it.
func (c *Consumer) connected(ctx context.Context) (*link, error) {
	c.connecting.Lock()
	defer c.connecting.Unlock()
	if c.life.Err() != nil {
		return nil, c.closed()
	}
	if l := c.current(); l != nil {
		return l, nil
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	l, err := c.dial(within)
	switch {
	case c.life.Err() != nil && err != nil:
		return nil, c.closed()
	case ctx.Err() != nil && err != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link = l
	return l, nil
}

func (c *Consumer) current() *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link
}

// Acknowledge says that deliveries are done. Those of an earlier connection are left out:
// the broker delivers them again. Of a Delivery only Handle matters.
func (c *Consumer) Acknowledge(_ context.Context, done []Delivery) error {
	c.settle(done, func(l *link, tag uint64, multiple bool) error { return l.channel.Ack(tag, multiple) })
	return nil
}

// Requeue gives deliveries back to the queue, from which the broker delivers them again,
// marked as such. Those of an earlier connection are left out. Of a Delivery only Handle
// matters.
func (c *Consumer) Requeue(_ context.Context, back []Delivery) error {
	c.settle(back, func(l *link, tag uint64, multiple bool) error { return l.channel.Nack(tag, multiple, true) })
	return nil
}

func (c *Consumer) settle(deliveries []Delivery, say func(l *link, tag uint64, multiple bool) error) {
	l := c.current()
	if l == nil {
		return
	}
	tags := make([]uint64, 0, len(deliveries))
	for i := range deliveries {
		if h := deliveries[i].Handle; h.Connection == l.id {
			tags = append(tags, h.Tag)
		}
	}
	if len(tags) > 0 {
		l.settle(tags, func(tag uint64, multiple bool) error { return say(l, tag, multiple) })
	}
	if n := len(deliveries) - len(tags); n > 0 {
		l.log.Debug("deliveries of an earlier connection are left to the broker", "n", n)
	}
}

// Dropped is how many deliveries had bodies larger than Spec.MaxBody.
func (c *Consumer) Dropped() uint64 { return c.dropped.Load() }

// Close ends the connection: the broker delivers to others what was not acknowledged. A
// Receive under way returns an [*Error] of reason Closed. It takes a few seconds when the
// broker hangs.
func (c *Consumer) Close() error {
	c.close()
	c.connecting.Lock()
	defer c.connecting.Unlock()
	if l := c.current(); l != nil {
		l.fail(Closed, nil)
		<-l.over
	}
	c.bridges.forget(c)
	return nil
}
