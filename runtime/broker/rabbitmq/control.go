package rabbitmq

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/engine"
	"millrace/runtime/fault"
)

const (
	// Boots take seconds; a check of one that is not up costs next to nothing.
	probeEvery        = 50 * time.Millisecond
	probeMembersEvery = 200 * time.Millisecond

	// patience is how many checks in a row a new broker may have an alarm.
	patience = 40
)

// control is a launched broker.
type control struct {
	engine.Broker
	nodes   []driver.Instance
	running version
	api     *api

	probeEvery time.Duration

	mu    sync.Mutex
	calls int // of Reconcile in a row that the API's user could not log in
}

// Control implements engine.Engine.
func (Engine) Control(b engine.Broker, nodes []driver.Instance, s driver.Software) (engine.Control, error) {
	if len(nodes) == 0 || len(b.Nodes) != len(nodes) {
		return nil, fault.New(fault.Internal, "The broker has %d nodes, and %d were given.", len(b.Nodes), len(nodes))
	}
	v, err := parseVersion(s.Version)
	if err != nil {
		return nil, err
	}
	a, err := newAPI(b)
	if err != nil {
		return nil, err
	}
	every := probeEvery
	if len(nodes) > 1 { // they boot three times as long, and need the processor for that
		every = probeMembersEvery
	}
	return &control{Broker: b, nodes: nodes, running: v, api: a, probeEvery: every}, nil
}

// Release implements engine.Control.
func (c *control) Release() { c.api.client.CloseIdleConnections() }

// Ready implements engine.Control. An alarm does not keep a broker that has served
// before from being ready: it serves, and blocks publishers.
func (c *control) Ready(ctx context.Context, node int) error {
	if c.api.user.Name == "" {
		return c.awaitStartup(ctx, node)
	}
	inAlarm := 0
	for {
		err := c.healthy(ctx, node)
		var answer *status
		switch {
		case err == nil:
			return nil
		case unauthorized(err) && c.mayLackUsers(): // its owner has changed the password, or deleted the user
			return c.awaitStartup(ctx, node)
		case errors.As(err, &answer) && len(answer.alarms) > 0:
			if c.Served {
				return nil
			}
			if inAlarm++; inAlarm == patience {
				return fault.New(fault.Unavailable,
					"The broker is up, but blocks publishers: less than %s of its disk are free, or it uses more than %s of the machine's memory.", diskFree, memory)
			}
		}
		select {
		case <-time.After(c.probeEvery):
		case <-c.nodes[node].Done():
			return ended(c.nodes[node])
		case <-ctx.Done():
			return fault.Wrap(fault.Of(ctx.Err()), errors.Join(ctx.Err(), err), "The broker did not serve in time.")
		}
	}
}

// Answers implements engine.Control: whoever serves the console's page is not stuck.
func (c *control) Answers(ctx context.Context, node int) error {
	return c.api.callNode(ctx, node, http.MethodHead, "/", nil, nil)
}

func ended(node driver.Instance) error {
	return fault.New(fault.Unavailable, "The broker ended while it started: %v", node.Err())
}

// mayLackUsers reports whether the user that the broker was born with may be gone. A
// member of a new cluster knows nobody until it has joined the one that does.
func (c *control) mayLackUsers() bool { return c.Served || len(c.nodes) == 1 }

const alarmsCheck = "/api/health/checks/local-alarms"

// healthy asks a node whether clients can connect, and whether publishers can publish. The
// API is up before the listeners of clients.
func (c *control) healthy(ctx context.Context, node int) error {
	for _, check := range []string{"/api/health/checks/protocol-listener/amqps", "/api/health/checks/virtual-hosts"} {
		if err := c.api.callNode(ctx, node, http.MethodGet, check, nil, nil); err != nil {
			return err
		}
	}
	if err := c.joined(ctx, node); err != nil {
		return err
	}
	return c.api.callNode(ctx, node, http.MethodGet, alarmsCheck, nil, nil)
}

func unauthorized(err error) bool {
	var s *status
	return errors.As(err, &s) && (s.code == http.StatusUnauthorized || s.code == http.StatusForbidden)
}

// awaitStartup asks a node without the help of a user.
func (c *control) awaitStartup(ctx context.Context, node int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := c.nodes[node].Done()
	go func() {
		select {
		case <-done:
			cancel()
		case <-ctx.Done():
		}
	}()
	_, err := c.nodes[node].Exec(ctx, nil, "rabbitmqctl", "await_startup")
	select {
	case <-done:
		return ended(c.nodes[node])
	default:
		return err
	}
}

// exec runs a command beside whichever node runs it.
func (c *control) exec(ctx context.Context, stdin, command string, args ...string) (out []byte, err error) {
	for _, n := range c.nodes {
		var in io.Reader
		if stdin != "" {
			in = strings.NewReader(stdin)
		}
		if out, err = n.Exec(ctx, in, command, args...); err == nil || ctx.Err() != nil {
			break
		}
	}
	return out, err
}
