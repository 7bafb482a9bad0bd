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

// A Queue is one queue. Any number of goroutines may use it.
//
// Every method returns once its effect is stored. A context that ends stops the
// waiting, not the operation. Errors are fault.NotFound when the queue was deleted,
// and fault.Unavailable when the log could not be written or the queues are closed:
// then it is unknown whether the operation took place.
type Queue struct {
	id         queue.ID
	queues     *Queues
	generation uint64 // tells queues of the same name apart
	handles    queue.HandleCodec
	config     atomic.Pointer[queue.Config]
	configMu   sync.Mutex // held while config is reloaded
	reader     *queueLog  // for reads in the background
	contents   contentCache
	dataKeys   dataKeyCache

	mu            sync.Mutex // guards the fields up to progressed
	inbox         []*command
	inlineOwner   *owner        // callers run the rounds of this owner themselves; nil: they wake its goroutine
	hasOwner      bool          // see idle.go
	closeWhenIdle bool          // the owner ends unless there is more to do
	commandCount  uint64        // commands so far
	commandsSeen  uint64        // commandCount at the last look of closeIdleQueues
	closed        error         // the error for new commands; nil while open
	isElsewhere   bool          // another node owns the queue, or none
	lease         chan struct{} // closed when the lease ends; nil without one
	progressed    chan struct{} // closed when transfers complete; nil when no one waits

	pausedClock queue.Clock // of the last owner, which closed the idle queue

	wake    chan struct{} // there is a command, or the queue is closed
	stopped chan struct{} // closed when the queue is closed and its owner is gone

	// The owner's background work. ctx ends with the first call of close.
	ctx        context.Context
	cancel     context.CancelFunc
	background sync.WaitGroup
}

// A command is work for the owner of the queue.
type command struct {
	do       func(*queue.Machine) // called once, in a round of the owner
	size     int                  // bytes that it adds to the entry, at most
	done     chan error           // gets one value, once the effect is stored
	waiter   *queue.Waiter        // of a receive; while that waits, done gets nothing
	internal bool                 // no caller could be told that it is refused
}

// How large an entry may become, in bytes.
const (
	maxRecordBytes = 256     // of one record without contents, or of the receive of a waiter that it serves
	maxBatchBytes  = 1 << 20 // a batch ends at this size
)

// ID is the name of the queue.
func (q *Queue) ID() queue.ID { return q.id }

// Generation tells queues apart that had the same name one after the other.
func (q *Queue) Generation() uint64 { return q.generation }

// OwnedHere reports whether this node owns the queue, as far as it knows. A single
// runtime owns every queue.
func (q *Queue) OwnedHere() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.isElsewhere
}

// Config is the present configuration. Its maps must not be modified.
func (q *Queue) Config() queue.Config { return *q.config.Load() }

// configureLocal applies the configuration of the record.
func (q *Queue) configureLocal(ctx context.Context) error {
	return q.do(ctx, 0, func(m *queue.Machine) { m.Configure(q.machineConfig()) })
}

// machineConfig is the configuration for the machine: without retention when
// Options.KeepForever says so.
func (q *Queue) machineConfig() queue.Config {
	c := q.Config()
	if q.queues.keepForever {
		c.Retention = 0
	}
	return c
}

// reloadConfig reads the configuration from the queue's record.
func (q *Queue) reloadConfig() {
	q.configMu.Lock()
	defer q.configMu.Unlock()
	if r, ok := q.queues.table.Get(recordKey(q.id)); ok && r.Generation == q.generation {
		q.config.Store(&r.Config)
	}
}

func (q *Queue) sendLocal(ctx context.Context, messages ...queue.Message) ([]queue.SendResult, error) {
	if err := q.dataKeys.ensureKey(q.config.Load()); err != nil {
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
		size += drafts[i].Size() + maxRecordBytes
	}
	if err := q.queues.gate.Admit(size); err != nil {
		q.queues.reclaimSpace()
		return nil, err
	}
	var results []queue.DraftResult
	if err := q.do(ctx, size, func(m *queue.Machine) { results = m.Send(drafts...) }); err != nil {
		return nil, err
	}
	sent := make([]queue.SendResult, len(results))
	for i, p := range results {
		if sent[i].Duplicate = p.Duplicate; p.Number != 0 {
			sent[i].MessageID, sent[i].SequenceNumber = messageID(p.ID), q.sequence(p.Number)
		}
	}
	return sent, nil
}

