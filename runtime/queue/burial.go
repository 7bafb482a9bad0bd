package queue

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Burials move dead letters exactly once, whenever the process is killed. Three
// records do it: burying, in this queue's log; the message itself, in the
// target's log; gone, in this one's again. A source numbers its burials and
// sends them in that order, and again after a restart as long as it has not
// written gone; a target remembers the highest number it took from each source
// and drops what is not beyond it.
type burial struct {
	seq    uint64
	target string // ARN
	fresh  bool   // moved by a task: it arrives as a new message
	o      *message
}

// A Transfer is a message on its way to a dead-letter queue.
type Transfer struct {
	Seq           uint64 // per source, rising
	Target        string // the ARN of the dead-letter queue
	ID            [16]byte
	Number        uint64
	Content       Content // "" when it has to be read from Entry
	Entry         uint64
	Sent          time.Time     // by the wall clock, and so is First
	FirstReceived time.Time     `json:"First"`
	Age           time.Duration // since it was enqueued
	Receives      int
	AsNew         bool `json:"Fresh"` // arrives as a new message: with an id, a send time and a receive count of its own
}

// startBurial sends a message that pick took on its way.
func (m *Machine) startBurial(o *message) {
	m.emit(record{kind: burying, number: o.number, key: m.config.DeadLetter.Target.ARN().String(), burial: m.burial + 1})
	m.group.HasTransfers = true
}

// A MoveRequest says where a message is to go.
type MoveRequest struct {
	Number uint64
	Target string // ARN of a queue
}

// OldestVisible returns up to n visible messages in the order in which they came: those
// that Move can take.
func (m *Machine) OldestVisible(n int) []Delivery {
	var all []Delivery
	for o := range m.messages.all() {
		if len(all) == n {
			break
		}
		if o.state == ready {
			all = append(all, m.delivery(o))
		}
	}
	return all
}

// Move sends visible messages on their way to other queues, where they arrive as
// new ones. It returns the numbers of those that go: one that was received or
// deleted since it was looked at stays out.
func (m *Machine) Move(all ...MoveRequest) (gone []uint64) {
	for _, v := range all {
		if o := m.messages.at(v.Number); o != nil && o.state == ready {
			m.emit(record{kind: burying, number: v.Number, key: v.Target, burial: m.burial + 1, flags: flagFresh})
			m.group.HasTransfers = true
			gone = append(gone, v.Number)
		}
	}
	return gone
}

// TransferProgress counts those of the given messages that are still on their way, and
// those that came back.
func (m *Machine) TransferProgress(numbers []uint64) (leave, back int) {
	for _, number := range numbers {
		switch o := m.messages.at(number); {
		case o == nil:
		case o.state == leaving:
			leave++
		default:
			back++
		}
	}
	return leave, back
}

func (m *Machine) applyBurying(o *message, r *record) {
	m.breakAttempt(o)
	if o.group != nil {
		m.unqueue(o.group)
	}
	m.leave(o, leaving)
	m.depart(o, r)
}

// depart puts a message that is leaving on the list.
func (m *Machine) depart(o *message, r *record) {
	m.burial = max(m.burial, r.burial)
	b := &burial{r.burial, strings.Clone(r.key), r.flags&flagFresh != 0, o}
	i, _ := slices.BinarySearchFunc(m.leaving, b, func(a, b *burial) int { return cmp.Compare(a.seq, b.seq) })
	m.leaving = slices.Insert(m.leaving, i, b)
}

// endBurial takes a message off the list, if it is there.
func (m *Machine) endBurial(o *message) {
	if o.state != leaving {
		return
	}
	i := slices.IndexFunc(m.leaving, func(b *burial) bool { return b.o == o })
	m.leaving = slices.Delete(m.leaving, i, i+1)
}

// PendingTransfers returns up to n burials that have not ended, in their order.
func (m *Machine) PendingTransfers(n int) []Transfer {
	var all []Transfer
	for _, b := range m.leaving[:min(n, len(m.leaving))] {
		d := m.delivery(b.o)
		all = append(all, Transfer{
			Seq: b.seq, Target: b.target, ID: d.ID, Number: d.Number, Content: d.Content, Entry: d.Entry,
			Sent: d.Sent, FirstReceived: d.FirstReceived, Age: d.Age, Receives: d.TotalReceives, AsNew: b.fresh,
		})
	}
	return all
}

// CompleteTransfer says that a message arrived.
func (m *Machine) CompleteTransfer(number uint64) {
	if o := m.messages.at(number); o != nil && o.state == leaving {
		m.emit(record{kind: gone, number: number})
	}
}

// RevertTransfer takes a message back: its dead-letter queue is not there anymore.
func (m *Machine) RevertTransfer(number uint64) {
	if o := m.messages.at(number); o != nil && o.state == leaving {
		m.emit(record{kind: unburied, number: number})
		m.serve()
	}
}

func (m *Machine) applyUnburied(o *message) {
	m.endBurial(o)
	if o.group != nil { // it may have ended in between
		o.group = m.groupOf(o.group.name)
	} else if t := o.tenant(); t != nil && m.tenants[t.name] != t {
		o.life.tenant, o.inLine = m.tenantOf(t.name), false
	}
	m.become(o, ready)
	m.age.push(o)
	m.offer(o)
}

// AcceptTransfers takes in what source buried here, and drops what it took before.
// Standard queues count the retention from the original send, FIFO queues from
// now (SQS developer guide, dead-letter queues).
func (m *Machine) AcceptTransfers(source uint64, burials ...Transfer) {
	for _, b := range burials {
		if b.Seq <= m.heard[source] {
			continue
		}
		r := record{
			kind: sent, number: m.next, id: b.ID, content: b.Content, sent: b.Sent.UnixNano() - m.offset, first: b.FirstReceived.UnixNano(),
			carried: uint64(b.Receives), source: source, burial: b.Seq, group: printOf(b.Content.group()),
		}
		switch {
		case b.AsNew:
			r.id, r.sent, r.first, r.carried = m.newID(), m.now, 0, 0
		case m.fifo:
			r.enqueued = m.now
		default: // its age counts, whatever the wall clock said when it was sent
			if at := m.now - int64(b.Age); at-r.sent <= -slack || slack <= at-r.sent {
				r.enqueued = at
			}
		}
		m.emit(r)
	}
	m.serve()
}
