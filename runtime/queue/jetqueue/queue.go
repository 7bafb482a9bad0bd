package jetqueue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// A Queue is one queue, for any number of goroutines.
//
// Every method returns once what it did is stored. A context that ends stops
// the waiting, not what was begun. Errors are fault.NotFound when the queue was
// deleted, and fault.Unavailable when the log could not be written or the queues
// were closed: then the command may have happened or not.
type Queue struct {
	id      queue.ID
	set     *Queues
	source  uint64 // this incarnation, for dead letters
	handles queue.HandleCodec
	config  atomic.Pointer[queue.Config]
	setting sync.Mutex // held while config is stored
	reader  *log       // reads only
	pages   pages
	safe    safe

	mu      sync.Mutex // guards what follows, up to arrived
	inbox   []*command
	open    *owner        // whose turns callers take themselves; nil while they wake it
	runs    bool          // there is an owner; see rest.go
	tired   bool          // it ends unless there is more to do
	used    uint64        // how many commands there were
	seen    uint64        // and when it was last looked whether the queue is used
	closed  error         // why there are no more commands; nil while open
	away    bool          // another node owns the queue, or nobody does
	tenure  chan struct{} // closed when the owner lets go; nil while there is none
	arrived chan struct{} // closed when messages have arrived elsewhere; nil when nobody waits for it

	paused queue.Clock // of the owner before, which went to rest

	wake  chan struct{} // the inbox is not empty, or closed
	ended chan struct{} // closed when the owner is gone

	// For what the owner has others do: it ends with the first call of close.
	ctx    context.Context
	cancel context.CancelFunc
	others sync.WaitGroup
}

// A command is work for the owner of the queue.
type command struct {
	do     func(*queue.Machine) // runs in a turn of the owner, once
	size   int                  // what it adds to the entry, at most
	done   chan error           // gets one value, once what it did is stored
	waiter *queue.Waiter        // of a receive; when that waits on, done gets nothing
	own    bool                 // nobody can be told that it is refused
}

// What records take in an entry, at most, beside their contents.
const (
	recordRoom = 256     // any record, and the receive of a waiter it serves
	entryRoom  = 1 << 20 // a group is closed when it has so much
)

// ID is the name of the queue.
func (q *Queue) ID() queue.ID { return q.id }

// Generation tells apart queues that had the same name one after the other.
func (q *Queue) Generation() uint64 { return q.source }

// OwnedHere tells that this node owns the queue, as far as it knows. A runtime by
// itself owns every queue.
func (q *Queue) OwnedHere() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.away
}

// Config is the present configuration. Its maps must not be changed.
func (q *Queue) Config() queue.Config { return *q.config.Load() }

// configureHere applies what the record says.
func (q *Queue) configureHere(ctx context.Context) error {
	return q.do(ctx, 0, func(m *queue.Machine) { m.Configure(q.rules()) })
}

// rules is the configuration as the machine is to follow it.
func (q *Queue) rules() queue.Config {
	c := q.Config()
	if q.set.forever {
		c.Retention = 0
	}
	return c
}

// adopt takes the configuration over from the record.
func (q *Queue) adopt() {
	q.setting.Lock()
	defer q.setting.Unlock()
	if r, ok := q.set.table.Get(key(q.id)); ok && r.Source == q.source {
		q.config.Store(&r.Config)
	}
}

func (q *Queue) sendHere(ctx context.Context, messages ...queue.Message) ([]queue.SendResult, error) {
	if err := q.safe.prepare(q.config.Load()); err != nil {
		return nil, err
	}
	drafts := make([]queue.Draft, len(messages))
	size := 0
	for i := range messages {
		msg := &messages[i]
		if msg.DedupID == "" && q.id.FIFO() && q.config.Load().ContentDedup {
			sum := sha256.Sum256([]byte(msg.Body))
			withID := *msg
			withID.DedupID = hex.EncodeToString(sum[:])
			msg = &withID
		}
		drafts[i] = queue.NewDraft(msg)
		size += drafts[i].Size() + recordRoom
	}
	if err := q.set.gate.Admit(size); err != nil {
		q.set.squeeze()
		return nil, err
	}
	var placed []queue.DraftResult
	if err := q.do(ctx, size, func(m *queue.Machine) { placed = m.Send(drafts...) }); err != nil {
		return nil, err
	}
	sent := make([]queue.SendResult, len(placed))
	for i, p := range placed {
		sent[i] = queue.SendResult{MessageID: messageID(p.ID), SequenceNumber: q.sequence(p.Number), Duplicate: p.Duplicate}
	}
	return sent, nil
}