func messageID(id [16]byte) string { return uuid.UUID(id).String() }

// sequence formats a message's number as SQS does: twenty digits, rising.
func (q *Queue) sequence(number uint64) string {
	if !q.id.FIFO() {
		return ""
	}
	return strconv.FormatUint(1e19+number, 10)
}

func (q *Queue) receiveLocal(ctx context.Context, r queue.ReceiveRequest) ([]queue.ReceivedMessage, error) {
	if err := q.dataKeys.ensureKey(q.config.Load()); err != nil {
		return nil, err
	}
	answer := make(chan error, 1)
	w := &queue.Waiter{Token: answer}
	c := &command{size: maxRecordBytes * (r.Max + 1), do: func(m *queue.Machine) { m.Receive(w, r) }, done: make(chan error, 1), waiter: w}
	if err := q.submit(c); err != nil {
		return nil, err
	}
	for {
		select {
		case err := <-c.done: // nil while the receive waits; an error when it is refused
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
			return q.receivedMessages(ctx, w.Deliveries)
		case <-ctx.Done():
			q.submit(&command{size: c.size, internal: true, do: func(m *queue.Machine) { m.CancelReceive(w) }, done: make(chan error, 1)})
			return nil, ctx.Err()
		}
	}
}

func (q *Queue) receivedMessages(ctx context.Context, deliveries []queue.Delivery) ([]queue.ReceivedMessage, error) {
	if err := q.loadContents(ctx, deliveries); err != nil {
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
	q.finishBodies(all)
	return all, nil
}

// loadContents reads the contents that are not in memory, and checks that the keys
// of all contents still work.
func (q *Queue) loadContents(ctx context.Context, deliveries []queue.Delivery) error {
	works := ""
	for i := range deliveries {
		d := &deliveries[i]
		if d.Content == "" {
			c, err := q.loadContent(ctx, d.Entry, d.Number)
			if err != nil {
				return fault.Wrap(fault.Unavailable, err, "reading message %d of %s", d.Number, q.id.Name)
			}
			d.Content, d.KeyName = c.Content, c.keyName
		}
		if d.KeyName != works {
			if _, err := q.dataKeys.decryptionKeyFor(d.KeyName, q.config.Load()); err != nil {
				return err
			}
			works = d.KeyName
		}
	}
	return nil
}

func (q *Queue) deleteLocal(ctx context.Context, handles ...string) []error {
	return q.doForHandles(ctx, len(handles), func(i int) string { return handles[i] },
		func(m *queue.Machine, i int, r queue.Receipt) error { return m.Delete(r) })
}

func (q *Queue) changeVisibilityLocal(ctx context.Context, changes ...queue.VisibilityChange) []error {
	return q.doForHandles(ctx, len(changes), func(i int) string { return changes[i].ReceiptHandle },
		func(m *queue.Machine, i int, r queue.Receipt) error { return m.ChangeVisibility(r, changes[i].Timeout) })
}

// doForHandles runs do for each of n receipt handles, in one command.
func (q *Queue) doForHandles(ctx context.Context, n int, handle func(int) string, do func(*queue.Machine, int, queue.Receipt) error) []error {
	errs := make([]error, n)
	refs := make([]queue.Receipt, n)
	for i := range refs {
		number, delivery, ok := q.handles.Decode(handle(i))
		if ok {
			refs[i] = queue.Receipt{Number: number, ReceiveCount: delivery}
		}
	}
	err := q.do(ctx, n*maxRecordBytes, func(m *queue.Machine) {
		for i, r := range refs {
			if errs[i] = queue.ErrInvalidHandle; r.Number != 0 {
				errs[i] = do(m, i, r)
			}
		}
	})
	if err != nil { // the command may still write to errs
		return slices.Repeat([]error{err}, n)
	}
	return errs
}

func (q *Queue) purgeLocal(ctx context.Context) error {
	return q.do(ctx, maxRecordBytes, (*queue.Machine).Purge)
}

func (q *Queue) countsLocal(ctx context.Context) (queue.Counts, error) {
	var c queue.Counts
	if q.isEmptyUnopened() {
		return c, nil
	}
	if err := q.do(ctx, 0, func(m *queue.Machine) { c = m.Counts() }); err != nil {
		return queue.Counts{}, err
	}
	return c, nil
}

func (q *Queue) metricsLocal(ctx context.Context) (queue.Metrics, error) {
	var all queue.Metrics
	if err := q.do(ctx, 0, func(m *queue.Machine) { all = m.Metrics() }); err != nil {
		return queue.Metrics{}, err
	}
	return all, nil
}

func (q *Queue) peekLocal(ctx context.Context, r queue.PeekRequest) ([]queue.PeekedMessage, error) {
	var seen []queue.PeekedDelivery
	if err := q.do(ctx, 0, func(m *queue.Machine) { seen = m.Peek(r) }); err != nil {
		return nil, err
	}
	deliveries := make([]queue.Delivery, len(seen))
	for i, s := range seen {
		deliveries[i] = s.Delivery
	}
	received, err := q.receivedMessages(ctx, deliveries)
	if err != nil {
		return nil, err
	}
	all := make([]queue.PeekedMessage, len(seen))
	for i, s := range seen {
		received[i].ReceiptHandle = "" // the handle would be the last receiver's
		all[i] = queue.PeekedMessage{ReceivedMessage: received[i], State: s.State, VisibleAt: s.VisibleAt}
	}
	return all, nil
}

func (q *Queue) acceptTransfersLocal(ctx context.Context, generation uint64, transfers []queue.Transfer) error {
	if err := q.dataKeys.ensureKey(q.config.Load()); err != nil {
		return err
	}
	size := 0
	for _, b := range transfers {
		size += len(b.Content) + maxRecordBytes
	}
	if err := q.queues.moveLimit.Admit(size); err != nil {
		return err
	}
	return q.do(ctx, size, func(m *queue.Machine) { m.AcceptTransfers(generation, transfers...) })
}

// do runs a command and waits until its effect is stored.
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
	if room := q.queues.maxEntry; c.size > room {
		return fault.New(fault.TooLarge,
			"%d bytes do not fit in one entry of the log: the NATS server takes %d, raise its max_payload", c.size, room)
	}
	if c.size > 0 {
		if err := q.queues.storage.BeforeWrite(); err != nil {
			return err
		}
	}
	o, err := q.enqueue(c)
	switch {
	case err != nil:
		return err
	case o != nil:
		o.tryStep()
	default:
		q.wakeOwner()
	}
	return nil
}

