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
	patience  = 5 * time.Second        // how long a call waits for somebody to own its queue
	slice     = 20 * time.Second       // a receive that waits longer is asked for again: its answer may have got lost
	late      = answerWait             // an answer later than that is not coming
	firstLook = 5 * time.Millisecond   // between two looks for the owner of a queue
	lastLook  = 100 * time.Millisecond // at most
	handOver  = time.Second            // how long the owner before may take to let go
)

// peers are the nodes that share the queues, this one included: calls go through
// them to the node that owns a queue, and come from them.
type peers struct {
	set     *Queues
	conn    *nats.Conn
	cluster *cluster.Cluster
	sub     *nats.Subscription

	base context.Context // of all calls that are carried out for others
	end  context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex // guards running, and adding to work once ended
	ended   bool
	running map[string]running // calls for others, by where their answer goes
}

type running struct {
	from   string // the node that asked
	cancel context.CancelFunc
}

// open listens to the others, joins them, and begins to follow who is there.
func (p *peers) open(ctx context.Context) error {
	p.base, p.end = context.WithCancel(context.WithoutCancel(ctx))
	// One subscription for both: a cancel must not overtake its call.
	var err error
	if p.sub, err = p.conn.Subscribe(cluster.Subject(p.cluster.Self(), "queue.*"), p.hear); err != nil {
		return fault.Wrap(fault.Unavailable, err, "listening to the other nodes")
	}
	if err := p.cluster.Join(ctx); err != nil {
		return err
	}
	view := p.cluster.View()
	p.settle(view)
	p.work.Go(func() { p.follow(view) })
	return nil
}

// close leaves the others to themselves. The queues are closed already.
func (p *peers) close(ctx context.Context) error {
	err := p.cluster.Leave(ctx)
	if p.sub != nil {
		p.sub.Unsubscribe()
	}
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.end()
	p.work.Wait()
	return err
}

// follow lets go of queues that others own now and takes those that are ours, at
// every change of who is there.
func (p *peers) follow(view *cluster.View) {
	for {
		select {
		case <-view.Changed():
		case <-p.base.Done():
			return
		}
		view = p.cluster.View()
		p.settle(view)
		p.mu.Lock()
		for _, r := range p.running {
			if !view.Has(r.from) {
				r.cancel() // nobody waits for the answer
			}
		}
		p.mu.Unlock()
	}
}

func (p *peers) settle(view *cluster.View) {
	for _, q := range p.set.All() {
		q.settle(view)
	}
}

// settle tells the owner whether it owns the queue. It is true when it does.
func (q *Queue) settle(view *cluster.View) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if away := view.Owner(q.source) != view.Self; q.away != away {
		q.away = away
		q.signal()
	}
	return !q.away
}

// make has the owner of a queue carry out a call.
func (p *peers) make(ctx context.Context, q *Queue, c call) answer {
	c.Queue, c.Source, c.From = q.id, q.source, p.cluster.Self()
	s := search{began: time.Now(), pause: firstLook}
	for {
		view := p.cluster.View()
		a := p.try(ctx, view, q, &c)
		if !errors.Is(a.err, errMoved) {
			return a
		}
		if err := s.again(ctx, view, q); err != nil {
			return answer{err: err}
		}
	}
}

// receive makes a receive, in slices when it waits for long.
func (p *peers) receive(ctx context.Context, q *Queue, r queue.ReceiveRequest) ([]queue.ReceivedMessage, error) {
	c := call{Method: receive, Queue: q.id, Source: q.source, From: p.cluster.Self(), Receive: &r}
	began, wait := time.Now(), r.Wait
	s := search{began: began, pause: firstLook}
	for {
		r.Wait = slice
		if wait != queue.Forever {
			r.Wait = min(max(wait-time.Since(began), 0), slice)
		}
		view, tried := p.cluster.View(), time.Now()
		a := p.try(ctx, view, q, &c)
		if time.Since(tried) > lastLook { // somebody served it for a while
			s = search{began: time.Now(), pause: firstLook}
		}
		switch {
		case errors.Is(a.err, errMoved):
			if err := s.again(ctx, view, q); err != nil {
				return nil, err
			}
		case a.err != nil || len(a.Received) > 0 || wait != queue.Forever && time.Since(began) >= wait:
			return a.Received, a.err
		}
	}
}

// try makes a call where its queue should be; errMoved when it is not there.
func (p *peers) try(ctx context.Context, view *cluster.View, q *Queue, c *call) answer {
	switch owner := view.Owner(q.source); {
	case owner == "":
		return answer{err: errMoved}
	case owner != view.Self:
		return p.ask(ctx, owner, c)
	case q.settle(view):
		return q.perform(ctx, c)
	default:
		return answer{err: errMoved}
	}
}

// A search is for the owner of a queue, until it is found or patience is over.
type search struct {
	began time.Time
	pause time.Duration
}

