// Package live runs brokers for real: its [Runner] joins an engine, which knows what makes
// a broker, with a driver, which knows how to run one.
//
// A broker has a placement for its whole life: its driver, its ports, its certificate and
// the secrets of its engine. So endpoints and credentials stay what they are when the
// broker, the runtime or the machine is started again.
package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/engine"
	"millrace/runtime/broker/metrics"
	"millrace/runtime/fault"
	"millrace/runtime/store/record"
)

// A Config is what a Runner needs. All is required but what says otherwise.
type Config struct {
	Site
	Engines map[catalog.Engine]engine.Engine

	// Elsewhere opens the site of another data folder on this machine, whose brokers this
	// runtime has taken over; nil for a runtime that is alone.
	Elsewhere func(folder string) (Site, error)

	Records *record.Store
	Keys    broker.Keyring

	Host  netip.Addr // where brokers listen
	Shown string     // the name or address in endpoints; "" for Host
	Plain bool       // with the endpoints that Amazon MQ does not have
	Exact bool       // refuse software of another series than the one asked for

	// Progress is told, a line at a time, what takes long, such as a pull; nil for nothing.
	Progress func(broker, line string)
	Log      *slog.Logger // nil for none
}

// A Runner runs brokers. It implements broker.Runner.
type Runner struct {
	config     Config
	placements placements
	placing    sync.Mutex // one broker at a time is given ports
	holds      *holds

	mu        sync.Mutex                 // guards what follows
	running   map[string]*running        // by the ids of brokers
	windows   map[string]*metrics.Window // by the ids of brokers
	elsewhere map[string]Site            // by their folders
}

var _ broker.Runner = (*Runner)(nil)

