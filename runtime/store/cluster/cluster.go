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
	every    = Silence / 6            // how often a node says that it is there
	listen   = 300 * time.Millisecond // how long a newcomer listens to who is there
	answers  = time.Second            // how long a suspect may take to answer
	subject  = "millrace.cluster"
	patience = 5 * time.Second // with the server, when joining and leaving
	backlog  = 1024            // notes that may wait to be read
)

// A note is what nodes tell each other.
type note struct {
	Node  string `json:"node"`
	Does  deed   `json:"does"`
	About string `json:"about,omitempty"` // whom a node suspects
}

type deed string

const (
	beats    deed = "beats"
	asks     deed = "asks" // who is there; a newcomer, which does not count yet
	leaves   deed = "leaves"
	suspects deed = "suspects" // nobody listens where a node should; the others look for themselves
)

// A Cluster is this node's membership. New makes it, Join and Leave are its life.
type Cluster struct {
	conn *nats.Conn
	self string
	log  *slog.Logger
	view atomic.Pointer[View]

	notes  chan *nats.Msg
	events chan event
	subs   []*nats.Subscription
	end    context.CancelFunc
	work   sync.WaitGroup // the loop, and looks at suspects

	doubted map[string]bool // the loop's: who is being looked at
}

// An event is what the loop learns from within the process.
type event struct {
	node   string
	gone   bool
	looked bool          // it was doubted, and looked at
	seen   chan struct{} // closed once the view says so
}

// New makes a node that has not joined: its view is empty. A nil log is for none.
func New(conn *nats.Conn, log *slog.Logger) *Cluster {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var id [8]byte
	rand.Read(id[:]) // never fails
	c := &Cluster{conn: conn, self: hex.EncodeToString(id[:]), log: log, events: make(chan event), doubted: map[string]bool{}}
	c.view.Store(newView(c.self, nil))
	return c
}

// Self names this node: a new name for every process.
func (c *Cluster) Self() string { return c.self }

// View is who is live now.
func (c *Cluster) View() *View { return c.view.Load() }

// Subject is where a node listens for what kind names.
func Subject(node, kind string) string { return "millrace.node." + node + "." + kind }

// Join makes this node a member. It returns when those who are there know of it,
// and it of them.
func (c *Cluster) Join(ctx context.Context) error {
	c.notes = make(chan *nats.Msg, backlog)
	all, err := c.conn.ChanSubscribe(subject, c.notes)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "listening to the cluster")
	}
	asked, err := c.conn.Subscribe(Subject(c.self, "ping"), func(m *nats.Msg) { m.Respond(nil) })
	c.subs = append(c.subs, all, asked)
	if err == nil {
		err = c.say(note{Does: asks})
	}
	if err == nil {
		err = c.flush(ctx)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "joining the cluster")
	}
	// Until a newcomer has listened for a while it would own too much, so it does
	// not say that it is there, and has no view.
	base, end := context.WithCancel(context.WithoutCancel(ctx))
	c.end = end
	joined := make(chan struct{})
	c.work.Go(func() { c.loop(base, joined) })
	select {
	case <-joined:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "joining the cluster")
	}
}

// Leave ends the membership: what this node owned belongs to the others as soon
// as they hear of it. Leave is legal before Join and after Leave.
func (c *Cluster) Leave(ctx context.Context) error {
	if c.end == nil {
		return nil
	}
	c.end()
	c.end = nil
	c.work.Wait()
	var errs []error
	for _, s := range c.subs {
		errs = append(errs, s.Unsubscribe())
	}
	if c.conn.IsConnected() {
		errs = append(errs, c.say(note{Does: leaves}), c.flush(ctx))
	}
	c.show(nil)
	if err := errors.Join(errs...); err != nil && !c.conn.IsClosed() {
		return fault.Wrap(fault.Unavailable, err, "leaving the cluster")
	}
	return nil
}

// Heard says that a node is known to be there, before its own word of it came. It
// returns once the view has it.
func (c *Cluster) Heard(ctx context.Context, node string) {
	if !c.View().Has(node) {
		c.tell(ctx, event{node: node})
	}
}

// Suspect says that nobody listens where a node should: it is gone, and the
// others are asked to look for themselves. It is back when it is heard again. It
// returns once the view says so.
func (c *Cluster) Suspect(ctx context.Context, node string) {
	if c.View().Has(node) {
		c.tell(ctx, event{node: node, gone: true})
		c.say(note{Does: suspects, About: node})
	}
}

func (c *Cluster) tell(ctx context.Context, e event) {
	e.seen = make(chan struct{})
	ctx, cancel := context.WithTimeout(ctx, answers) // the loop may have ended
	defer cancel()
	select {
	case c.events <- e:
		<-e.seen
	case <-ctx.Done():
	}
}

func (c *Cluster) say(n note) error {
	n.Node = c.self
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return c.conn.Publish(subject, data)
}

// flush waits until the server has heard what was said.
func (c *Cluster) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.conn.FlushWithContext(ctx)
}

// loop owns the members until ctx ends.
func (c *Cluster) loop(ctx context.Context, joined chan<- struct{}) {
	var m Members
	tick := time.NewTicker(every)
	defer tick.Stop()
	listened := time.NewTimer(listen)
	defer listened.Stop()
	ready := false
	update := func(changed bool) {
		if changed && ready {
			c.show(m.Live())
		}
	}
	beat := func() {
		if err := c.say(note{Does: beats}); err != nil {
			c.log.Warn("this node cannot be heard", "error", err)
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
			update(m.Pass(now))
			for _, node := range m.Silent(now, 2*every) {
				c.doubt(ctx, node)
			}
		case e := <-c.events:
			if e.looked {
				delete(c.doubted, e.node)
			}
			switch {
			case e.gone:
				update(m.Gone(e.node))
			case !e.looked:
				update(m.Heard(time.Now(), e.node))
			}
			close(e.seen)
		case msg := <-c.notes:
			update(c.read(ctx, &m, msg.Data))
		}
	}
}

// read takes in what a node said.
func (c *Cluster) read(ctx context.Context, m *Members, data []byte) (changed bool) {
	var n note
	if err := json.Unmarshal(data, &n); err != nil || n.Node == "" {
		return false // not from one of us
	}
	switch n.Does {
	case leaves:
		return m.Gone(n.Node)
	case asks:
		if c.View().Has(c.self) {
			c.say(note{Does: beats})
		}
		return false
	case suspects:
		if n.About != c.self && n.Node != c.self {
			c.doubt(ctx, n.About)
		}
	}
	return m.Heard(time.Now(), n.Node)
}

// doubt looks at a node, without waiting for it.
func (c *Cluster) doubt(ctx context.Context, node string) {
	if !c.doubted[node] && node != c.self {
		c.doubted[node] = true
		c.work.Go(func() { c.look(ctx, node) })
	}
}

// look finds out whether a suspect is gone: whether nobody listens there. One
// that is merely slow is left to its silence.
func (c *Cluster) look(ctx context.Context, node string) {
	within, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	_, err := c.conn.RequestWithContext(within, Subject(node, "ping"), nil)
	e := event{node: node, looked: true, gone: errors.Is(err, nats.ErrNoResponders), seen: make(chan struct{})}
	select {
	case c.events <- e:
	case <-ctx.Done():
	}
}

// show makes a new view of the live nodes.
func (c *Cluster) show(live []string) {
	old := c.View()
	if slices.Equal(old.Live, live) {
		return
	}
	c.view.Store(newView(c.self, live))
	close(old.changed)
	c.log.Info("the nodes of the cluster", "self", c.self, "live", live)
}