// again waits until it is worth another look.
func (s *search) again(ctx context.Context, view *cluster.View, q *Queue) error {
	if time.Since(s.began) >= patience {
		return fault.New(fault.Unavailable, "no node serves queue %s", q.id.Name)
	}
	select {
	case <-view.Changed():
	case <-time.After(s.pause):
		s.pause = min(2*s.pause, lastLook)
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// ask makes a call at another node: errMoved when it was not begun there, or may
// be made twice.
func (p *peers) ask(ctx context.Context, node string, c *call) answer {
	data := c.encode()
	if room := int(p.conn.MaxPayload()); len(data) > room {
		return answer{err: fault.New(fault.TooLarge,
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
		return answer{err: fault.Wrap(fault.Unavailable, err, "asking the node that owns queue %s", c.Queue.Name)}
	}
	lost := answer{err: c.lost("the node that owned queue %s is gone, and did not answer", c.Queue.Name)}
	wait := late
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
			case len(part.Data) == 0 && part.Header.Get(status) == "503":
				p.cluster.Suspect(ctx, node)
				return answer{err: errMoved} // nobody heard it
			case len(part.Data) == 0:
				return answer{err: errGarbled}
			}
			whole = append(whole, part.Data[1:]...)
			if part.Data[0] == partFollows {
				continue
			}
			a, err := decodeAnswer(whole)
			if err != nil {
				return answer{err: err}
			}
			return a
		case <-view.Changed():
		case <-ctx.Done():
			p.cancel(node, reply, parts)
			return answer{err: ctx.Err()}
		case <-timeout.C:
			return answer{err: fault.New(fault.Unavailable, "the node that owns queue %s does not answer", c.Queue.Name)}
		}
	}
}

// cancel has a call that is carried out elsewhere given up. It returns when that
// is done, lest a receive that nobody waits for take what is sent next.
func (p *peers) cancel(node, reply string, parts <-chan *nats.Msg) {
	p.conn.Publish(cluster.Subject(node, cancelKind), []byte(reply))
	select {
	case <-parts:
	case <-p.cluster.View().Changed():
	case <-time.After(handOver):
	}
}

// An answer travels in parts that fit in messages of the server, each with a
// byte in front.
const (
	lastPart    = 0
	partFollows = 1
	partRoom    = 1024 // for that byte, and what NATS adds
)

// What nodes tell each other about queues.
const (
	callKind   = "queue.call"
	cancelKind = "queue.cancel" // the call whose answer was to go there
)

// hear takes in what another node asks.
func (p *peers) hear(msg *nats.Msg) {
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
		p.set.log.Warn("a call of another node could not be read", "error", err)
		p.reply(msg.Reply, answer{err: err})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	ctx, cancel := context.WithCancel(p.base)
	p.running[msg.Reply] = running{c.From, cancel}
	p.work.Go(func() {
		defer func() {
			cancel()
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.running, msg.Reply)
		}()
		p.reply(msg.Reply, p.carryOut(ctx, c))
	})
}

// carryOut makes a call of another node here. It never passes it on: if this node
// does not own the queue either, the other one looks again.
func (p *peers) carryOut(ctx context.Context, c *call) answer {
	a := p.tryHere(ctx, c)
	switch fault.Of(a.failure()) {
	case fault.Canceled, fault.Timeout:
		// We gave the call up, for instance because its node was suspected for a
		// moment. Who canceled it there does not read this; who reads this did not
		// cancel it.
		return answer{err: c.lost("this node gave up a call to queue %s, and it may have been carried out", c.Queue.Name)}
	}
	return a
}

// failure is what kept the call as a whole from being carried out; an error of
// one of several handles is that of all of them when it is no answer to any.
func (a *answer) failure() error {
	if a.err == nil && len(a.errs) > 0 {
		return a.errs[0]
	}
	return a.err
}

// tryHere makes a call of another node if this node owns the queue.
func (p *peers) tryHere(ctx context.Context, c *call) answer {
	p.cluster.Seen(ctx, c.From)
	if c.Method == release {
		return answer{err: p.release(ctx, c)}
	}
	q, err := p.set.find(ctx, c.Queue, c.Source)
	if err != nil && p.set.open() != nil { // this node is leaving: it takes no queue in that it did not know
		err = errMoved
	}
	if err != nil {
		return answer{err: err}
	}
	if !q.settle(p.cluster.View()) {
		return answer{err: errMoved}
	}
	a := q.perform(ctx, c)
	if errors.Is(a.err, errClosed) { // this node is leaving
		a.err = errMoved
	}
	return a
}

// release lets go of a queue that another node owns now, once what is under way
// is answered.
func (p *peers) release(ctx context.Context, c *call) error {
	q, err := p.set.Get(c.Queue)
	if err != nil || q.source != c.Source || q.settle(p.cluster.View()) {
		return nil // it is not here, or that is a matter for the log to decide
	}
	q.mu.Lock()
	tenure := q.tenure
	q.mu.Unlock()
	if tenure == nil {
		return nil
	}
	select {
	case <-tenure:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takeOver asks who owned a queue before us to let go of it, so that nothing
// under way there is lost. Whether it answers or not, the log has the last word.
func (p *peers) takeOver(ctx context.Context, q *Queue) {
	before := p.cluster.View().Successor(q.source)
	if before == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, handOver)
	defer cancel()
	a := p.ask(ctx, before, &call{Method: release, Queue: q.id, Source: q.source, From: p.cluster.Self()})
	if a.err != nil {
		p.set.log.Info("the node that may have owned a queue did not let go of it", "queue", q.id.Name, "node", before, "error", a.err)
	}
}

func (p *peers) reply(to string, a answer) {
	data := a.encode()
	room := int(p.conn.MaxPayload()) - partRoom
	for {
		n := min(len(data), room)
		part := append(make([]byte, 0, n+1), lastPart)
		if n < len(data) {
			part[0] = partFollows
		}
		if err := p.conn.Publish(to, append(part, data[:n]...)); err != nil {
			p.set.log.Warn("another node could not be answered", "error", err)
			return
		}
		if data = data[n:]; len(data) == 0 {
			return
		}
	}
}
