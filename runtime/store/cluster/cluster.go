package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
)

const (
	heartbeatInterval = SilenceTimeout / 6
	joinWait          = 300 * time.Millisecond // how long a node that joins listens for the others
	pingTimeout       = time.Second            // how long a suspected node may take to answer
	subject           = "millrace.cluster"
	flushTimeout      = 5 * time.Second // of the connection, when joining and leaving
	backlog           = 1024            // messages that may wait to be read
)

// A message is what nodes send each other. Its JSON is that of the first version.
type message struct {
	Node  string      `json:"node"`
	Kind  messageKind `json:"does"`
	About string      `json:"about,omitempty"` // the node that is suspected
}

type messageKind string

const (
	heartbeat messageKind = "beats"
	rollCall  messageKind = "asks" // from a node that is joining and not a member yet: members answer with a heartbeat
	leave     messageKind = "leaves"
	suspect   messageKind = "suspects" // a node has no subscriber anymore; each receiver probes it itself
)

// A Cluster is this node's membership, from Start to Stop.
type Cluster struct {
	conn *nats.Conn
	self string
	log  *slog.Logger
	view atomic.Pointer[View]

	messages chan *nats.Msg
	events   chan event
	life     lifecycle.StartStop // its runs have the loop, and probes

	probing map[string]bool // owned by the loop: nodes being probed
}

// An event is what the loop learns from within the process.
type event struct {
	node    string
	gone    bool
	probed  bool          // a probe has ended
	applied chan struct{} // closed once the view has changed
}

// New makes a node that is not started: its view is empty. log may be nil.
func New(conn *nats.Conn, log *slog.Logger) *Cluster {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var id [8]byte
	rand.Read(id[:]) // never fails
	c := &Cluster{conn: conn, self: hex.EncodeToString(id[:]), log: log, events: make(chan event)}
	c.view.Store(newView(c.self, nil))
	return c
}

// Self names this node: a new name for every process.
func (c *Cluster) Self() string { return c.self }

// View is the current set of live nodes.
func (c *Cluster) View() *View { return c.view.Load() }

// Subject is the NATS subject on which a node receives requests of a kind.
func Subject(node, kind string) string { return "millrace.node." + node + "." + kind }

// Start makes this node a member. It returns when this node and the other members know
// of each other. It implements lifecycle.Part.
func (c *Cluster) Start(ctx context.Context) error {
	return c.life.Start(ctx, func(ctx context.Context, run *lifecycle.Run) error {
		c.messages = make(chan *nats.Msg, backlog)
		run.Cleanup(c.leaveCluster)
		err := c.subscribe(run)
		if err == nil {
			err = c.broadcast(message{Kind: rollCall})
		}
		if err == nil {
			err = c.flush(ctx)
		}
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "joining the cluster")
		}
		// Before it has heard of the others a joining node would own too many keys. So at
		// first it sends no heartbeats and has no view.
		joined := make(chan struct{})
		run.Go(func() { c.loop(run, joined) })
		select {
		case <-joined:
			return nil
		case <-ctx.Done():
			return fault.Wrap(fault.Unavailable, ctx.Err(), "joining the cluster")
		}
	})
}

// Stop ends the membership: the others take over what this node owned as soon as they
// hear of it. It implements lifecycle.Part.
func (c *Cluster) Stop(ctx context.Context) error { return c.life.Stop(ctx, "probes of nodes") }

// subscribe receives the messages of the others, and answers their probes.
func (c *Cluster) subscribe(run *lifecycle.Run) error {
	all, err := c.conn.ChanSubscribe(subject, c.messages)
	if err != nil {
		return err
	}
	run.Cleanup(func(context.Context) error { return c.unsubscribe(all) })
	pings, err := c.conn.Subscribe(Subject(c.self, "ping"), func(m *nats.Msg) { m.Respond(nil) })
	if err != nil {
		return err
	}
	run.Cleanup(func(context.Context) error { return c.unsubscribe(pings) })
	return nil
}

func (c *Cluster) unsubscribe(s *nats.Subscription) error {
	if err := s.Unsubscribe(); err != nil && !c.conn.IsClosed() {
		return err
	}
	return nil
}

// leaveCluster tells the others that this node is no member anymore.
func (c *Cluster) leaveCluster(ctx context.Context) (err error) {
	if c.conn.IsConnected() {
		err = errors.Join(c.broadcast(message{Kind: leave}), c.flush(ctx))
	}
	c.publishView(nil)
	if c.conn.IsClosed() {
		return nil
	}
	return fault.Wrap(fault.Unavailable, err, "leaving the cluster")
}