func messageID(id [16]byte) string { return uuid.UUID(id).String() }

// sequence is a message's number as SQS shows it: twenty digits, rising.
func (q *Queue) sequence(number uint64) string {
	if !q.id.FIFO() {
		return ""
	}
	return strconv.FormatUint(1e19+number, 10)
}

func (q *Queue) receiveHere(ctx context.Context, r queue.ReceiveRequest) ([]queue.ReceivedMessage, error) {
	if err := q.safe.prepare(q.config.Load()); err != nil {
		return nil, err
	}
	answer := make(chan error, 1)
	w := &queue.Waiter{Token: answer}
	c := &command{size: recordRoom * (r.Max + 1), do: func(m *queue.Machine) { m.Receive(w, r) }, done: make(chan error, 1), waiter: w}
	if err := q.submit(c); err != nil {
		return nil, err
	}
	for {
		select {
		case err := <-c.done: // only says that it waits, or that it never will
			if err != nil {
				return nil, err
			}
		case err := <-answer:
			if err == nil {
				err = w.Err
			}
			if err != nil {
				return nil, err
			}
			return q.received(ctx, w.Deliveries)
		case <-ctx.Done():
			q.submit(&command{size: c.size, own: true, do: func(m *queue.Machine) { m.CancelReceive(w) }, done: make(chan error, 1)})
			return nil, ctx.Err()
		}
	}
}

func (q *Queue) received(ctx context.Context, deliveries []queue.Delivery) ([]queue.ReceivedMessage, error) {
	if err := q.contents(ctx, deliveries); err != nil {
		return nil, err
	}
	all := make([]queue.ReceivedMessage, len(deliveries))
	for i, d := range deliveries {
		msg, from, err := d.Content.Unpack()
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "message %d of %s", d.Number, q.id.Name)
		}
		all[i] = queue.ReceivedMessage{
			Message: msg, MessageID: messageID(d.ID), ReceiptHandle: q.handles.Encode(d.Number, d.ReceiveCount),
			SequenceNumber: q.sequence(d.Number), Sent: d.Sent, FirstReceived: d.FirstReceived, Age: d.Age, Receives: d.TotalReceives,
			DeadLetterSource: from,
		}
	}
	return all, nil
}

// contents reads the contents that the budget had no room for, and makes sure
// that the keys of all of them still work.
func (q *Queue) contents(ctx context.Context, deliveries []queue.Delivery) error {
	works := ""
	for i := range deliveries {
		d := &deliveries[i]
		if d.Content == "" {
			c, err := q.content(ctx, d.Entry, d.Number)
			if err != nil {
				return fault.Wrap(fault.Unavailable, err, "reading message %d of %s", d.Number, q.id.Name)
			}
			d.Content, d.KeyName = c.Content, c.key
		}
		if d.KeyName != works {
			if _, err := q.safe.open(d.KeyName, q.config.Load()); err != nil {
				return err
			}
			works = d.KeyName
		}
	}
	return nil
}

func (q *Queue) deleteHere(ctx context.Context, handles ...string) []error {
	return q.each(ctx, len(handles), func(i int) string { return handles[i] },
		func(m *queue.Machine, i int, r queue.Receipt) error { return m.Delete(r) })
}

func (q *Queue) changeVisibilityHere(ctx context.Context, changes ...queue.VisibilityChange) []error {
	return q.each(ctx, len(changes), func(i int) string { return changes[i].ReceiptHandle },
		func(m *queue.Machine, i int, r queue.Receipt) error { return m.ChangeVisibility(r, changes[i].Timeout) })
}

// each runs one command for n receipt handles.
func (q *Queue) each(ctx context.Context, n int, handle func(int) string, do func(*queue.Machine, int, queue.Receipt) error) []error {
	errs := make([]error, n)
	refs := make([]queue.Receipt, n)
	for i := range refs {
		number, delivery, ok := q.handles.Decode(handle(i))
		if ok {
			refs[i] = queue.Receipt{Number: number, ReceiveCount: delivery}
		}
	}
	err := q.do(ctx, n*recordRoom, func(m *queue.Machine) {
		for i, r := range refs {
			if errs[i] = queue.ErrInvalidHandle; r.Number != 0 {
				errs[i] = do(m, i, r)
			}
		}
	})
	if err != nil { // errs may still be written to
		return slices.Repeat([]error{err}, n)
	}
	return errs
}

