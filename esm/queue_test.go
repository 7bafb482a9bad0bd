package esm_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"millrace/runtime/queue"
)

// memQueue is as much of a queue as a poller can tell from a real one: it hides
// what it hands out, locks FIFO groups, and wakes who waits.
type memQueue struct {
	mu       sync.Mutex
	config   queue.Config
	fifo     bool
	messages []*memMessage
	changed  chan struct{} // closed and replaced at each change
	receives int           // calls
	deleted  []string      // bodies, in order
	late     string        // a body that wins the race against the end of a receive
}

type memMessage struct {
	queue.ReceivedMessage
	visible time.Time
	handle  string
}

func newQueue(fifo bool) *memQueue {
	return &memQueue{config: queue.Config{Visibility: 30 * time.Second}, fifo: fifo, changed: make(chan struct{})}
}

func (q *memQueue) send(bodies ...string) {
	for _, b := range bodies {
		q.sendMessage(queue.Message{Body: b})
	}
}

func (q *memQueue) sendMessage(m queue.Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages = append(q.messages, &memMessage{
		ReceivedMessage: queue.ReceivedMessage{Message: m, MessageID: fmt.Sprintf("id-%.9s", m.Body), Sent: time.Now()},
		visible:         time.Now(),
	})
	q.wake()
}

func (q *memQueue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

func (q *memQueue) Config() queue.Config { return q.config }

func (q *memQueue) Receive(ctx context.Context, r queue.ReceiveRequest) ([]queue.ReceivedMessage, error) {
	q.mu.Lock()
	q.receives++
	q.mu.Unlock()
	var over <-chan time.Time
	if r.Wait != queue.Forever {
		over = time.After(r.Wait)
	}
	for {
		got, next, changed := q.take(r)
		if len(got) > 0 {
			return got, nil
		}
		var again <-chan time.Time
		if next > 0 {
			again = time.After(next)
		}
		select {
		case <-changed:
		case <-again:
		case <-over:
			return nil, nil
		case <-ctx.Done():
			if q.late == "" {
				return nil, ctx.Err()
			}
			q.send(q.late)
		}
	}
}

// take hands out what is visible, or says when something will be.
func (q *memQueue) take(r queue.ReceiveRequest) (got []queue.ReceivedMessage, next time.Duration, changed chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	hide := q.config.Visibility
	if r.Visibility != nil {
		hide = *r.Visibility
	}
	locked := map[string]bool{}
	for _, m := range q.messages {
		wait := time.Until(m.visible)
		if wait > 0 {
			locked[m.GroupID] = q.fifo
			if next == 0 || wait < next {
				next = wait
			}
		}
	}
	for _, m := range q.messages {
		if len(got) == r.Max || time.Until(m.visible) > 0 || locked[m.GroupID] {
			continue
		}
		m.Receives++
		if m.Receives == 1 {
			m.FirstReceived = time.Now()
		}
		m.visible = time.Now().Add(hide)
		m.handle = fmt.Sprintf("%s#%d", m.MessageID, m.Receives)
		m.ReceiptHandle = m.handle
		got = append(got, m.ReceivedMessage)
	}
	return got, next, q.changed
}

func (q *memQueue) Delete(_ context.Context, handles ...string) []error {
	q.mu.Lock()
	defer q.mu.Unlock()
	errs := make([]error, len(handles))
	for i, h := range handles {
		at := slices.IndexFunc(q.messages, func(m *memMessage) bool { return m.handle == h })
		if at < 0 {
			errs[i] = queue.ErrHandleExpired
			continue
		}
		q.deleted = append(q.deleted, q.messages[at].Body)
		q.messages = slices.Delete(q.messages, at, at+1)
	}
	q.wake()
	return errs
}

func (q *memQueue) ChangeVisibility(_ context.Context, changes ...queue.VisibilityChange) []error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range changes {
		for _, m := range q.messages {
			if m.handle == c.ReceiptHandle {
				m.visible = time.Now().Add(c.Timeout)
			}
		}
	}
	q.wake()
	return make([]error, len(changes))
}

// visible and gone list bodies: those to be had now, and those deleted.
func (q *memQueue) visible() (bodies []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		if time.Until(m.visible) <= 0 {
			bodies = append(bodies, m.Body)
		}
	}
	return bodies
}

func (q *memQueue) gone() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Sorted(slices.Values(q.deleted))
}

func (q *memQueue) calls() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.receives
}
