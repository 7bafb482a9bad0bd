package topic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/store/keys"
	"millrace/runtime/telemetry"
	"millrace/runtime/topic/audience"
	"millrace/runtime/topic/fifo"
)

// scopeMessageGroup is the FifoThroughputScope in which each message group has
// deduplication ids of its own.
const scopeMessageGroup = "MessageGroup"

// publishInOrder appends messages to the log of a FIFO topic. From there the readers of
// its subscriptions take them.
func (ts *Topics) publishInOrder(ctx context.Context, t *Topic, messages []Message) ([]Published, error) {
	entries := make([]fifo.Entry, len(messages))
	all := make([]Published, len(messages))
	for i := range messages {
		m := stored{ID: uuid.NewString(), Time: ts.now(), Message: messages[i], TraceParent: telemetry.TraceParent(ctx)}
		if m.Message.DedupID == "" {
			sum := sha256.Sum256([]byte(m.Message.Body))
			m.Message.DedupID = hex.EncodeToString(sum[:])
		}
		content, err := ts.seal(t, &m)
		if err != nil {
			return nil, err
		}
		all[i].MessageID = m.ID
		entries[i] = fifo.Entry{DedupKey: dedupKey(t, &m.Message), Content: content}
	}
	results, err := ts.config.Logs.Publish(ctx, t.Generation, entries...)
	if err != nil {
		return nil, err
	}
	if now, _ := ts.Get(t.ID); now.Generation != t.Generation { // deleted meanwhile: this may have made its log anew
		return nil, errors.Join(noTopic(t.ID), ts.config.Logs.Delete(ctx, t.Generation))
	}
	for i, r := range results {
		all[i].Seq, all[i].Err = r.Seq, r.Err
		switch {
		case r.Err != nil:
			all[i].MessageID = ""
		case r.Duplicate:
			if first, err := ts.unseal(t, r.Content); err == nil {
				all[i].MessageID = first.ID
			}
		default:
			ts.countPublished(t.ID, &messages[i], audience.FilteredOut{})
		}
	}
	return all, nil
}

// dedupKey is what makes a message a duplicate of another one.
func dedupKey(t *Topic, m *Message) string {
	if t.Attributes[ThroughputScope] == scopeMessageGroup {
		return "group\x00" + m.GroupID + "\x00" + m.DedupID
	}
	return "topic\x00" + m.DedupID
}

// A reader delivers the log of a FIFO topic to one subscription.
type reader struct {
	topics    *Topics
	id        SubscriptionID
	replayer  string // the ID of the reader
	source    uint64
	replaySet time.Time // what was published before is replayed; zero when nothing is
	failed    bool      // the replay cannot go on
	waits     bool      // the last deliver has failed
}

// deliver is handOver, and tells the log when messages begin to wait.
func (r *reader) deliver(ctx context.Context, items []fifo.Item) (done int, err error) {
	defer func() {
		if p := recover(); p != nil { // of what resolves and delivers
			done, err = 0, fault.New(fault.Internal, "delivering panicked")
			r.topics.config.Log.Error("delivering messages of a FIFO topic panicked; they are tried again", "subscription", r.id.ARN(), "value", fmt.Sprint(p))
		}
	}()
	done, err = r.handOver(ctx, items)
	if err != nil && !r.waits && ctx.Err() == nil {
		level := slog.LevelWarn
		if _, told := fault.Told(err); told {
			level = slog.LevelDebug
		}
		r.topics.config.Log.Log(ctx, level, "messages of a FIFO topic wait: they cannot be delivered now", "subscription", r.id.ARN(), "err", err)
	}
	r.waits = err != nil
	return done, err
}

