package broker

import (
	"context"
	"errors"
	"slices"
	"time"

	"millrace/runtime/fault"
)

// Inject gives a broker a fault: mode "" for the usual one of its code, lasting 0 for until it is
// cleared. A real one is in effect when Inject returns, and the state of the broker follows.
func (bs *Brokers) Inject(ctx context.Context, id, code string, mode FaultMode, lasting time.Duration) (Fault, error) {
	b, err := bs.find(id)
	if err != nil {
		return Fault{}, err
	}
	f, err := newFault(b.Engine, code, mode, lasting, time.Now())
	if err != nil {
		return Fault{}, err
	}
	if code == ConnectionClosed {
		return f, bs.provoke(ctx, b, code)
	}
	if _, err := bs.changeOf(ctx, b, func(b *Broker) error { return b.inject(f) }); err != nil || f.Mode == StateFault {
		return f, err
	}
	if err := bs.provoke(ctx, b, ""); err != nil {
		_, undo := bs.changeOf(ctx, b, func(b *Broker) error { b.Faults = b.withoutFault(code, f.Mode); b.judge(); return nil })
		return f, errors.Join(err, undo)
	}
	return f, nil
}

// ClearFault ends the faults of a code.
func (bs *Brokers) ClearFault(ctx context.Context, id, code string) error {
	b, err := bs.find(id)
	if err != nil {
		return err
	}
	if b, err = bs.changeOf(ctx, b, func(b *Broker) error { return b.clear(code, time.Now()) }); err != nil {
		return err
	}
	if !slices.ContainsFunc(b.Faults, func(f Fault) bool { return f.Code == code }) || b.State != Up && b.State != Critical {
		return nil
	}
	return bs.provoke(ctx, b, "")
}

// Faults lists the faults that a broker was asked to have.
func (bs *Brokers) Faults(id string) ([]Fault, error) {
	b, err := bs.find(id)
	now := time.Now()
	return slices.DeleteFunc(slices.Clone(b.Faults), func(f Fault) bool { return f.over(now) }), err
}

// find finds a broker of any account.
func (bs *Brokers) find(id string) (Broker, error) {
	for _, b := range bs.All() {
		if b.ID == id {
			return b, nil
		}
	}
	return Broker{}, noBroker(id)
}

// A faultCall has a worker see to the faults of its record at once, or provoke one that is
// not in there.
type faultCall struct {
	ctx    context.Context
	code   string     // "" for those of the record
	answer chan error // of capacity 1
}

// provoke has the worker of a broker see to its faults, and waits for that.
func (bs *Brokers) provoke(ctx context.Context, b Broker, code string) error {
	bs.mu.Lock()
	w, ok := bs.set.GetLocked(b.key())
	bs.mu.Unlock()
	if !ok {
		return refuse(fault.Invalid, "broker-id", "Broker [%s] is run by another runtime, which alone can give it real faults.", b.ID)
	}
	c := faultCall{ctx, code, make(chan error, 1)}
	select {
	case w.faults <- c:
		return <-c.answer
	case <-w.ended:
		return fault.New(fault.Unavailable, "the runtime is stopping")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *worker) provokeNow(c faultCall) error {
	b, ok := w.brokers.table.Get(w.key)
	if !ok || w.running == nil || b.State != Up && b.State != Critical {
		return notWhile(&b, "given a fault")
	}
	if c.code != "" {
		return w.brokers.config.Runner.Provoke(c.ctx, w.id, c.code, true)
	}
	_, err := w.keepFaults(c.ctx, b)
	return err
}

// keepFaults has the running broker have the real faults of its record and no others, and
// removes those that are over. It returns how long until the next one is, 0 for never.
func (w *worker) keepFaults(ctx context.Context, b Broker) (next time.Duration, err error) {
	now := time.Now()
	var rid []string
	ended := false
	for _, f := range b.Faults {
		over := f.over(now)
		switch left := f.Until.Sub(now); {
		case over:
			ended = true
		case !f.Until.IsZero() && (next == 0 || left < next):
			next = left
		}
		if f.Mode != RealFault || !over && slices.Contains(w.provoked, f.Code) {
			continue
		}
		if e := w.brokers.config.Runner.Provoke(ctx, w.id, f.Code, !over); e != nil {
			err = errors.Join(err, e)
			continue
		}
		w.provoked = slices.DeleteFunc(w.provoked, func(code string) bool { return code == f.Code })
		if over {
			rid = append(rid, f.Code)
		} else {
			w.provoked = append(w.provoked, f.Code)
			w.brokers.log.Warn("a broker has a fault that it was asked to have", "broker", w.id, "name", b.Name, "code", f.Code)
		}
	}
	if !ended {
		return next, err
	}
	_, e := w.brokers.change(ctx, w.key, func(b *Broker) error { b.expire(now, rid); return nil })
	return next, errors.Join(err, ignoreNotFound(e))
}

// faultsIn is keepFaults for step: ok is false when it is to be tried again after wait.
func (w *worker) faultsIn(ctx context.Context, b Broker) (wait time.Duration, ok bool) {
	next, err := w.keepFaults(ctx, b)
	if err == nil || ctx.Err() != nil {
		return next, true
	}
	w.brokers.log.Error("a fault of a broker could not be provoked or ended; it is tried again", "broker", w.id, "name", b.Name, "err", err)
	return w.backOff(""), false
}

// sooner is the shorter of two waits, of which 0 is for ever.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
