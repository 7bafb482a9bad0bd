package live

import (
	"context"
	"errors"
	"time"

	"millrace/runtime/broker"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/engine"
	"millrace/runtime/broker/metrics"
	"millrace/runtime/fault"
)

// firstBoot bounds the first start of a broker, which has nothing to recover.
const firstBoot = 5 * time.Minute

// stopTimeout bounds the end of what could not be brought up.
const stopTimeout = 15 * time.Second

// launch brings up the nodes of a broker, and returns when it serves. When it does not,
// nothing of it runs anymore.
func (r *Runner) launch(ctx context.Context, drv driver.Driver, eng engine.Engine, b engine.Broker, s driver.Software) (_ *running, err error) {
	run := &running{
		id: b.ID, driver: drv, engine: eng, software: s, broker: b, log: r.config.Log.With("broker", b.ID),
		window: func() *metrics.Window { return r.window(b.ID) }, holds: r.holds,
		alarms: make(chan []broker.Action, 1), recheck: make(chan struct{}, 1), died: make(chan struct{}), changed: make(chan struct{}, 1),
	}
	for n := range b.Nodes {
		run.members = append(run.members, &member{running: run, n: n, restarts: make(chan restart)})
	}
	if err := run.govern(b); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			// Also when ctx is over: what was begun has to end.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
			defer cancel()
			err = errors.Join(err, run.stop(ctx))
		}
	}()
	if run.front, err = listen(b, run.answers, run.log); err != nil {
		return nil, err
	}
	kept, halt := context.WithCancel(context.WithoutCancel(ctx))
	run.halt = halt
	for _, m := range run.members {
		run.work.Go(func() { m.keep(kept) })
	}
	if err := run.await(ctx); err != nil {
		return nil, err
	}
	_, control := run.now()
	if _, err := control.Reconcile(ctx); err != nil {
		if !b.Served || run.alone() {
			return nil, err
		}
		run.log.Debug("what Amazon MQ owns in a broker could not be restored; it is tried again", "err", err)
	}
	if err := run.serve(); err != nil {
		return nil, err
	}
	run.begin()
	run.work.Go(func() { run.watch(kept) })
	return run, nil
}

// await waits until the nodes are up. Of a cluster that has served before, a majority will
// do when the others have failed: those go on trying.
func (r *running) await(ctx context.Context) error {
	for {
		if over, err := r.settled(); over {
			return err
		}
		select {
		case <-r.changed:
		case <-ctx.Done():
			return fault.Wrap(fault.Of(ctx.Err()), ctx.Err(), "The broker did not come up in time.")
		}
	}
}

func (r *running) settled() (over bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	up, tried := 0, 0
	for _, m := range r.members {
		if m.up {
			up++
		}
		if m.up || m.failure != nil {
			tried++
		}
		if m.failure != nil {
			err = m.failure
		}
	}
	if up == len(r.members) {
		return true, nil
	}
	if r.alone() || !r.broker.Served {
		return err != nil, err
	}
	if tried < len(r.members) {
		return false, nil
	}
	if up > len(r.members)/2 {
		return true, nil
	}
	return up == 0, err
}

// serve notes that the broker has served: what it was born with does not count anymore,
// also when a node of it is started again.
func (r *running) serve() error {
	b, _ := r.now()
	if b.Served {
		return nil
	}
	b.Served = true
	return r.govern(b)
}
