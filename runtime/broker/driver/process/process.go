//go:build linux || darwin

package process

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

// A Driver implements driver.Driver. The zero Driver is of no use: see New.
type Driver struct {
	root    string // folder of the nodes' folders
	folders []string
	log     *slog.Logger
	room    func(folder string) error // driver.CheckRoom, where a test does not say otherwise

	watchers sync.WaitGroup
	closing  *event // sent at Close

	mu    sync.Mutex
	nodes map[string]*instance // those that are watched, by name

	sharing    sync.Mutex            // held while a member of a cluster starts, and while what they share comes or goes
	companions map[string]*companion // those that are watched, by the folders of their clusters
}

var _ driver.Driver = (*Driver)(nil)

// New returns a driver. It makes and starts nothing yet.
func New(cfg Config) (*Driver, error) {
	data, err := filepath.Abs(cfg.Data)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "finding the data folder")
	}
	if real, err := filepath.EvalSymlinks(data); err == nil {
		data = real
	}
	d := &Driver{
		root: filepath.Join(data, "brokers"), folders: cfg.Folders, log: cfg.Log, room: driver.CheckRoom,
		nodes: map[string]*instance{}, companions: map[string]*companion{},
	}
	if d.log == nil {
		d.log = slog.Default()
	}
	if d.closing, err = newEvent(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "opening a descriptor")
	}
	return d, nil
}

// Name implements driver.Driver.
func (d *Driver) Name() string { return "process" }

// Check implements driver.Driver.
func (d *Driver) Check(context.Context) error {
	var why error
	for name := range engines {
		_, err := find(name, d.folders)
		if err == nil {
			return nil
		}
		why = err
	}
	return why
}

// Find implements driver.Driver. What is installed runs every version of the catalogue.
func (d *Driver) Find(_ context.Context, engine, _ string, _ func(string)) (driver.Software, error) {
	return find(engine, d.folders)
}

// Nodes implements driver.Driver.
func (d *Driver) Nodes(context.Context) ([]driver.State, error) {
	entries, err := os.ReadDir(d.root)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "listing brokers")
	}
	var states []driver.State
	for _, e := range entries {
		f := folder(filepath.Join(d.root, e.Name()))
		r, err := f.read()
		if err != nil || r.Node != e.Name() {
			continue // not ours
		}
		s := driver.State{Node: e.Name(), Where: string(f)}
		if p := r.Main.open(f); p != nil {
			s.Running, s.Where = true, p.String()+" in "+string(f)
			p.close()
		}
		states = append(states, s)
	}
	left, err := d.leftovers()
	return append(states, left...), err
}

// Halt implements driver.Driver.
func (d *Driver) Halt(ctx context.Context, node string) error {
	i, err := d.running(node)
	if err != nil {
		return err
	}
	if i == nil {
		return d.leave(node)
	}
	return i.Stop(ctx)
}

// Remove implements driver.Driver.
func (d *Driver) Remove(_ context.Context, node string) error {
	i, err := d.running(node)
	if err != nil {
		return err
	}
	if i != nil {
		if err := i.kill(); err != nil {
			return err
		}
	}
	return errors.Join(d.folder(node).remove(node), d.leave(node))
}

// running is the instance of a node that is watched, or that an earlier runtime has
// left running; nil when none runs.
func (d *Driver) running(node string) (*instance, error) {
	if err := driver.ValidateName(node); err != nil {
		return nil, err
	}
	d.mu.Lock()
	i := d.nodes[node]
	d.mu.Unlock()
	if i != nil {
		return i, nil
	}
	f := d.folder(node)
	r, err := f.read()
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	main := r.Main.open(f)
	if main == nil {
		return nil, f.sweep(r)
	}
	return d.watch(node, f, r, main, nil), nil
}

func (d *Driver) folder(node string) folder { return folder(filepath.Join(d.root, node)) }

// Close implements driver.Driver.
func (d *Driver) Close() error {
	d.closing.send()
	d.watchers.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, i := range d.nodes {
		i.main.close()
	}
	d.nodes = map[string]*instance{}
	return d.closing.close()
}
