package live

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"millrace/runtime/broker"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/engine"
	"millrace/runtime/fault"
)

const (
	reconcileEvery = time.Minute      // what Amazon MQ owns in a broker is restored
	alarmsEvery    = 10 * time.Second // a broker is asked for alarms
)

// firstBoot bounds the first start of a broker, which has nothing to recover.
const firstBoot = 5 * time.Minute

// stopTimeout bounds the end of what could not be brought up.
const stopTimeout = 15 * time.Second

// A running broker is watched by a goroutine of its own, from its launch until it has
// died or is released.
type running struct {
	id      string
	nodes   []driver.Instance
	control engine.Control
	log     *slog.Logger

	halt    context.CancelFunc
	watcher sync.WaitGroup
	alarms  chan []broker.Action // of capacity 1: the newest that were told
	died    chan struct{}        // closed when a node has died by itself
	why     error                // for after died
}

// launch brings up the nodes of a broker, and returns when it serves. When it does not,
// nothing of it runs anymore.
func (r *Runner) launch(ctx context.Context, drv driver.Driver, eng engine.Engine, b engine.Broker, s driver.Software) (_ *running, err error) {
	run := &running{id: b.ID, log: r.config.Log.With("broker", b.ID), alarms: make(chan []broker.Action, 1), died: make(chan struct{})}
	defer func() {
		if err != nil {
			// Also when ctx is over: what was begun has to end.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
			defer cancel()
			err = errors.Join(err, run.stop(ctx))
		}
	}()
	for n, node := range b.Nodes {
		instance, err := drv.Start(ctx, driver.Node{
			Name: node.Name, Ports: node.Ports,
			Labels: map[string]string{"broker": b.ID, "name": b.Name, "account": b.Account, "region": b.Region},
			Render: func(p driver.Place) (driver.Launch, error) {
				rendered, err := eng.Render(b, n, p)
				for _, left := range rendered.LeftOut {
					run.log.Info("left out: "+left, "runs", p.Software.Version)
				}
				return rendered.Launch, err
			},
		}, s)
		if err != nil {
			return nil, err
		}
		run.nodes = append(run.nodes, instance)
	}
	for n, instance := range run.nodes {
		select {
		case <-instance.Ready():
		case <-instance.Done():
			if err := taken(b.Nodes[n]); err != nil {
				return nil, err
			}
			return nil, fault.New(fault.Unavailable, "The broker ended while it started: %v", instance.Err())
		case <-ctx.Done():
			return nil, fault.Wrap(fault.Of(ctx.Err()), ctx.Err(), "The broker did not come up in time.")
		}
	}
	if run.control, err = eng.Control(b, run.nodes, s); err != nil {
		return nil, err
	}
	if err := run.control.Ready(ctx); err != nil {
		return nil, err
	}
	watched, halt := context.WithCancel(context.WithoutCancel(ctx))
	run.halt = halt
	run.watcher.Go(func() { run.watch(watched) })
	return run, nil
}

// watch restores what Amazon MQ owns in the broker, now and then, and tells of alarms,
// until it is over.
func (r *running) watch(ctx context.Context) {
	over := make(chan driver.Instance, len(r.nodes))
	for _, node := range r.nodes {
		r.watcher.Go(func() {
			select {
			case <-node.Done():
				over <- node
			case <-ctx.Done():
			}
		})
	}
	reconcile, alarms := time.NewTicker(reconcileEvery), time.NewTicker(alarmsEvery)
	defer reconcile.Stop()
	defer alarms.Stop()
	tell := r.teller()
	tell(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case node := <-over:
			if ctx.Err() == nil { // else it was ended
				r.why = node.Err()
				close(r.died)
			}
			return
		case <-alarms.C:
			tell(ctx)
		case <-reconcile.C:
			restored, err := r.control.Reconcile(ctx)
			for _, what := range restored {
				r.log.Info(what)
			}
			if err != nil && ctx.Err() == nil {
				r.log.Debug("what Amazon MQ owns in a broker could not be restored; it is tried again", "err", err)
			}
		}
	}
}

// teller returns what asks for alarms and tells of them, when they are others than before.
func (r *running) teller() func(context.Context) {
	var told []broker.Action
	first := true
	return func(ctx context.Context) {
		alarms, err := r.control.Alarms(ctx)
		if err != nil {
			if ctx.Err() == nil {
				r.log.Debug("a broker could not be asked for alarms; it is asked again", "err", err)
			}
			return
		}
		if !first && slices.Equal(alarms, told) {
			return
		}
		first, told = false, alarms
		select {
		case <-r.alarms: // nobody wants to know anymore
		default:
		}
		r.alarms <- alarms
	}
}

// reason says why the broker died; it is for after died.
func (r *running) reason() error { return r.why }

// release ends the watching. The broker goes on.
func (r *running) release() {
	if r.halt != nil {
		r.halt()
	}
	r.watcher.Wait()
	if r.control != nil {
		r.control.Release()
	}
}

// stop ends the broker well, its last node first.
func (r *running) stop(ctx context.Context) (err error) {
	r.release()
	for _, node := range slices.Backward(r.nodes) {
		err = errors.Join(err, node.Stop(ctx))
	}
	return err
}
