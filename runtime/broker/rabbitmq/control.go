package rabbitmq

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/engine"
	"millrace/runtime/fault"
)

const (
	// Boots take seconds; a check of one that is not up costs next to nothing.
	probeEvery = 50 * time.Millisecond

	// patience is how many checks in a row a new broker may have an alarm.
	patience = 40
)

// control is a launched broker.
type control struct {
	engine.Broker
	node    driver.Instance // the first, which speaks for all
	running version
	api     *api

	probeEvery time.Duration

	mu    sync.Mutex
	calls int // of Reconcile in a row that the API's user could not log in
}

// Control implements engine.Engine.
func (Engine) Control(b engine.Broker, nodes []driver.Instance, s driver.Software) (engine.Control, error) {
	if len(nodes) == 0 || len(b.Nodes) == 0 {
		return nil, fault.New(fault.Internal, "The broker has no nodes.")
	}
	v, err := parseVersion(s.Version)
	if err != nil {
		return nil, err
	}
	a, err := newAPI(b)
	if err != nil {
		return nil, err
	}
	return &control{Broker: b, node: nodes[0], running: v, api: a, probeEvery: probeEvery}, nil
}

// Release implements engine.Control.
func (c *control) Release() { c.api.client.CloseIdleConnections() }

// Ready implements engine.Control. An alarm does not keep a broker that has served
// before from being ready: it serves, and blocks publishers.
func (c *control) Ready(ctx context.Context) error {
	if err := c.serves(ctx); err != nil {
		return err
	}
	_, err := c.Reconcile(ctx)
	return err
}

func (c *control) serves(ctx context.Context) error {
	if c.api.user.Name == "" {
		return c.awaitStartup(ctx)
	}
	inAlarm := 0
	for {
		err := c.healthy(ctx)
		var answer *status
		switch {
		case err == nil:
			return nil
		case unauthorized(err): // its owner has changed the password, or deleted the user
			return c.awaitStartup(ctx)
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
		case <-c.node.Done():
			return fault.New(fault.Unavailable, "The broker ended while it started: %v", c.node.Err())
		case <-ctx.Done():
			return fault.Wrap(fault.Of(ctx.Err()), errors.Join(ctx.Err(), err), "The broker did not serve in time.")
		}
	}
}

const alarmsCheck = "/api/health/checks/local-alarms"

// healthy asks whether clients can connect, and whether publishers can publish. The API
// is up before the listeners of clients.
func (c *control) healthy(ctx context.Context) error {
	for _, check := range []string{"/api/health/checks/protocol-listener/amqps", "/api/health/checks/virtual-hosts", alarmsCheck} {
		if err := c.api.call(ctx, http.MethodGet, check, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

func unauthorized(err error) bool {
	var s *status
	return errors.As(err, &s) && (s.code == http.StatusUnauthorized || s.code == http.StatusForbidden)
}

// awaitStartup asks without the help of a user.
func (c *control) awaitStartup(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-c.node.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	_, err := c.node.Exec(ctx, nil, "rabbitmqctl", "await_startup")
	select {
	case <-c.node.Done():
		return fault.New(fault.Unavailable, "The broker ended while it started: %v", c.node.Err())
	default:
		return err
	}
}
