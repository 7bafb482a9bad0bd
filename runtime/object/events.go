package object

import (
	"cmp"
	"slices"
	"strings"

	"millrace/runtime/object/checksum"
	"millrace/runtime/object/notify"
)

// A pendingEvent waits to be handed over. Its data is an event as notify stores it.
type pendingEvent struct {
	number uint64
	entry  uint64 // that has it
	data   string
}

// A PendingEvent is an event that waits to be handed over. Numbers rise in the order in
// which the changes took place.
type PendingEvent struct {
	Number uint64
	Event  notify.Event
}

// Pending returns the oldest events behind a number that wait to be handed over, at most
// limit. It passes over those that it cannot read: another version of the runtime wrote them.
func (m *Machine) Pending(after uint64, limit int) (all []PendingEvent) {
	from, found := m.findEvent(after)
	if found {
		from++
	}
	waiting := m.pending[from:]
	for _, p := range waiting[:min(limit, len(waiting))] {
		if e, err := notify.ParseEvent([]byte(p.data)); err == nil {
			all = append(all, PendingEvent{p.number, e})
		}
	}
	return all
}

// findEvent returns where an event is among those that wait, or would be.
func (m *Machine) findEvent(number uint64) (int, bool) {
	return slices.BinarySearchFunc(m.pending, number, func(p pendingEvent, n uint64) int { return cmp.Compare(p.number, n) })
}

// PendingLen is how many events wait to be handed over.
func (m *Machine) PendingLen() int { return len(m.pending) }

// A HandedOver says that the events up to a number have been handed over. What is lost
// with it is handed over again.
type HandedOver struct {
	UpTo uint64

	Outcome
}

func (c *HandedOver) conflicts(*Batch) bool { return false }

func (c *HandedOver) decide(b *Batch) error {
	if c.UpTo > b.handedOver {
		b.handedOver = c.UpTo
		b.emit(record{kind: kindHandedOver, number: c.UpTo}, nil)
	}
	return nil
}

func (a *applying) applyHandedOver(upTo uint64) {
	a.handedOver = max(a.handedOver, upTo)
	n := 0
	for n < len(a.pending) && a.pending[n].number <= upTo {
		a.holdEvent(a.pending[n], -1)
		n++
	}
	if a.pending = a.pending[n:]; len(a.pending) == 0 {
		a.pending = nil
	}
}

func (a *applying) applyEvent(r *record) {
	if r.number <= a.handedOver {
		return
	}
	a.lastEvent = max(a.lastEvent, r.number)
	p := pendingEvent{r.number, a.seq, strings.Clone(r.rest)}
	i, moved := a.findEvent(p.number)
	if moved {
		a.holdEvent(a.pending[i], -1)
		a.pending[i] = p
	} else {
		a.pending = slices.Insert(a.pending, i, p)
		a.effects.Events++
	}
	a.holdEvent(p, +1)
}

func (m *Machine) holdEvent(p pendingEvent, sign int) {
	m.log.add(p.entry, sign*(len(p.data)+recordOverhead))
}

func (b *Batch) announceCreated(t notify.Type, o *Object, by By) {
	b.announce(t, o, o.Number, by)
}

func (b *Batch) announceRemoved(t notify.Type, o Object, sequencer uint64, by By) {
	b.announce(t, &o, sequencer, by)
}

func (b *Batch) announceTagging(t notify.Type, o *Object, by By) { b.announce(t, o, 0, by) }

// announce writes an event for each destination that wants it.
func (b *Batch) announce(t notify.Type, o *Object, sequencer uint64, by By) {
	for _, to := range b.env.Matcher.Match(t, o.Key) {
		e := notify.Event{
			Type: t, Time: b.env.Now, Region: b.env.Region, Bucket: b.env.Bucket, Account: b.env.Account,
			Key: o.Key, Size: o.Size, Sequencer: sequencer,
			Caller: by.Caller, SourceIP: by.SourceIP, RequestID: by.RequestID, HostID: by.HostID,
			Configuration: to.ID, Destination: to.ARN, TraceHeader: by.TraceHeader, TraceParent: by.TraceParent,
		}
		if o.ETag != (checksum.ETag{}) {
			e.ETag = o.ETag.String()
		}
		if b.env.Versioning != Unversioned {
			e.VersionID = b.m.VersionID(*o)
		}
		b.lastEvent++
		b.emit(record{kind: kindEvent, number: b.lastEvent, rest: string(e.Append(nil))}, nil)
	}
}