// New makes a Runner. It runs nothing yet.
func New(c Config) *Runner {
	if c.Shown == "" {
		c.Shown = c.Host.String()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Progress == nil {
		c.Progress = func(string, string) {}
	}
	return &Runner{config: c, placements: newPlacements(c.Records), holds: newHolds(c.Log), running: map[string]*running{}, windows: map[string]*metrics.Window{}, elsewhere: map[string]Site{}}
}

// Run implements broker.Runner.
func (r *Runner) Run(ctx context.Context, d broker.Desired) (broker.Running, error) {
	running, err := r.run(ctx, d)
	if p, _ := r.placements.table.Get(d.ID); p.Served { // a creation is not tried again
		r.holds.tell(d.ID, err)
	}
	return running, err
}

func (r *Runner) run(ctx context.Context, d broker.Desired) (broker.Running, error) {
	eng := r.config.Engines[d.Engine]
	if eng == nil {
		return broker.Running{}, fault.New(fault.Invalid,
			"%s brokers cannot be run yet. Their API can be had without a broker behind it: start the runtime with --mq-driver metadata.", d.Engine.Title())
	}
	nodes, err := eng.Nodes(d)
	if err != nil {
		return broker.Running{}, err
	}
	if before := r.take(d.ID); before != nil { // nodes of it may be left, and are adopted
		before.release()
	}
	p, known := r.placements.table.Get(d.ID)
	drv, err := r.driver(ctx, p)
	if err != nil {
		return broker.Running{}, err
	}
	software, err := drv.Find(ctx, eng.Name(), d.Version, func(line string) { r.config.Progress(d.Name, line) })
	if err != nil {
		return broker.Running{}, err
	}
	if err := r.fits(d, software); err != nil {
		return broker.Running{}, err
	}
	run, p, err := r.bringUp(ctx, drv, eng, d, software, p, nodes)
	if !known && fault.Of(err) == fault.Conflict {
		// Somebody was faster to listen at a port that was free when it was chosen.
		run, p, err = r.bringUp(ctx, drv, eng, d, software, placement{}, nodes)
	}
	if err != nil {
		return broker.Running{}, err
	}
	if !p.Served {
		p.Served = true
		if err := r.placements.put(ctx, p); err != nil {
			return broker.Running{}, errors.Join(err, run.stop(ctx))
		}
	}
	r.mu.Lock()
	r.running[d.ID] = run
	r.mu.Unlock()
	return run.describe(), nil
}

// bringUp places a broker and launches it. Of one that has never served, nothing is left
// when that fails, unless ctx is over.
func (r *Runner) bringUp(ctx context.Context, drv driver.Driver, eng engine.Engine, d broker.Desired, s driver.Software, p placement, nodes int) (*running, placement, error) {
	known := p.ID != ""
	b, p, err := r.place(ctx, eng, d, p, drv.Name(), nodes)
	if err != nil {
		return nil, p, errors.Join(err, r.forget(ctx, drv, p, known))
	}
	launching := ctx
	if !p.Served { // one that has may have much to recover
		var cancel context.CancelFunc
		launching, cancel = context.WithTimeout(ctx, firstBoot)
		defer cancel()
	}
	run, err := r.launch(launching, drv, eng, b, s)
	if err != nil && !p.Served && ctx.Err() == nil { // nothing was ever stored in it
		err = errors.Join(err, r.forget(ctx, drv, p, false))
	}
	return run, p, err
}

// driver returns the driver of a placement, or the first that works when it has none yet.
func (r *Runner) driver(ctx context.Context, p placement) (driver.Driver, error) {
	site, err := r.site(p)
	if err != nil {
		return nil, err
	}
	name := p.Driver
	var why []string
	for _, d := range site.Drivers {
		if name != "" && d.Name() != name {
			continue
		}
		err := d.Check(ctx)
		if err == nil {
			return d, nil
		}
		why = append(why, fmt.Sprintf("%s: %v", d.Name(), err))
	}
	if name != "" && len(why) == 0 {
		return nil, fault.New(fault.Unavailable, "The broker was made with the driver %s, which the runtime was not started with (--mq-driver).", name)
	}
	return nil, fault.New(fault.Unavailable, "There is nothing to run a broker with. %s", strings.Join(why, "; "))
}

// fits refuses software that is not of the version asked for, when that is wanted.
func (r *Runner) fits(d broker.Desired, s driver.Software) error {
	if strings.HasPrefix(s.Version+".", d.Version+".") {
		return nil
	}
	if r.config.Exact {
		return fault.New(fault.Invalid, "%s %s was asked for, and %s is %s %s; --mq-exact-version refuses that.",
			d.Engine.Title(), d.Version, s.Source, s.Engine, s.Version)
	}
	r.config.Log.Info("a broker runs another version than the one asked for", "broker", d.ID, "asked", d.Version, "runs", s.Version, "source", s.Source)
	return nil
}

// forget removes a broker that came to nothing, unless it was there before.
func (r *Runner) forget(ctx context.Context, drv driver.Driver, p placement, known bool) error {
	if known {
		return nil
	}
	if err := each(len(p.Nodes), func(n int) error { return drv.Remove(ctx, node(p.ID, n)) }); err != nil {
		return err
	}
	return r.placements.delete(ctx, p.ID)
}

// Stop implements broker.Runner.
func (r *Runner) Stop(ctx context.Context, id string) error {
	if run := r.take(id); run != nil {
		return run.stop(ctx)
	}
	p, drv, err := r.placed(ctx, id)
	if drv == nil {
		return err
	}
	// An earlier runtime may have left them.
	return errors.Join(err, each(len(p.Nodes), func(n int) error { return drv.Halt(ctx, node(id, n)) }))
}

// each does something to all of n nodes at once.
func each(n int, do func(int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// Remove implements broker.Runner.
func (r *Runner) Remove(ctx context.Context, id string) error {
	if run := r.take(id); run != nil {
		run.release()
	}
	r.forgetMetrics(id)
	p, drv, err := r.placed(ctx, id)
	if drv == nil {
		return err
	}
	return r.forget(ctx, drv, p, false)
}

// placed finds where a broker runs; a nil driver when it runs nowhere.
func (r *Runner) placed(ctx context.Context, id string) (placement, driver.Driver, error) {
	p, ok := r.placements.table.Get(id)
	if !ok {
		return p, nil, nil
	}
	drv, err := r.driver(ctx, p)
	return p, drv, err
}

func (r *Runner) at(id string) *running {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running[id]
}

func (r *Runner) take(id string) *running {
	r.mu.Lock()
	defer r.mu.Unlock()
	run := r.running[id]
	delete(r.running, id)
	return run
}

// User implements broker.Runner.
func (r *Runner) User(ctx context.Context, id string, u broker.User, change broker.Change) error {
	run := r.at(id)
	if run == nil {
		return fault.New(fault.Conflict, "The broker is not running.")
	}
	_, control := run.now()
	return control.User(ctx, u, change)
}
