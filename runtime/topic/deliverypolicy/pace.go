package deliverypolicy

import (
	"context"
	"sync"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
)

const (
	waitHere  = 100 * time.Millisecond // for an event's turn; longer waits do not hold a slot of the corridor
	maxPaces  = 4096                   // that are kept without need
	longPause = 15 * time.Minute
)

// Paces keeps deliveries to the maxReceivesPerSecond of their subscriptions. The zero Paces
// is ready. In a cluster each runtime that delivers keeps a pace of its own: the bound is
// one on the average, as SNS's is.
type Paces struct {
	mu    sync.Mutex
	paces map[string]*pace // by the subscription's ARN
}

// Admit returns nil when a message may go to a subscription now, which has perSecond as its
// bound, 0 for none. It may wait a moment for that. Otherwise the error is a
// delivery.Later, for the target's Deliver to return.
func (p *Paces) Admit(ctx context.Context, subscriptionARN string, perSecond int) error {
	if perSecond <= 0 {
		return nil
	}
	wait, ok := p.take(subscriptionARN, perSecond, time.Now())
	if !ok {
		return delivery.Later(fault.New(fault.Throttled, "the subscription gets at most %d messages per second", perSecond), wait)
	}
	if wait == 0 {
		return nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Canceled, ctx.Err(), "waiting for the turn of a message")
	}
}

func (p *Paces) take(arn string, perSecond int, now time.Time) (wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.paces[arn]
	if one == nil {
		p.forgetIdle(now)
		if p.paces == nil {
			p.paces = map[string]*pace{}
		}
		one = &pace{}
		p.paces[arn] = one
	}
	return one.take(perSecond, now)
}

// forgetIdle makes room for another pace. One that is at rest is as good as a new one.
func (p *Paces) forgetIdle(now time.Time) {
	if len(p.paces) < maxPaces {
		return
	}
	for arn, one := range p.paces {
		if one.next.Before(now) && one.horizon.Before(now) {
			delete(p.paces, arn)
		}
	}
}

// A pace gives turns at even distances, and a second's worth of them at once after a rest.
type pace struct {
	next    time.Time // when the next turn would be, if there were no rests to make up for
	horizon time.Time // when the last of those comes back that were put back
}

// take takes a turn that is now or within a moment. Otherwise ok is false, and wait is when
// to ask again: those that ask in vain come back one by one.
func (p *pace) take(perSecond int, now time.Time) (wait time.Duration, ok bool) {
	step := time.Second / time.Duration(perSecond)
	if rested := now.Add(step - time.Second); p.next.Before(rested) {
		p.next = rested
	}
	if wait = max(p.next.Sub(now), 0); wait <= waitHere {
		p.next = p.next.Add(step)
		return wait, true
	}
	if p.horizon.Before(p.next) {
		p.horizon = p.next
	} else {
		p.horizon = p.horizon.Add(step)
	}
	return min(p.horizon.Sub(now), longPause), false
}
