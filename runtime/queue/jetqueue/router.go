package jetqueue

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/store/cluster"
)

const (
	findOwnerTimeout = 5 * time.Second        // for a call to find the owner of its queue
	receiveSlice     = 20 * time.Second       // a longer receive is split into several, in case a response gets lost
	responseDeadline = responseTimeout        // a response later than that is not coming
	firstRetryPause  = 5 * time.Millisecond   // between two tries to find the owner
	maxRetryPause    = 100 * time.Millisecond // the longest
	releaseTimeout   = time.Second            // for the previous owner to release a queue
)

// A router sends calls to the nodes that own their queues, and serves the calls of
// other nodes.
type router struct {
	queues  *Queues
	conn    *nats.Conn
	cluster *cluster.Cluster
	sub     *nats.Subscription

	base       context.Context // of all calls that are served for other nodes
	cancelBase context.CancelFunc
	calls      sync.WaitGroup

	mu      sync.Mutex // guards running and closed
	closed  bool
	running map[string]remoteCall // calls of other nodes, by reply subject
}

type remoteCall struct {
	from   string // the node that calls
	cancel context.CancelFunc
}

// open subscribes to calls, joins the cluster, and starts to watch its members.
func (p *router) open(ctx context.Context) error {
	p.base, p.cancelBase = context.WithCancel(context.WithoutCancel(ctx))
	// One subscription for calls and cancels: a cancel must not overtake its call.
	var err error
	if p.sub, err = p.conn.Subscribe(cluster.Subject(p.cluster.Self(), "queue.*"), p.onMessage); err != nil {
		return fault.Wrap(fault.Unavailable, err, "subscribing to calls of other nodes")
	}
	if err := p.cluster.Start(ctx); err != nil {
		return err
	}
	view := p.cluster.View()
	p.updateOwnership(view)
	p.calls.Go(func() { p.watchMembers(view) })
	return nil
}

// close leaves the cluster. The queues are closed already.
func (p *router) close(ctx context.Context) error {
	err := p.cluster.Stop(ctx)
	if p.sub != nil {
		p.sub.Unsubscribe()
	}
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancelBase()
	p.calls.Wait()
	return err
}

// watchMembers updates which queues this node owns, at every change of the cluster's
// members.
func (p *router) watchMembers(view *cluster.View) {
	for {
		select {
		case <-view.Changed():
		case <-p.base.Done():
			return
		}
		view = p.cluster.View()
		p.updateOwnership(view)
		p.mu.Lock()
		for _, r := range p.running {
			if !view.Has(r.from) {
				r.cancel() // no one waits for the response
			}
		}
		p.mu.Unlock()
	}
}

func (p *router) updateOwnership(view *cluster.View) {
	for _, q := range p.queues.All() {
		q.updateOwnership(view)
	}
}

// updateOwnership tells the queue whether this node owns it. It is true when it
// does.
func (q *Queue) updateOwnership(view *cluster.View) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if away := view.Owner(q.generation) != view.Self; q.isElsewhere != away {
		q.isElsewhere = away
		q.wakeOwner()
	}
	return !q.isElsewhere
}

// call has the owner of a queue carry out a call.
func (p *router) call(ctx context.Context, q *Queue, c call) response {
	c.Queue, c.Generation, c.From = q.id, q.generation, p.cluster.Self()
	s := ownerSearch{startedAt: time.Now(), pause: firstRetryPause}
	for {
		view := p.cluster.View()
		a := p.callOwner(ctx, view, q, &c)
		if !errors.Is(a.err, errMoved) {
			return a
		}
		if err := s.wait(ctx, view, q); err != nil {
			return response{err: err}
		}
	}
}

