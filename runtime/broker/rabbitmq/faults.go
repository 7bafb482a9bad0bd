package rabbitmq

import (
	"context"
	"errors"

	"millrace/runtime/broker"
	"millrace/runtime/broker/driver"
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
	return c.onAll(func(node driver.Instance) error {
		_, err := node.Exec(ctx, nil, "rabbitmqctl", append([]string{"--quiet"}, args...)...)
		return err
	})
}

// onAll does something with each node, and goes on when one fails.
func (c *control) onAll(do func(driver.Instance) error) (err error) {
	for _, node := range c.nodes {
		err = errors.Join(err, do(node))
	}
	return err
}