// Seen reports that a node is alive, before its first heartbeat came. It returns once
// the node is in the view.
func (c *Cluster) Seen(ctx context.Context, node string) {
	if !c.View().Has(node) {
		c.post(ctx, event{node: node})
	}
}

// Suspect reports that a node has no subscriber anymore. The node is removed from the
// view, and the other nodes are told to probe it. Its next heartbeat brings it back.
// Suspect returns once the view has changed.
func (c *Cluster) Suspect(ctx context.Context, node string) {
	if c.View().Has(node) {
		c.post(ctx, event{node: node, gone: true})
		c.broadcast(message{Kind: suspect, About: node})
	}
}

func (c *Cluster) post(ctx context.Context, e event) {
	e.applied = make(chan struct{})
	ctx, cancel := context.WithTimeout(ctx, pingTimeout) // the loop may have ended
	defer cancel()
	select {
	case c.events <- e:
		<-e.applied
	case <-ctx.Done():
	}
}

func (c *Cluster) broadcast(n message) error {
	n.Node = c.self
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return c.conn.Publish(subject, data)
}

// flush waits until the server has received what was published.
func (c *Cluster) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	return c.conn.FlushWithContext(ctx)
}

// loop owns the members until the run is halted.
func (c *Cluster) loop(run *lifecycle.Run, joined chan<- struct{}) {
	var m Members
	c.probing = map[string]bool{}
	tick := time.NewTicker(heartbeatInterval)
	defer tick.Stop()
	listened := time.NewTimer(joinWait)
	defer listened.Stop()
	ready := false
	update := func(changed bool) {
		if changed && ready {
			c.publishView(m.Live())
		}
	}
	beat := func() {
		if err := c.broadcast(message{Kind: heartbeat}); err != nil {
			c.log.Warn("this node's heartbeat cannot be sent", "err", err)
		}
	}
	for {
		if joined != nil && c.View().Has(c.self) {
			close(joined)
			joined = nil
		}
		select {
		case <-run.Halted().Done():
			return
		case <-listened.C:
			ready = true
			update(true)
			beat()
		case <-tick.C:
			if ready {
				beat()
			}
			now := time.Now()
			update(m.Expire(now))
			for _, node := range m.Silent(now, 2*heartbeatInterval) {
				c.startProbe(run, node)
			}
		case e := <-c.events:
			if e.probed {
				delete(c.probing, e.node)
			}
			switch {
			case e.gone:
				update(m.Remove(e.node))
			case !e.probed:
				update(m.Seen(time.Now(), e.node))
			}
			close(e.applied)
		case msg := <-c.messages:
			update(c.receive(run, &m, msg.Data))
		}
	}
}

// receive handles a message of another node.
func (c *Cluster) receive(run *lifecycle.Run, m *Members, data []byte) (changed bool) {
	var n message
	if err := json.Unmarshal(data, &n); err != nil || n.Node == "" {
		return false // not from one of us
	}
	switch n.Kind {
	case leave:
		return m.Remove(n.Node)
	case rollCall:
		if c.View().Has(c.self) {
			c.broadcast(message{Kind: heartbeat})
		}
		return false
	case suspect:
		if n.About != c.self && n.Node != c.self {
			c.startProbe(run, n.About)
		}
	}
	return m.Seen(time.Now(), n.Node)
}

// startProbe probes a node in the background.
func (c *Cluster) startProbe(run *lifecycle.Run, node string) {
	if !c.probing[node] && node != c.self {
		c.probing[node] = true
		run.Go(func() { c.probe(run.Halted(), node) })
	}
}

// probe finds out whether a suspected node has no subscriber, which means that it is
// gone. A node that is only slow is left to SilenceTimeout.
func (c *Cluster) probe(ctx context.Context, node string) {
	within, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	_, err := c.conn.RequestWithContext(within, Subject(node, "ping"), nil)
	e := event{node: node, probed: true, gone: errors.Is(err, nats.ErrNoResponders), applied: make(chan struct{})}
	select {
	case c.events <- e:
	case <-ctx.Done():
	}
}

// publishView makes a new view of the live nodes, unless nothing has changed.
func (c *Cluster) publishView(live []string) {
	old := c.View()
	if slices.Equal(old.Live, live) {
		return
	}
	c.view.Store(newView(c.self, live))
	close(old.changed)
	c.log.Info("the nodes of the cluster", "self", c.self, "live", live)
}
