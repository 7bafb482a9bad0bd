package jetqueue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	randv2 "math/rand/v2"

	"millrace/runtime/queue"
	"millrace/runtime/store/loss"
)

// A replay is what was made of a log: a machine of all that could be read, and
// what is missing.
type replay struct {
	machine     *queue.Machine
	first, last uint64
	mark        mark         // what the log was known to hold; zero when unknown
	gone        queue.Ranges // entries that are missing now, and were not before
	loss        *loss.Loss   // nil when nothing is missing
}

// replay reads the log. What is missing or damaged is left out, and named.
func (q *Queue) replay(ctx context.Context, l *log) (*replay, error) {
	first, last, err := l.bounds(ctx)
	if err != nil {
		return nil, err
	}
	var seed [32]byte
	rand.Read(seed[:]) // never fails
	m := queue.New(q.rules(), queue.Options{FIFO: q.id.FIFO(), Random: randv2.NewChaCha8(seed), Budget: q.set.budget})
	m.StartAt(last)
	r := &replay{machine: m, first: first, last: last, mark: q.set.marks.get(q.source)}
	var gaps queue.Ranges
	err = l.scan(ctx, first, last, func(seq uint64, entry []byte) error {
		err := q.redo(m, seq, entry)
		if errors.Is(err, queue.ErrDamagedEntry) && !errors.Is(err, queue.ErrUnknownVersion) {
			gaps.Add(seq, seq)
			return nil
		}
		return err
	}, gaps.Add)
	if err != nil {
		m.Discard()
		return nil, err
	}
	if len(gaps) > 0 && q.set.peers != nil {
		now, _, err := l.bounds(ctx)
		if err != nil || now > first { // the owner before us has purged what was being read
			m.Discard()
			if err != nil {
				return nil, err
			}
			return q.replay(ctx, l)
		}
	}
	m.StartAt(last) // also when the last entry is missing
	if front := max(m.FirstLiveEntry(), r.mark.base, 1); first > front {
		gaps = append(queue.Ranges{{From: front, To: first - 1}}, gaps...)
	}
	r.gone = gaps.Without(m.ReportedLosses())
	behind := r.mark.last > last || !r.mark.known && q.set.torn[l.stream]
	if len(r.gone) == 0 && !behind {
		return r, nil
	}
	if err := r.account(ctx, q, l, behind); err != nil {
		m.Discard()
		return nil, err
	}
	return r, nil
}

// redo does an entry again. Its contents are opened while there is room for
// them; without their key they stay in the log, for whoever receives them to see
// what is wrong with it.
func (q *Queue) redo(m *queue.Machine, seq uint64, entry []byte) error {
	e, err := queue.ReadEntry(entry)
	if err != nil {
		return err
	}
	var contents queue.Plaintext
	if !q.set.budget.Full(len(entry)) {
		if contents, err = q.read(&e); errors.Is(err, queue.ErrDamagedEntry) {
			return err
		}
	}
	return m.Replay(seq, e, contents)
}

// account goes through the log again, to name what was in the missing entries.
func (r *replay) account(ctx context.Context, q *Queue, l *log, behind bool) error {
	counts := max(r.machine.FirstLiveEntry(), r.mark.base) // entries below hold no message that is alive
	fresh := func(seq uint64) bool {
		return seq >= counts && len(queue.Ranges{{From: seq, To: seq}}.Without(r.gone)) == 0
	}
	a := queue.NewLossAudit()
	if len(r.gone) > 0 && r.gone[0].From < r.first && r.first > counts {
		a.MissingEntries()
	}
	err := l.scan(ctx, r.first, r.last, func(seq uint64, entry []byte) error {
		if e, err := queue.ReadEntry(entry); err == nil && !fresh(seq) {
			a.AddEntry(e)
		} else if fresh(seq) {
			a.MissingEntries()
		}
		return nil
	}, func(from, to uint64) {
		if fresh(to) {
			a.MissingEntries()
		}
	})
	if err != nil {
		return err
	}
	if behind {
		a.MissingEntries()
	}
	numbers := a.LostMessages(r.mark.next)
	messages := numbers.Len()
	if r.mark.known {
		messages = min(messages, uint64(r.mark.alive))
	}
	lost := &loss.Loss{Kind: loss.Queue, Name: q.id.ARN().String(), Messages: messages, Numbers: numbers.String()}
	entries := r.gone
	if behind && r.mark.known {
		entries = append(queue.Ranges{}, r.gone...)
		entries.Add(r.last+1, r.mark.last)
	}
	lost.Entries = entries.String()
	_, _, alive, _ := r.machine.Counters()
	// Messages that are here, and lost ones, make more than there were: deletes
	// are among what is lost.
	again := alive + int(lost.Messages) - r.mark.alive
	lost.AtMost = !r.mark.known || again != 0
	lost.What = fmt.Sprintf("%d entries of its log are missing or damaged, with %d messages", entries.Len(), lost.Messages)
	if behind && !r.mark.known {
		lost.What += "; and its end is cut short, by how much is not known"
	}
	switch {
	case !r.mark.known:
		lost.What += "; what else they said is not known: some of these may have been deleted before, and others that were may come again"
	case again > 0:
		lost.What += fmt.Sprintf("; %d deletes are among what is lost: so many of these were deleted before, or come again", again)
	}
	r.loss = lost
	return nil
}

// holds is the mark of the log as it was read, in which nothing is missing.
func (r *replay) holds() mark { return markOf(r.machine, r.last) }

// forgot tells whether entries that counted for nothing are lost, and with them
// which numbers were given.
func (r *replay) forgot() bool {
	next, burial, _, _ := r.machine.Counters()
	return r.mark.known && (r.mark.next > next || r.mark.burial > burial)
}

// unknownLeap is how far numbers leap when it is not known which were given.
const unknownLeap = 1 << 32

// resume has the machine go on behind everything that may have been told.
func (r *replay) resume(m *queue.Machine) {
	next, burial := r.mark.next, r.mark.burial
	if !r.mark.known {
		n, b, _, _ := m.Counters()
		next, burial = n+unknownLeap, b+unknownLeap
	}
	m.ResumeAfterLoss(next, burial, r.gone)
}
