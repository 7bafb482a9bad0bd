package rabbitmq

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"millrace/runtime/fault"
)

// joined reports as an error that a node of a cluster has not found the others: each new
// node could be a broker of its own. Of an old cluster, others may be away.
func (c *control) joined(ctx context.Context, node int) error {
	if len(c.nodes) == 1 {
		return nil
	}
	var all []struct {
		Name    string
		Running bool
	}
	if err := c.api.callNode(ctx, node, http.MethodGet, "/api/nodes?columns=name,running", nil, &all); err != nil {
		return err
	}
	for _, n := range c.Nodes {
		known := false
		for _, a := range all {
			name, _, _ := strings.Cut(a.Name, "@")
			known = known || name == n.Name && (a.Running || c.Served)
		}
		if !known {
			return fault.New(fault.Unavailable, "Node %s has not joined the cluster.", n.Name)
		}
	}
	return nil
}

// redundancyChecks are of a node: whether queues would stop, or lose messages, if it were
// away. From 4 on, RabbitMQ has no mirrors, and may not know the second check.
var redundancyChecks = []string{"/api/health/checks/node-is-quorum-critical", "/api/health/checks/node-is-mirror-sync-critical"}

// Redundant implements engine.Control.
func (c *control) Redundant(ctx context.Context) error {
	for {
		err := c.redundant(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(redundantEvery):
		case <-ctx.Done():
			return fault.Wrap(fault.Of(ctx.Err()), errors.Join(ctx.Err(), err), "A node of the broker is still needed.")
		}
	}
}

const redundantEvery = 250 * time.Millisecond

func (c *control) redundant(ctx context.Context) error {
	for n := range c.nodes {
		var answer *status
		err := c.healthy(ctx, n)
		if errors.As(err, &answer) && len(answer.alarms) > 0 {
			err = nil
		}
		for _, check := range redundancyChecks {
			if err != nil {
				break
			}
			if err = c.api.callNode(ctx, n, http.MethodGet, check, nil, nil); missing(err) {
				err = nil
			}
		}
		if unauthorized(err) {
			err = c.redundantByCommand(ctx, n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// redundancyTerm lists the same queues as the checks do.
const redundancyTerm = `{rabbit_quorum_queue:list_with_minimum_quorum(),
  case erlang:function_exported(rabbit_amqqueue, list_local_mirrored_classic_without_synchronised_mirrors, 0) of
    true -> apply(rabbit_amqqueue, list_local_mirrored_classic_without_synchronised_mirrors, []);
    false -> [] end}.
`

// redundantByCommand does the same where no user is known.
func (c *control) redundantByCommand(ctx context.Context, node int) error {
	out, err := c.nodes[node].Exec(ctx, strings.NewReader(redundancyTerm), "rabbitmqctl", "eval")
	if err == nil && !bytes.Equal(bytes.Join(bytes.Fields(out), nil), []byte("{[],[]}")) {
		err = fault.New(fault.Unavailable, "Queues need node %s.", c.Nodes[node].Name)
	}
	return err
}
