package live

import (
	"context"
	"io"
	"time"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

const (
	firstRetry   = time.Second
	longestRetry = time.Minute // also how long a node has to be up until its failures are forgotten
)

// A member is a node of a running broker, and stands for whatever runs as that node. It
// implements driver.Instance.
type member struct {
	*running
	n        int
	restarts chan restart

	// Guarded by running.mu.
	instance driver.Instance // nil until the node was launched
	up       bool            // it serves
	failure  error           // why it is not up; nil while nobody knows
}

// A restart is a wish that a node be started anew.
type restart struct {
	ctx    context.Context
	answer chan error // of capacity 1
}

// keep starts the node, and again whenever it has died, until ctx is over or the broker has
// died. A node that is alone is started once.
func (m *member) keep(ctx context.Context) {
	var wanted *restart
	retry := time.Duration(0)
	for {
		err := m.start(ctx)
		if wanted != nil {
			wanted.answer <- err
			wanted = nil
		}
		if ctx.Err() != nil {
			return
		}
		m.set(m, err == nil, err)
		m.tellHeld(err)
		began := time.Now()
		if err == nil {
			select {
			case <-ctx.Done():
				return
			case <-m.Done():
				err = m.Err()
			case r := <-m.restarts:
				wanted = &r
				m.set(m, false, nil)
				if err := m.Stop(context.WithoutCancel(r.ctx)); err != nil {
					m.log.Warn("a node of a broker does not end", "node", m.n+1, "err", err)
				}
				continue
			}
			if ctx.Err() != nil { // it was ended
				return
			}
			m.set(m, false, err)
		}
		if m.alone() {
			return
		}
		if _, told := fault.Told(err); told { // nothing was started, and why is in the log
			retry = firstRetry
		} else {
			if time.Since(began) > longestRetry {
				retry = 0
			}
			retry = min(max(2*retry, firstRetry), longestRetry)
			m.log.Warn("a node of a cluster has died; it is started again", "node", m.n+1, "after", retry, "err", err)
		}
		again := time.NewTimer(retry)
		select {
		case <-ctx.Done():
		case <-m.died:
		case <-again.C:
			again.Stop()
			continue
		case r := <-m.restarts:
			again.Stop()
			wanted = &r
			continue
		}
		again.Stop()
		return
	}
}

// start launches the node, or adopts it, and waits until it serves.
func (m *member) start(ctx context.Context) error {
	b, control := m.now()
	node := b.Nodes[m.n]
	instance, err := m.launch(ctx, driver.Node{
		Name: node.Name, Ports: node.Ports,
		Labels: map[string]string{"broker": b.ID, "name": b.Name, "account": b.Account, "region": b.Region},
		Render: func(p driver.Place) (driver.Launch, error) {
			rendered, err := m.engine.Render(b, m.n, p)
			for _, left := range rendered.LeftOut {
				m.log.Info("left out: "+left, "runs", p.Software.Version)
			}
			return rendered.Launch, err
		},
	})
	if err != nil {
		return err
	}
	select {
	case <-instance.Ready():
	case <-instance.Done():
		if err := taken(node); err != nil {
			return err
		}
		return fault.New(fault.Unavailable, "The broker ended while it started: %v", instance.Err())
	case <-ctx.Done():
		return ctx.Err()
	}
	return control.Ready(ctx, m.n)
}

// launch hands the node to the driver, one of a broker after the other.
func (m *member) launch(ctx context.Context, n driver.Node) (driver.Instance, error) {
	if !m.alone() {
		b, _ := m.now()
		for _, other := range b.Nodes {
			n.Members = append(n.Members, other.Name)
		}
	}
	m.starting.Lock()
	defer m.starting.Unlock()
	instance, err := m.driver.Start(ctx, n, m.software)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.instance = instance
	return instance, nil
}

// renew has the node started anew, and returns when it serves.
func (m *member) renew(ctx context.Context) error {
	r := restart{ctx, make(chan error, 1)}
	select {
	case m.restarts <- r:
	case <-m.died:
		return fault.New(fault.Unavailable, "The broker has died.")
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// runs is what runs as the node; nil when nothing was launched yet.
func (m *member) runs() driver.Instance {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.instance
}

// Ready implements driver.Instance. It is nil when nothing was launched.
func (m *member) Ready() <-chan struct{} {
	if i := m.runs(); i != nil {
		return i.Ready()
	}
	return nil
}

// Done implements driver.Instance. It is nil when nothing was launched.
func (m *member) Done() <-chan struct{} {
	if i := m.runs(); i != nil {
		return i.Done()
	}
	return nil
}

// Err implements driver.Instance.
func (m *member) Err() error {
	if i := m.runs(); i != nil {
		return i.Err()
	}
	return nil
}

// Exec implements driver.Instance.
func (m *member) Exec(ctx context.Context, stdin io.Reader, command string, args ...string) ([]byte, error) {
	if i := m.runs(); i != nil {
		return i.Exec(ctx, stdin, command, args...)
	}
	return nil, fault.New(fault.Unavailable, "The node does not run yet.")
}

// Stop implements driver.Instance.
func (m *member) Stop(ctx context.Context) error {
	if i := m.runs(); i != nil {
		return i.Stop(ctx)
	}
	return nil
}

// Adopted implements driver.Instance.
func (m *member) Adopted() bool {
	i := m.runs()
	return i != nil && i.Adopted()
}
