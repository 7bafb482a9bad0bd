package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"millrace/runtime/fault"
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

// A Cluster is this node's membership. New makes it, Join and Leave are its life.
type Cluster struct {
	conn *nats.Conn
	self string
	log  *slog.Logger
	view atomic.Pointer[View]

	messages chan *nats.Msg
	events   chan event
	subs     []*nats.Subscription
	cancel   context.CancelFunc
	work     sync.WaitGroup // the loop, and probes

	probing map[string]bool // owned by the loop: nodes being probed
}

// An event is what the loop learns from within the process.
type event struct {
	node    string
	gone    bool
	probed  bool          // a probe has ended
	applied chan struct{} // closed once the view has changed
}

// New makes a node that has not joined: its view is empty. log may be nil.
func New(conn *nats.Conn, log *slog.Logger) *Cluster {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var id [8]byte
	rand.Read(id[:]) // never fails
	c := &Cluster{conn: conn, self: hex.EncodeToString(id[:]), log: log, events: make(chan event), probing: map[string]bool{}}
	c.view.Store(newView(c.self, nil))
	return c
}

// Self names this node: a new name for every process.
func (c *Cluster) Self() string { return c.self }

// View is the current set of live nodes.
func (c *Cluster) View() *View { return c.view.Load() }

// Subject is the NATS subject on which a node receives requests of a kind.
func Subject(node, kind string) string { return "millrace.node." + node + "." + kind }

// Join makes this node a member. It returns when this node and the other members know
// of each other.
func (c *Cluster) Join(ctx context.Context) error {
	c.messages = make(chan *nats.Msg, backlog)
	all, err := c.conn.ChanSubscribe(subject, c.messages)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "listening to the cluster")
	}
	asked, err := c.conn.Subscribe(Subject(c.self, "ping"), func(m *nats.Msg) { m.Respond(nil) })
	c.subs = append(c.subs, all, asked)
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
	base, end := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel = end
	joined := make(chan struct{})
	c.work.Go(func() { c.loop(base, joined) })
	select {
	case <-joined:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "joining the cluster")
	}
}

// Leave ends the membership: the others take over what this node owned as soon as they
// hear of it. Leave may be called before Join, and again.
func (c *Cluster) Leave(ctx context.Context) error {
	if c.cancel == nil {
		return nil
	}
	c.cancel()
	c.cancel = nil
	c.work.Wait()
	var errs []error
	for _, s := range c.subs {
		errs = append(errs, s.Unsubscribe())
	}
	if c.conn.IsConnected() {
		errs = append(errs, c.broadcast(message{Kind: leave}), c.flush(ctx))
	}
	c.publishView(nil)
	if err := errors.Join(errs...); err != nil && !c.conn.IsClosed() {
		return fault.Wrap(fault.Unavailable, err, "leaving the cluster")
	}
	return nil
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

// loop owns the members until ctx ends.
func (c *Cluster) loop(ctx context.Context, joined chan<- struct{}) {
	var m Members
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
		case <-ctx.Done():
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
				c.startProbe(ctx, node)
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
			update(c.receive(ctx, &m, msg.Data))
		}
	}
}

// receive handles a message of another node.
func (c *Cluster) receive(ctx context.Context, m *Members, data []byte) (changed bool) {
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
			c.startProbe(ctx, n.About)
		}
	}
	return m.Seen(time.Now(), n.Node)
}

// startProbe probes a node in the background.
func (c *Cluster) startProbe(ctx context.Context, node string) {
	if !c.probing[node] && node != c.self {
		c.probing[node] = true
		c.work.Go(func() { c.probe(ctx, node) })
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
