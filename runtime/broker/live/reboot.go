package live

import (
	"context"
	"slices"
	"time"

	"millrace/runtime/broker"
	"millrace/runtime/fault"
)

// redundantWithin bounds how long a reboot waits until a node is not needed. Then it goes
// on: queues that had one copy only are away for as long as that node.
const redundantWithin = 5 * time.Minute

// Reboot implements broker.Runner. A cluster is started anew a node at a time, so that the
// others serve meanwhile (Amazon MQ Developer Guide, "Rebooting a broker"). It needs all of
// them to run the same software.
func (r *Runner) Reboot(ctx context.Context, d broker.Desired) (broker.Running, error) {
	run := r.at(d.ID)
	if run == nil || run.alone() || run.over() {
		return r.restart(ctx, d)
	}
	software, err := run.driver.Find(ctx, run.engine.Name(), d.Version, func(line string) { r.config.Progress(d.Name, line) })
	if err != nil {
		return broker.Running{}, err
	}
	nodes, err := run.engine.Nodes(d)
	if err != nil {
		return broker.Running{}, err
	}
	if software.Version != run.software.Version || software.Source != run.software.Source || nodes != len(run.members) {
		return r.restart(ctx, d)
	}
	p, _ := r.placements.table.Get(d.ID)
	b, _, err := r.place(ctx, run.engine, d, p, run.driver.Name(), nodes)
	if err != nil {
		return broker.Running{}, err
	}
	if err := run.govern(b); err != nil {
		return broker.Running{}, err
	}
	for n := range run.members {
		if err := run.roll(ctx, n); run.over() {
			return r.restart(ctx, d)
		} else if err != nil {
			return broker.Running{}, err
		}
	}
	_, control := run.now()
	if _, err := control.Reconcile(ctx); err != nil {
		run.log.Debug("what Amazon MQ owns in a broker could not be restored; it is tried again", "err", err)
	}
	return run.describe(), nil
}

// restart ends all of a broker, and runs it again.
func (r *Runner) restart(ctx context.Context, d broker.Desired) (broker.Running, error) {
	if err := r.Stop(ctx, d.ID); err != nil {
		return broker.Running{}, err
	}
	return r.Run(ctx, d)
}

// over reports whether the broker has died.
func (r *running) over() bool {
	select {
	case <-r.died:
		return true
	default:
		return false
	}
}

// roll starts a node of the cluster anew, once the others can do without it.
func (r *running) roll(ctx context.Context, n int) error {
	if err := r.awaitOthers(ctx, n); err != nil {
		return err
	}
	_, control := r.now()
	waiting, cancel := context.WithTimeout(ctx, redundantWithin)
	defer cancel()
	if err := control.Redundant(waiting); ctx.Err() != nil {
		return ctx.Err()
	} else if err != nil {
		r.log.Warn("a node of a cluster is started anew although queues need it", "node", n+1, "err", err)
	}
	if err := r.members[n].renew(ctx); err != nil {
		return fault.Wrap(fault.Of(err), err, "Node %d of the cluster did not come back", n+1)
	}
	return nil
}

// awaitOthers waits until all nodes but one are up.
func (r *running) awaitOthers(ctx context.Context, n int) error {
	tick := time.NewTicker(firstRetry)
	defer tick.Stop()
	for {
		r.mu.Lock()
		waits := slices.ContainsFunc(r.members, func(m *member) bool { return m.n != n && !m.up })
		r.mu.Unlock()
		if !waits {
			return nil
		}
		select {
		case <-tick.C:
		case <-r.died:
			return fault.New(fault.Unavailable, "The broker has died.")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