// enqueue adds a command to the inbox. It returns the owner when the caller is to
// call its tryStep.
func (q *Queue) enqueue(c *command) (*owner, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed != nil {
		return nil, q.closed
	}
	if q.isElsewhere {
		return nil, errMoved
	}
	if !q.startLocked() {
		return nil, errClosed
	}
	q.commandCount++
	q.closeWhenIdle = false
	q.inbox = append(q.inbox, c)
	return q.inlineOwner, nil
}

// enqueueInternal adds a command of the owner itself, which no caller waits for.
func (q *Queue) enqueueInternal(size int, do func(*queue.Machine)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.startLocked() {
		return
	}
	q.closeWhenIdle = false
	q.inbox = append(q.inbox, &command{do: do, size: size, internal: true, done: make(chan error, 1)})
	q.wakeOwner()
}

// enqueueFirst is enqueueInternal, before all commands that wait.
func (q *Queue) enqueueFirst(do func(*queue.Machine)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.inbox = slices.Insert(q.inbox, 0, &command{do: do, internal: true, done: make(chan error, 1)})
	q.wakeOwner()
}

func (q *Queue) wakeOwner() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// close closes the queue: commands in the inbox are still carried out, new commands
// and waiting receives get reason. It returns when the owner is gone.
func (q *Queue) close(ctx context.Context, reason error) error {
	q.beginClose(reason)
	select {
	case <-q.stopped:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// beginClose is close without the waiting.
func (q *Queue) beginClose(reason error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed == nil {
		q.closed = reason
		q.cancel()
		if !q.hasOwner {
			close(q.stopped)
		}
	}
	q.wakeOwner()
}
