package docker

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

// list lists containers in any state.
func (d *Driver) list(ctx context.Context, f client.Filters) ([]container.Summary, error) {
	got, err := call(ctx, d, "listing containers", func(ctx context.Context) (client.ContainerListResult, error) {
		return d.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: f})
	})
	return got.Items, err
}

// containers are those of a node: one, unless somebody has copied labels.
func (d *Driver) containers(ctx context.Context, node string) ([]container.Summary, error) {
	return d.list(ctx, d.labels(node))
}

func (d *Driver) labels(node string) client.Filters {
	return client.Filters{}.Add("label", labelData+"="+d.data, labelNode+"="+node)
}

// Halt implements driver.Driver.
func (d *Driver) Halt(ctx context.Context, node string) error {
	if err := driver.ValidateName(node); err != nil {
		return err
	}
	d.expectEnd(node)
	return d.eachContainer(ctx, d.labels(node), d.stopContainer)
}

// eachContainer does something to all containers that have the labels.
func (d *Driver) eachContainer(ctx context.Context, labels client.Filters, do func(ctx context.Context, id string) error) error {
	found, err := d.list(ctx, labels)
	if err != nil {
		return err
	}
	for _, c := range found {
		if err := do(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}

// Remove implements driver.Driver.
func (d *Driver) Remove(ctx context.Context, node string) error {
	if err := driver.ValidateName(node); err != nil {
		return err
	}
	d.expectEnd(node)
	if err := d.eachContainer(ctx, d.labels(node), d.removeContainer); err != nil {
		return err
	}
	volumes, err := d.volumes(ctx, d.labels(node))
	if err != nil {
		return err
	}
	for name := range volumes {
		_, err := call(ctx, d, "removing volume "+name, func(ctx context.Context) (client.VolumeRemoveResult, error) {
			return d.client.VolumeRemove(ctx, name, client.VolumeRemoveOptions{})
		})
		if err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	if err := d.removeNetwork(ctx, node); err != nil {
		return err
	}
	return d.unmark(ctx)
}

// unmark removes File when the engine has nothing of the data folder anymore.
func (d *Driver) unmark(ctx context.Context) error {
	if host, err := UsedBy(d.cfg.Data); err == nil && host == "" {
		return nil
	}
	d.marking.Lock()
	defer d.marking.Unlock()
	states, err := d.Nodes(ctx)
	if err != nil || len(states) > 0 {
		return err
	}
	if err := os.Remove(filepath.Join(d.cfg.Data, File)); err != nil && !os.IsNotExist(err) {
		return fault.Wrap(fault.Unavailable, err, "forgetting where brokers ran")
	}
	return nil
}

// expectEnd tells the watcher of a node that its end is wanted.
func (d *Driver) expectEnd(node string) {
	d.mu.Lock()
	i := d.nodes[node]
	d.mu.Unlock()
	if i != nil {
		i.Stopping()
	}
}

// volumes are the nodes of volumes, by the names of these.
func (d *Driver) volumes(ctx context.Context, f client.Filters) (map[string]string, error) {
	got, err := call(ctx, d, "listing volumes", func(ctx context.Context) (client.VolumeListResult, error) {
		return d.client.VolumeList(ctx, client.VolumeListOptions{Filters: f})
	})
	nodes := map[string]string{}
	for _, v := range got.Items {
		nodes[v.Name] = v.Labels[labelNode]
	}
	return nodes, err
}

// Nodes implements driver.Driver. Of a cluster of which only the network is left, the
// first member is listed.
func (d *Driver) Nodes(ctx context.Context) ([]driver.State, error) {
	states, err := d.states(ctx)
	if err != nil {
		return nil, err
	}
	clusters, err := d.clusters(ctx)
	if err != nil {
		return nil, err
	}
	for name, members := range clusters {
		if !slices.ContainsFunc(states, func(s driver.State) bool { return slices.Contains(members, s.Node) }) {
			states = append(states, driver.State{Node: members[0], Where: "network " + name})
		}
	}
	return states, nil
}

// states are those of the nodes that have a container or a volume.
func (d *Driver) states(ctx context.Context) ([]driver.State, error) {
	ours := client.Filters{}.Add("label", labelData+"="+d.data, labelNode)
	containers, err := d.list(ctx, ours)
	if err != nil {
		return nil, err
	}
	volumes, err := d.volumes(ctx, ours)
	if err != nil {
		return nil, err
	}
	var states []driver.State
	seen := map[string]bool{}
	for _, c := range containers {
		node := c.Labels[labelNode]
		if seen[node] {
			continue
		}
		seen[node] = true
		states = append(states, driver.State{Node: node, Running: c.State == container.StateRunning, Where: "container " + d.containerName(node)})
	}
	for name, node := range volumes {
		if !seen[node] {
			seen[node] = true
			states = append(states, driver.State{Node: node, Where: "volume " + name})
		}
	}
	return states, nil
}

// stopContainer ends a container well, and by force when ctx ends first. One that
// does not run, or is not there, is fine.
func (d *Driver) stopContainer(ctx context.Context, id string) error {
	limit := stopTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = max(0, time.Until(deadline))
	}
	// The engine kills at its own limit, and counts in seconds.
	seconds := int(math.Ceil(limit.Seconds()))
	bounded, cancel := context.WithTimeout(ctx, limit+d.timeout)
	defer cancel()
	_, err := d.client.ContainerStop(bounded, id, client.ContainerStopOptions{Timeout: &seconds})
	if err == nil || errdefs.IsNotFound(err) {
		return nil
	}
	if bounded.Err() == nil {
		return explain(ctx, "stopping the container", err)
	}
	_, err = call(context.WithoutCancel(ctx), d, "killing the container", func(ctx context.Context) (client.ContainerKillResult, error) {
		return d.client.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: "KILL"})
	})
	if errdefs.IsNotFound(err) || errdefs.IsConflict(err) { // a conflict: it does not run
		return nil
	}
	return err
}

// removeContainer ends a container by force and removes it, with the volumes that
// have no name. One that is not there is fine.
func (d *Driver) removeContainer(ctx context.Context, id string) error {
	bounded, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	for {
		_, err := call(bounded, d, "removing the container", func(ctx context.Context) (client.ContainerRemoveResult, error) {
			return d.client.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		})
		if err == nil || errdefs.IsNotFound(err) {
			return nil
		}
		if !errdefs.IsConflict(err) {
			return err
		}
		// Somebody removes it already: it is gone soon, and then not found.
		select {
		case <-bounded.Done():
			return errors.Join(err, bounded.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