// callReceive is call for a receive. A long one is split into slices.
func (p *router) callReceive(ctx context.Context, q *Queue, r queue.ReceiveRequest) ([]queue.ReceivedMessage, error) {
	c := call{Method: methodReceive, Queue: q.id, Generation: q.generation, From: p.cluster.Self(), Receive: &r}
	began, wait := time.Now(), r.Wait
	s := ownerSearch{startedAt: began, pause: firstRetryPause}
	for {
		r.Wait = receiveSlice
		if wait != queue.Forever {
			r.Wait = min(max(wait-time.Since(began), 0), receiveSlice)
		}
		view, tried := p.cluster.View(), time.Now()
		a := p.callOwner(ctx, view, q, &c)
		if time.Since(tried) > maxRetryPause { // an owner served it for a while
			s = ownerSearch{startedAt: time.Now(), pause: firstRetryPause}
		}
		switch {
		case errors.Is(a.err, errMoved):
			if err := s.wait(ctx, view, q); err != nil {
				return nil, err
			}
		case a.err != nil || len(a.Received) > 0 || wait != queue.Forever && time.Since(began) >= wait:
			return a.Received, a.err
		}
	}
}

// callOwner makes a call at the queue's owner in this view of the cluster; errMoved
// when that does not own it.
func (p *router) callOwner(ctx context.Context, view *cluster.View, q *Queue, c *call) response {
	switch owner := view.Owner(q.generation); {
	case owner == "":
		return response{err: errMoved}
	case owner != view.Self:
		return p.callRemote(ctx, owner, c)
	case q.updateOwnership(view):
		return q.doLocal(ctx, c)
	default:
		return response{err: errMoved}
	}
}

// An ownerSearch repeats a call until the queue's owner is found, for
// findOwnerTimeout at most.
type ownerSearch struct {
	startedAt time.Time
	pause     time.Duration
}