// handOver hands entries of the log to the subscription's queue, in their order, and
// returns how many are done with. What the queue can never take is dead-lettered; when it
// is out of reach, everything behind waits.
func (r *reader) handOver(ctx context.Context, items []fifo.Item) (done int, err error) {
	ts := r.topics
	s, err := ts.Subscription(r.id)
	if errors.Is(err, fault.NotFound) {
		return len(items), nil // it was deleted; the reader goes as well
	}
	if err != nil {
		return 0, err
	}
	t, err := ts.Get(r.id.Topic)
	if err != nil {
		return 0, err
	}
	filter, err := s.Filter()
	if err != nil {
		return 0, err
	}
	out := batch{reader: r, topic: &t, sub: &s}
	for i := range items {
		m, err := ts.unseal(&t, items[i].Content)
		if isUnreadable(err) {
			ts.config.Log.Error("a message of a FIFO topic cannot be read anymore, and is dropped", "subscription", s.ARN(), "seq", items[i].Seq, "err", err)
			ts.counters(t.ID).failed.Add(1)
			out.skip()
			continue
		}
		if err != nil {
			r.fail(true)
			return out.send(ctx, err)
		}
		r.fail(false)
		if reason := filter.Match(audience.Message{Body: m.Message.Body, Attributes: m.Message.Attributes}); reason != audience.Matched {
			var n audience.FilteredOut
			n[reason]++
			ts.counters(t.ID).countFiltered(n)
			out.skip()
			continue
		}
		d := ts.newDraft(&t, m, items[i].Seq)
		d.replayed = items[i].Time.Before(r.replaySet)
		e, err := d.event(ctx, &s)
		if err != nil {
			return out.send(ctx, err)
		}
		e.SeqSource, e.Seq = r.source, items[i].Seq
		out.add(e)
	}
	return out.send(ctx, nil)
}

// isUnreadable reports whether a message will never be read again: it is damaged, or its
// KMS key is gone.
func isUnreadable(err error) bool {
	return errors.Is(err, keys.ErrCiphertext) || errors.Is(err, keys.ErrNotFound) || errors.Is(err, fault.Internal)
}

// fail notes that the replay, if it is one, has failed, as when the topic's KMS key is
// disabled, or that it goes on.
func (r *reader) fail(failed bool) {
	if r.failed == failed || r.replaySet.IsZero() {
		return
	}
	if r.failed = failed; failed {
		r.topics.replays.set(r.replayer, ReplayFailed)
	} else {
		r.topics.replays.forget(r.replayer)
	}
}

// A batch is events on their way to a queue.
type batch struct {
	reader *reader
	topic  *Topic
	sub    *Subscription
	items  int              // of the log that were looked at
	events []delivery.Event // what was not filtered out of them
	at     []int            // which item each event is
}

func (b *batch) add(e delivery.Event) {
	b.events, b.at = append(b.events, e), append(b.at, b.items)
	b.items++
}

func (b *batch) skip() { b.items++ }

// send delivers the batch, and returns how many items are done with from the start.
// after is why nothing follows; nil when the batch is whole.
func (b *batch) send(ctx context.Context, after error) (done int, err error) {
	ts := b.reader.topics
	c := ts.counters(b.topic.ID)
	target, refused := ts.Resolve(b.sub.ARN())
	if refused == nil {
		refused = target.Allows(source(b.topic.ID))
	}
	for i := 0; i < len(b.events); i++ {
		taken, err := 0, refused
		if refused == nil {
			taken, err = delivery.DeliverAll(ctx, target, b.events[i:])
			c.delivered.Add(int64(taken))
			if err == nil {
				break
			}
		}
		i += taken
		if delivery.IsFinal(err) {
			err = b.giveUp(ctx, b.events[i], err)
		}
		if err != nil {
			return b.at[i], err
		}
	}
	return b.items, after
}

// giveUp dead-letters an event that the queue can never take, and says why not.
func (b *batch) giveUp(ctx context.Context, e delivery.Event, why error) error {
	ts := b.reader.topics
	c := ts.counters(b.topic.ID)
	dead := b.sub.DeadLetter()
	level := slog.LevelWarn // it is lost
	if dead != "" {
		level = slog.LevelDebug
	}
	ts.config.Log.Log(ctx, level, "a message was not delivered", "subscription", b.sub.ARN(), "message", e.ID, "deadLetter", dead, "err", why)
	c.failed.Add(1)
	if dead == "" {
		return nil
	}
	e.SeqSource, e.Seq = 0, 0 // it may wait in the outbox while later ones arrive
	return ts.config.Outbox.Put(ctx, dead, e, deadLetters)
}

// deadLetters is how hard the dead-letter queue of a subscription is tried.
var deadLetters = delivery.Policy{Sender: deadLetterSender, MaxAge: 24 * time.Hour, Failed: delivery.Backoff{{First: time.Second, Last: 5 * time.Minute}}}
