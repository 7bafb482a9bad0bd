package rabbitmq

import (
	"context"
	"errors"
	"slices"
	"sync"

	"millrace/runtime/broker"
	"millrace/runtime/fault"
)

// shortages are how a node is made to fall short of a resource while it runs, and what
// ends that: arguments of rabbitmqctl.
var shortages = map[string]struct{ on, off []string }{
	broker.MemoryAlarm: {[]string{"set_vm_memory_high_watermark", "absolute", "1MB"}, []string{"set_vm_memory_high_watermark", memory}},
	broker.DiskAlarm:   {[]string{"set_disk_free_limit", "1000000GB"}, []string{"set_disk_free_limit", diskFree}},
}

// closedBecause is what clients whose connection is closed on demand are told.
const closedBecause = "closed on demand"

// Provoke implements engine.Control. Nodes are what they are configured to be when they
// start anew.
func (c *control) Provoke(ctx context.Context, code string, on bool) error {
	if code == broker.ConnectionClosed {
		_, err := c.exec(ctx, "", "rabbitmqctl", "--quiet", "close_all_connections", "--global", closedBecause)
		return err
	}
	how, ok := shortages[code]
	if !ok {
		return fault.New(fault.Invalid, "RabbitMQ cannot be made to have %s.", code)
	}
	args := how.off
	if on {
		args = how.on
	}
	return c.execOnAll(ctx, "rabbitmqctl", append([]string{"--quiet"}, args...)...)
}

// execOnAll runs a command beside each node at once. It fails when it does beside all of
// them: one that is down comes back as it is configured.
func (c *control) execOnAll(ctx context.Context, command string, args ...string) error {
	failed := make([]error, len(c.nodes))
	var all sync.WaitGroup
	for n, node := range c.nodes {
		all.Go(func() { _, failed[n] = node.Exec(ctx, nil, command, args...) })
	}
	all.Wait()
	if slices.Contains(failed, nil) {
		return nil
	}
	return errors.Join(failed...)
}
