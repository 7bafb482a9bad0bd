package live

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"millrace/runtime/broker"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/engine"
	"millrace/runtime/broker/metrics"
)

const (
	reconcileEvery = time.Minute      // what Amazon MQ owns in a broker is restored
	alarmsEvery    = 10 * time.Second // a broker is asked for alarms
)

// A running broker has goroutines of its own, one that watches it and one a node, from its
// launch until it has died or is released.
type running struct {
	id       string
	driver   driver.Driver
	engine   engine.Engine
	software driver.Software
	log      *slog.Logger
	members  []*member
	front    front
	window   func() *metrics.Window
	holds    *holds

	halt     context.CancelFunc
	work     sync.WaitGroup
	starting sync.Mutex           // one node at a time is launched
	alarms   chan []broker.Action // of capacity 1: the newest that were told
	recheck  chan struct{}        // of capacity 1: alarms are to be asked for at once
	died     chan struct{}        // closed when the last node has died by itself
	changed  chan struct{}        // of capacity 1: a node is up, or is not

	mu       sync.Mutex // guards what follows
	broker   engine.Broker
	control  engine.Control
	launched bool  // the launch is over, and well
	why      error // for after died
}

// alone reports whether the broker is a single node, which whoever runs it starts again
// when it dies. The nodes of a cluster are started again here, while one of them is up.
func (r *running) alone() bool { return len(r.members) == 1 }

// govern says what the broker should run as from its nodes' next starts on.
func (r *running) govern(b engine.Broker) error {
	var nodes []driver.Instance
	for _, m := range r.members {
		nodes = append(nodes, m)
	}
	control, err := r.engine.Control(b, nodes, r.software)
	if err != nil {
		return err
	}
	r.mu.Lock()
	before := r.control
	r.broker, r.control = b, control
	r.mu.Unlock()
	if before != nil {
		before.Release()
	}
	return nil
}

// answers asks a node whether it answers anybody.
func (r *running) answers(ctx context.Context, node int) error {
	_, control := r.now()
	return control.Answers(ctx, node)
}

// begin is the end of the launch: from now on the broker has died when no node is up.
func (r *running) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.launched = true
	for _, m := range r.members {
		r.front.setUp(m.n, m.up)
	}
	r.mourn()
}

// set notes that a node is up, or why it is not.
func (r *running) set(m *member, up bool, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.up, m.failure = up, why
	// Nobody sees a new broker before all of it is there.
	r.front.setUp(m.n, up && (r.launched || r.broker.Served))
	if !up {
		r.front.cut(m.n)
	}
	r.mourn()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// mourn tells once that the broker has died: no node is up. The caller holds mu.
func (r *running) mourn() {
	if !r.launched || slices.ContainsFunc(r.members, func(m *member) bool { return m.up }) {
		return
	}
	select {
	case <-r.died:
		return
	default:
	}
	for _, m := range r.members {
		if m.failure != nil {
			r.why = m.failure
		}
	}
	close(r.died)
}

// now returns what the broker should run as, and what governs it.
func (r *running) now() (engine.Broker, engine.Control) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broker, r.control
}

// describe is what there is to say of the broker that runs.
func (r *running) describe() broker.Running {
	b, _ := r.now()
	return broker.Running{
		Instances: r.engine.Describe(b),
		Software:  fmt.Sprintf("%s %s (%s)", r.software.Engine, r.software.Version, r.driver.Name()),
		Root:      b.Root,
		Alarms:    r.alarms, Done: r.died, Err: r.reason,
	}
}

// watch restores what Amazon MQ owns in the broker, now and then, and tells of alarms,
// until it is over.
func (r *running) watch(ctx context.Context) {
	reconcile, alarms := time.NewTicker(reconcileEvery), time.NewTicker(alarmsEvery)
	defer reconcile.Stop()
	defer alarms.Stop()
	minute := time.NewTimer(untilMinute(time.Now()))
	defer minute.Stop()
	tell := r.teller()
	tell(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.died:
			return
		case <-alarms.C:
			tell(ctx)
		case <-r.recheck:
			tell(ctx)
		case now := <-minute.C:
			r.measure(ctx, now.Truncate(time.Minute))
			minute.Reset(untilMinute(time.Now()))
		case <-reconcile.C:
			_, control := r.now()
			restored, err := control.Reconcile(ctx)
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
		_, control := r.now()
		alarms, err := control.Alarms(ctx)
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
func (r *running) reason() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.why
}

// release ends the watching, and the endpoint of a cluster. The nodes go on.
func (r *running) release() {
	if r.halt != nil {
		r.halt()
	}
	r.work.Wait()
	r.front.close()
	r.control.Release()
}

// stop ends the broker well, all its nodes at once.
func (r *running) stop(ctx context.Context) error {
	r.release()
	return each(len(r.members), func(n int) error { return r.members[n].Stop(ctx) })
}
