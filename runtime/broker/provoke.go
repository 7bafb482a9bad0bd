package broker

import (
	"context"
	"errors"
	"slices"
	"time"
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

// provoke has the worker of a broker see to the faults of its record at once, or provoke
// one that is not in there, by its code; it waits for that.
func (bs *Brokers) provoke(ctx context.Context, b Broker, code string) error {
	w, err := bs.workerOf(b, "give it real faults")
	if err != nil {
		return err
	}
	return w.call(ctx, "given a fault", func(b Broker) error {
		if code != "" {
			return bs.config.Runner.Provoke(ctx, b.ID, code, true)
		}
		_, err := w.keepFaults(ctx, b)
		return err
	})
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
