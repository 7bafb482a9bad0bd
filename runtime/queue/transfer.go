package queue

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A pendingTransfer is a message on its way to another queue. Transfers are exactly
// once, whenever the process is killed. Three records do it: kindTransferring in
// this queue's log, kindSent in the target's log, and kindDeleted in this queue's
// log. A source numbers its transfers and sends them in that order; after a restart
// it sends again those without a kindDeleted. A target remembers the highest number
// that it accepted from each source, and drops a transfer whose number is not
// higher.
type pendingTransfer struct {
	seq    uint64
	target string // ARN
	asNew  bool   // a moved message: it arrives as a new one
	msg    *message
}

// A Transfer is a message on its way to another queue: a dead letter, or a message
// that is moved.
type Transfer struct {
	Seq           uint64 // rises by one with each transfer of the source queue
	Target        string // ARN of the queue that it goes to
	ID            [16]byte
	Number        uint64
	Content       Content // "" when it has to be read from the log entry Entry
	Entry         uint64
	Sent          time.Time     // by the wall clock, as is FirstReceived
	FirstReceived time.Time     `json:"First"`
	Age           time.Duration // since it was enqueued
	Receives      int
	AsNew         bool `json:"Fresh"` // arrives as a new message: with a new id, send time and receive count
}

// startTransfer sends a message to the dead-letter queue.
func (m *Machine) startTransfer(msg *message) {
	m.emit(record{kind: kindTransferring, number: msg.number, key: m.config.DeadLetter.Target.ARN().String(), transferSeq: m.lastTransfer + 1})
	m.batch.HasTransfers = true
}

// HasTransfers reports whether messages are on their way to other queues: work that
// the queue does without a caller.
func (m *Machine) HasTransfers() bool { return len(m.transfers) > 0 }

// A MoveRequest says to which queue a message is to move.
type MoveRequest struct {
	Number uint64
	Target string // ARN of a queue
}

// OldestVisible returns up to n visible messages in the order of their numbers:
// candidates for Move.
func (m *Machine) OldestVisible(n int) []Delivery {
	var all []Delivery
	for msg := range m.messages.all() {
		if len(all) == n {
			break
		}
		if msg.status == ready {
			all = append(all, m.newDelivery(msg))
		}
	}
	return all
}

// Move starts to move visible messages to other queues, where they arrive as new
// messages. It returns the numbers of those that move: a message that is no longer
// visible does not.
func (m *Machine) Move(all ...MoveRequest) (gone []uint64) {
	for _, v := range all {
		if msg := m.messages.get(v.Number); msg != nil && msg.status == ready {
			m.emit(record{kind: kindTransferring, number: v.Number, key: v.Target, transferSeq: m.lastTransfer + 1, flags: flagAsNew})
			m.batch.HasTransfers = true
			gone = append(gone, v.Number)
		}
	}
	return gone
}

// TransferProgress counts, of the given messages, those that are still on their way
// and those that came back.
func (m *Machine) TransferProgress(numbers []uint64) (leave, back int) {
	for _, number := range numbers {
		switch msg := m.messages.get(number); {
		case msg == nil:
		case msg.status == transferring:
			leave++
		default:
			back++
		}
	}
	return leave, back
}

func (m *Machine) applyTransferring(msg *message, r *record) {
	m.invalidateAttempt(msg)
	if msg.group != nil {
		m.dequeueGroup(msg.group)
	}
	m.removeFromQueues(msg, transferring)
	m.addTransfer(msg, r)
}

// addTransfer adds a message to the pending transfers, which are ordered by number.
func (m *Machine) addTransfer(msg *message, r *record) {
	m.lastTransfer = max(m.lastTransfer, r.transferSeq)
	t := &pendingTransfer{r.transferSeq, strings.Clone(r.key), r.flags&flagAsNew != 0, msg}
	i, _ := slices.BinarySearchFunc(m.transfers, t, func(a, t *pendingTransfer) int { return cmp.Compare(a.seq, t.seq) })
	m.transfers = slices.Insert(m.transfers, i, t)
}

// removeTransfer removes a message from the pending transfers, if it is among them.
func (m *Machine) removeTransfer(msg *message) {
	if msg.status != transferring {
		return
	}
	i := slices.IndexFunc(m.transfers, func(t *pendingTransfer) bool { return t.msg == msg })
	m.transfers = slices.Delete(m.transfers, i, i+1)
}

// PendingTransfers returns up to n transfers that are not complete, in their order.
func (m *Machine) PendingTransfers(n int) []Transfer {
	var all []Transfer
	for _, t := range m.transfers[:min(n, len(m.transfers))] {
		d := m.newDelivery(t.msg)
		all = append(all, Transfer{
			Seq: t.seq, Target: t.target, ID: d.ID, Number: d.Number, Content: d.Content, Entry: d.Entry,
			Sent: d.Sent, FirstReceived: d.FirstReceived, Age: d.Age, Receives: d.TotalReceives, AsNew: t.asNew,
		})
	}
	return all
}

// CompleteTransfer says that the target has stored the message: it is deleted here.
func (m *Machine) CompleteTransfer(number uint64) {
	if msg := m.messages.get(number); msg != nil && msg.status == transferring {
		m.emit(record{kind: kindDeleted, number: number})
	}
}

// RevertTransfer makes a message visible here again: its target does not exist.
func (m *Machine) RevertTransfer(number uint64) {
	if msg := m.messages.get(number); msg != nil && msg.status == transferring {
		m.emit(record{kind: kindReverted, number: number})
		m.serveWaiters()
	}
}

func (m *Machine) applyReverted(msg *message) {
	m.removeTransfer(msg)
	if msg.group != nil { // the group may have been removed in the meantime
		msg.group = m.groupOf(msg.group.id)
	} else if t := msg.tenant(); t != nil && m.tenants[t.id] != t {
		msg.delivery.tenant, msg.inSendOrder = m.tenantOf(t.id), false
	}
	m.setStatus(msg, ready)
	m.byAge.push(msg)
	m.makeAvailable(msg)
}

// AcceptTransfers stores messages that another queue transfers to this one, and
// drops those that it accepted before. sourceGeneration identifies that queue.
// Standard queues count retention from the original send, FIFO queues from now (SQS
// developer guide, dead-letter queues).
func (m *Machine) AcceptTransfers(source uint64, burials ...Transfer) {
	for _, b := range burials {
		if b.Seq <= m.lastTransfers[source] {
			continue
		}
		r := record{
			kind: kindSent, number: m.nextNumber, id: b.ID, content: b.Content, sentAt: b.Sent.UnixNano() - m.wallOffset, firstReceivedAt: b.FirstReceived.UnixNano(),
			priorReceives: uint64(b.Receives), sourceGeneration: source, transferSeq: b.Seq, group: fingerprintOf(b.Content.group()),
		}
		switch {
		case b.AsNew:
			r.id, r.sentAt, r.firstReceivedAt, r.priorReceives = m.newID(), m.now, 0, 0
		case m.fifo:
			r.enqueuedAt = m.now
		default: // retention counts the message's age, whatever the wall clock said at its send
			if at := m.now - int64(b.Age); at-r.sentAt <= -wallClockTolerance || wallClockTolerance <= at-r.sentAt {
				r.enqueuedAt = at
			}
		}
		m.emit(r)
	}
	m.serveWaiters()
}
