package docker

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

// An instance is the container of a node, and what watches it.
type instance struct {
	d       *Driver
	node    string
	id      string
	owner   owner
	adopted bool
	ready   chan struct{}

	*driver.Outcome
}

var _ driver.Instance = (*instance)(nil)

// instance is the one of a container, which is watched from now on.
func (d *Driver) instance(node, id string, o owner, adopted bool) *instance {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.nodes[node]; i != nil && i.id == id {
		i.adopted = true
		return i
	}
	i := &instance{d: d, node: node, id: id, owner: o, adopted: adopted, ready: make(chan struct{}), Outcome: driver.NewOutcome()}
	close(i.ready) // an image does not tell
	d.nodes[node] = i
	d.watchers.Go(func() { i.watch(d.watching) })
	return i
}

func (i *instance) Ready() <-chan struct{} { return i.ready }
func (i *instance) Adopted() bool          { return i.adopted }

const (
	lookEach = 10 * time.Minute // an end that the engine did not tell of is seen so late
	retryMax = 10 * time.Second
)

// watch waits for the container's end. An engine that cannot be reached says
// nothing of that: its containers may run on, and are watched again when it is back.
func (i *instance) watch(ctx context.Context) {
	pause := 100 * time.Millisecond
	for lost := false; ; {
		over, err := i.wait(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errdefs.IsNotFound(err):
			i.end(fault.New(fault.Unavailable, "its container was removed"))
			return
		case err == nil && over != nil:
			i.end(over)
			return
		case err == nil:
			lost, pause = false, 100*time.Millisecond
		default:
			if !lost {
				i.d.log.Warn("the Docker engine cannot be reached; its brokers may run on", "node", i.node, "err", err)
			}
			lost = true
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, retryMax)
		}
	}
}

// wait waits for a while. It returns how the container has ended, or nil while it runs.
func (i *instance) wait(ctx context.Context) (over, err error) {
	bounded, cancel := context.WithTimeout(ctx, lookEach)
	defer cancel()
	if err := i.d.waitOnce(bounded, i.id); err != nil && bounded.Err() == nil {
		return nil, explain(ctx, "waiting for container "+i.id, err)
	}
	got, err := call(ctx, i.d, "looking at the container", func(ctx context.Context) (client.ContainerInspectResult, error) {
		return i.d.client.ContainerInspect(ctx, i.id, client.ContainerInspectOptions{})
	})
	if err != nil {
		return nil, err
	}
	state := got.Container.State
	if state == nil || state.Running {
		return nil, nil
	}
	why := fmt.Sprintf("it ended with exit code %d", state.ExitCode)
	if state.OOMKilled {
		why += ", killed because the memory was used up"
	}
	if state.Error != "" {
		why += " (" + strings.Join(strings.Fields(state.Error), " ") + ")"
	}
	if last := driver.LastLines(i.d.lastLog(ctx, i.id)); last != "" {
		why += "; its last lines: " + last
	}
	return fault.New(fault.Unavailable, "%s", why), nil
}

// waitOnce returns when a container does not run, or when ctx is over.
func (d *Driver) waitOnce(ctx context.Context, id string) error {
	w := d.client.ContainerWait(ctx, id, client.ContainerWaitOptions{})
	// The channel of results has no room: the one goroutine behind it ends when
	// somebody receives, or with an error when ctx is over.
	select {
	case <-w.Result:
		return nil
	case err := <-w.Error:
		return err
	}
}

func (i *instance) end(over error) {
	i.d.mu.Lock()
	if i.d.nodes[i.node] == i {
		delete(i.d.nodes, i.node)
	}
	i.d.mu.Unlock()
	i.End(over)
}

// Stop implements driver.Instance.
func (i *instance) Stop(ctx context.Context) error {
	i.Stopping()
	if err := i.d.stopContainer(ctx, i.id); err != nil {
		return err
	}
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), i.d.timeout)
	defer cancel()
	select {
	case <-i.Done():
		return nil
	case <-i.d.watching.Done():
		return nil
	case <-bound.Done():
		return fault.New(fault.Timeout, "the Docker engine does not tell that container %.12s has ended", i.id)
	}
}