func (q *Queue) purgeHere(ctx context.Context) error {
	return q.do(ctx, recordRoom, (*queue.Machine).Purge)
}

func (q *Queue) countsHere(ctx context.Context) (queue.Counts, error) {
	var c queue.Counts
	if q.empty() {
		return c, nil
	}
	if err := q.do(ctx, 0, func(m *queue.Machine) { c = m.Counts() }); err != nil {
		return queue.Counts{}, err
	}
	return c, nil
}

func (q *Queue) metricsHere(ctx context.Context) (queue.Metrics, error) {
	var all queue.Metrics
	if err := q.do(ctx, 0, func(m *queue.Machine) { all = m.Metrics() }); err != nil {
		return queue.Metrics{}, err
	}
	return all, nil
}

func (q *Queue) peekHere(ctx context.Context, r queue.PeekRequest) ([]queue.PeekedMessage, error) {
	var seen []queue.PeekedDelivery
	if err := q.do(ctx, 0, func(m *queue.Machine) { seen = m.Peek(r) }); err != nil {
		return nil, err
	}
	deliveries := make([]queue.Delivery, len(seen))
	for i, s := range seen {
		deliveries[i] = s.Delivery
	}
	received, err := q.received(ctx, deliveries)
	if err != nil {
		return nil, err
	}
	all := make([]queue.PeekedMessage, len(seen))
	for i, s := range seen {
		received[i].ReceiptHandle = "" // it would be the one of the last receiver
		all[i] = queue.PeekedMessage{ReceivedMessage: received[i], State: s.State, VisibleAt: s.VisibleAt}
	}
	return all, nil
}

func (q *Queue) arriveHere(ctx context.Context, source uint64, burials []queue.Transfer) error {
	if err := q.safe.prepare(q.config.Load()); err != nil {
		return err
	}
	size := 0
	for _, b := range burials {
		size += len(b.Content) + recordRoom
	}
	if err := q.set.moves.Admit(size); err != nil {
		return err
	}
	return q.do(ctx, size, func(m *queue.Machine) { m.AcceptTransfers(source, burials...) })
}

// do runs a command and waits until what it did is stored.
func (q *Queue) do(ctx context.Context, size int, do func(*queue.Machine)) error {
	c := &command{do: do, size: size, done: make(chan error, 1)}
	if err := q.submit(c); err != nil {
		return err
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *Queue) submit(c *command) error {
	if room := q.set.maxEntry; c.size > room {
		return fault.New(fault.TooLarge,
			"%d bytes do not fit in one entry of the log: the NATS server takes %d, raise its max_payload", c.size, room)
	}
	if c.size > 0 {
		if err := q.set.intact.begin(); err != nil {
			return err
		}
	}
	o, err := q.push(c)
	switch {
	case err != nil:
		return err
	case o != nil:
		o.advance()
	default:
		q.signal()
	}
	return nil
}

// push has a command wait, and returns the owner if that is for who comes to advance.
func (q *Queue) push(c *command) (*owner, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed != nil {
		return nil, q.closed
	}
	if q.away {
		return nil, errMoved
	}
	q.startLocked()
	q.used++
	q.tired = false
	q.inbox = append(q.inbox, c)
	return q.open, nil
}

// internal hands the owner a command of its own, which no caller waits for.
func (q *Queue) internal(size int, do func(*queue.Machine)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.startLocked()
	q.tired = false
	q.inbox = append(q.inbox, &command{do: do, size: size, own: true, done: make(chan error, 1)})
	q.signal()
}

// first is internal, before all that waits.
func (q *Queue) first(do func(*queue.Machine)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.inbox = slices.Insert(q.inbox, 0, &command{do: do, own: true, done: make(chan error, 1)})
	q.signal()
}

func (q *Queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// close ends the queue: commands that are there are still carried out, new ones
// and waiting receives get the reason. It returns when the owner is gone.
func (q *Queue) close(ctx context.Context, reason error) error {
	q.shut(reason)
	select {
	case <-q.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// shut begins to close the queue.
func (q *Queue) shut(reason error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed == nil {
		q.closed = reason
		q.cancel()
		if !q.runs {
			close(q.ended)
		}
	}
	q.signal()
}
