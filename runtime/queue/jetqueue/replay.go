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

// A logReplay is what came of reading a log: a machine with all that could be read,
// and what is missing.
type logReplay struct {
	machine      *queue.Machine
	first, last  uint64
	checkpoint   checkpoint   // what the log has to hold; zero when unknown
	newlyMissing queue.Ranges // entries whose loss was not reported before
	loss         *loss.Loss   // nil when nothing is missing
}

// replay reads the log. It leaves out what is missing or damaged, and describes it.
func (q *Queue) replay(ctx context.Context, l *queueLog) (*logReplay, error) {
	first, last, err := l.bounds(ctx)
	if err != nil {
		return nil, err
	}
	var seed [32]byte
	rand.Read(seed[:]) // never fails
	m := queue.New(q.machineConfig(), queue.Options{FIFO: q.id.FIFO(), Random: randv2.NewChaCha8(seed), Budget: q.queues.budget})
	m.StartAt(last)
	r := &logReplay{machine: m, first: first, last: last, checkpoint: q.queues.checkpoints.get(q.generation)}
	var gaps queue.Ranges
	err = l.scan(ctx, first, last, func(seq uint64, entry []byte) error {
		err := q.replayEntry(m, seq, entry)
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
	if len(gaps) > 0 && q.queues.router != nil {
		now, _, err := l.bounds(ctx)
		if err != nil || now > first { // the previous owner purged entries while they were read
			m.Discard()
			if err != nil {
				return nil, err
			}
			return q.replay(ctx, l)
		}
	}
	m.StartAt(last) // also when the last entry is missing
	if front := max(m.FirstLiveEntry(), r.checkpoint.firstLive, 1); first > front {
		gaps = append(queue.Ranges{{From: front, To: first - 1}}, gaps...)
	}
	r.newlyMissing = gaps.Without(m.ReportedLosses())
	behind := r.checkpoint.lastEntry > last || !r.checkpoint.known && q.queues.truncated[l.stream]
	if len(r.newlyMissing) == 0 && !behind {
		return r, nil
	}
	if err := r.describeLoss(ctx, q, l, behind); err != nil {
		m.Discard()
		return nil, err
	}
	return r, nil
}

// replayEntry applies an entry. Its contents are decrypted while the budget has
// room. Without their key they stay in the log: their receiver gets the key's error.
func (q *Queue) replayEntry(m *queue.Machine, seq uint64, entry []byte) error {
	e, err := queue.ReadEntry(entry)
	if err != nil {
		return err
	}
	var contents queue.Plaintext
	if !q.queues.budget.Full(len(entry)) {
		if contents, err = q.decrypt(&e); errors.Is(err, queue.ErrDamagedEntry) {
			return err
		}
	}
	return m.Replay(seq, e, contents)
}

// describeLoss reads the log again, to find out what was in the missing entries.
func (r *logReplay) describeLoss(ctx context.Context, q *Queue, l *queueLog, behind bool) error {
	counts := max(r.machine.FirstLiveEntry(), r.checkpoint.firstLive) // entries below hold nothing live
	fresh := func(seq uint64) bool {
		return seq >= counts && len(queue.Ranges{{From: seq, To: seq}}.Without(r.newlyMissing)) == 0
	}
	a := queue.NewLossAudit()
	if len(r.newlyMissing) > 0 && r.newlyMissing[0].From < r.first && r.first > counts {
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
	numbers := a.LostMessages(r.checkpoint.nextNumber)
	messages := numbers.Len()
	if r.checkpoint.known {
		messages = min(messages, uint64(r.checkpoint.messages))
	}
	lost := &loss.Loss{Kind: loss.Queue, Name: q.id.ARN().String(), Messages: messages, Numbers: numbers.String()}
	entries := r.newlyMissing
	if behind && r.checkpoint.known {
		entries = append(queue.Ranges{}, r.newlyMissing...)
		entries.Add(r.last+1, r.checkpoint.lastEntry)
	}
	lost.Entries = entries.String()
	_, _, alive, _ := r.machine.Counters()
	// More messages than there were, present and lost ones together, mean that
	// deletes were lost.
	again := alive + int(lost.Messages) - r.checkpoint.messages
	lost.AtMost = !r.checkpoint.known || again != 0
	lost.What = fmt.Sprintf("%d entries of its log are missing or damaged, with %d messages", entries.Len(), lost.Messages)
	if behind && !r.checkpoint.known {
		lost.What += "; and its end is cut short, by how much is not known"
	}
	switch {
	case !r.checkpoint.known:
		lost.What += "; what else they said is not known: some of these may have been deleted before, and others that were may come again"
	case again > 0:
		lost.What += fmt.Sprintf("; %d deletes are among what is lost: so many of these were deleted before, or come again", again)
	}
	r.loss = lost
	return nil
}

// currentCheckpoint is the checkpoint of the log as it was read.
func (r *logReplay) currentCheckpoint() checkpoint { return checkpointOf(r.machine, r.last) }

// hasLostCounters reports whether lost entries that held nothing live had given out
// numbers.
func (r *logReplay) hasLostCounters() bool {
	next, lastTransfer, _, _ := r.machine.Counters()
	return r.checkpoint.known && (r.checkpoint.nextNumber > next || r.checkpoint.lastTransfer > lastTransfer)
}

// unknownGap is how many numbers are skipped when it is unknown which were given
// out.
const unknownGap = 1 << 32

// resumeMachine has the machine go on behind all numbers that may have been given
// out.
func (r *logReplay) resumeMachine(m *queue.Machine) {
	next, lastTransfer := r.checkpoint.nextNumber, r.checkpoint.lastTransfer
	if !r.checkpoint.known {
		n, transfers, _, _ := m.Counters()
		next, lastTransfer = n+unknownGap, transfers+unknownGap
	}
	m.ResumeAfterLoss(next, lastTransfer, r.newlyMissing)
}