// wait waits until another try is worth it.
func (s *ownerSearch) wait(ctx context.Context, view *cluster.View, q *Queue) error {
	if time.Since(s.startedAt) >= findOwnerTimeout {
		return fault.New(fault.Unavailable, "no node serves queue %s", q.id.Name)
	}
	select {
	case <-view.Changed():
	case <-time.After(s.pause):
		s.pause = min(2*s.pause, maxRetryPause)
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// callRemote makes a call at another node: errMoved when it was not begun there, or
// can be repeated.
func (p *router) callRemote(ctx context.Context, node string, c *call) response {
	data := c.encode()
	if room := int(p.conn.MaxPayload()); len(data) > room {
		return response{err: fault.New(fault.TooLarge,
			"%d bytes cannot be passed to the node that owns the queue: the NATS server takes %d, raise its max_payload", len(data), room)}
	}
	reply := p.conn.NewInbox()
	parts := make(chan *nats.Msg, 64)
	sub, err := p.conn.ChanSubscribe(reply, parts)
	if err == nil {
		defer sub.Unsubscribe()
		err = p.conn.PublishRequest(cluster.Subject(node, callKind), reply, data)
	}
	if err != nil {
		return response{err: fault.Wrap(fault.Unavailable, err, "calling the node that owns queue %s", c.Queue.Name)}
	}
	lost := response{err: c.lostError("the node that owned queue %s is gone and did not respond", c.Queue.Name)}
	wait := responseDeadline
	if c.Receive != nil {
		wait += c.Receive.Wait
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	var whole []byte
	for {
		view := p.cluster.View()
		if !view.Has(node) {
			return lost
		}
		select {
		case part := <-parts:
			switch {
			case len(part.Data) == 0 && part.Header.Get(statusHeader) == "503":
				p.cluster.Suspect(ctx, node)
				return response{err: errMoved} // no one received it
			case len(part.Data) == 0:
				return response{err: errMalformed}
			}
			whole = append(whole, part.Data[1:]...)
			if part.Data[0] == partFollows {
				continue
			}
			a, err := decodeResponse(whole)
			if err != nil {
				return response{err: err}
			}
			return a
		case <-view.Changed():
		case <-ctx.Done():
			p.cancelRemote(node, reply, parts)
			return response{err: ctx.Err()}
		case <-timeout.C:
			return response{err: fault.New(fault.Unavailable, "the node that owns queue %s does not respond", c.Queue.Name)}
		}
	}
}

// cancelRemote cancels a call at another node. It waits until the call has ended
// there: a receive that no one waits for must not take messages.
func (p *router) cancelRemote(node, reply string, parts <-chan *nats.Msg) {
	p.conn.Publish(cluster.Subject(node, cancelKind), []byte(reply))
	select {
	case <-parts:
	case <-p.cluster.View().Changed():
	case <-time.After(releaseTimeout):
	}
}

// A response is sent in parts that fit in messages of the NATS server, each with one
// byte in front.
const (
	lastPart     = 0
	partFollows  = 1
	partOverhead = 1024 // for that byte and the headers of NATS
)

// Subjects of messages between nodes.
const (
	callKind   = "queue.call"
	cancelKind = "queue.cancel" // its data is the reply subject of the call to cancel
)

// onMessage handles a message of another node.
func (p *router) onMessage(msg *nats.Msg) {
	if strings.HasSuffix(msg.Subject, cancelKind) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if r, ok := p.running[string(msg.Data)]; ok {
			r.cancel()
		}
		return
	}
	c, err := decodeCall(msg.Data)
	if err != nil {
		p.queues.log.Warn("malformed call from another node", "err", err)
		p.reply(msg.Reply, response{err: err})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	ctx, cancel := context.WithCancel(p.base)
	p.running[msg.Reply] = remoteCall{c.From, cancel}
	p.calls.Go(func() {
		defer func() {
			cancel()
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.running, msg.Reply)
		}()
		p.reply(msg.Reply, p.serveCall(ctx, c))
	})
}

// serveCall carries out a call of another node. It never forwards a call: if this
// node does not own the queue either, the caller tries again.
func (p *router) serveCall(ctx context.Context, c *call) response {
	a := p.callLocal(ctx, c)
	switch fault.Of(a.anyError()) {
	case fault.Canceled, fault.Timeout:
		// We canceled the call, for instance because its node was suspected for a
		// moment. A node that canceled it itself does not read this response.
		return response{err: c.lostError("a call to queue %s was canceled at its owner; it may have been carried out", c.Queue.Name)}
	}
	return a
}

// anyError is the error of the call, or the first of its items' errors.
func (a *response) anyError() error {
	if a.err == nil && len(a.itemErrs) > 0 {
		return a.itemErrs[0]
	}
	return a.err
}

// callLocal carries out a call of another node if this node owns the queue.
func (p *router) callLocal(ctx context.Context, c *call) response {
	p.cluster.Seen(ctx, c.From)
	if c.Method == methodRelease {
		return response{err: p.release(ctx, c)}
	}
	q, err := p.queues.getGeneration(ctx, c.Queue, c.Generation)
	if err != nil && p.queues.checkOpen() != nil { // this node is stopping: it adds no queue that it did not know
		err = errMoved
	}
	if err != nil {
		return response{err: err}
	}
	if !q.updateOwnership(p.cluster.View()) {
		return response{err: errMoved}
	}
	a := q.doLocal(ctx, c)
	if errors.Is(a.err, errClosed) { // this node is stopping
		a.err = errMoved
	}
	return a
}

// release releases a queue that another node owns now, once all that is under way is
// answered.
func (p *router) release(ctx context.Context, c *call) error {
	q, err := p.queues.Get(c.Queue)
	if err != nil || q.generation != c.Generation || q.updateOwnership(p.cluster.View()) {
		return nil // not known here, or ours: then the log decides
	}
	q.mu.Lock()
	lease := q.lease
	q.mu.Unlock()
	if lease == nil {
		return nil
	}
	select {
	case <-lease:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// requestRelease asks the previous owner of a queue to release it, so that nothing
// under way there is lost. It may fail: the log decides who may write.
func (p *router) requestRelease(ctx context.Context, q *Queue) {
	before := p.cluster.View().Successor(q.generation)
	if before == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, releaseTimeout)
	defer cancel()
	a := p.callRemote(ctx, before, &call{Method: methodRelease, Queue: q.id, Generation: q.generation, From: p.cluster.Self()})
	if a.err != nil {
		p.queues.log.Info("the previous owner of a queue did not release it", "queue", q.id.Name, "node", before, "err", a.err)
	}
}

func (p *router) reply(to string, a response) {
	data := a.encode()
	room := int(p.conn.MaxPayload()) - partOverhead
	for {
		n := min(len(data), room)
		part := append(make([]byte, 0, n+1), lastPart)
		if n < len(data) {
			part[0] = partFollows
		}
		if err := p.conn.Publish(to, append(part, data[:n]...)); err != nil {
			p.queues.log.Warn("sending a response to another node failed", "err", err)
			return
		}
		if data = data[n:]; len(data) == 0 {
			return
		}
	}
}
