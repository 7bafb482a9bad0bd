package topic

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strconv"
	"sync"

	"millrace/runtime/fault"
	"millrace/runtime/topic/fifo"
)

// readers are the readers that the subscriptions of FIFO topics have.
type readers struct {
	mu      sync.Mutex            // held while readers begin and end
	running map[string]readerName // by the keys of the subscriptions' records
}

type readerName struct{ log, id string }

// readerID names the reader of the subscription within the topic's log. Each replay is a
// reader of its own.
func (s *Subscription) readerID() string {
	if s.Replays == 0 {
		return s.UUID
	}
	return s.UUID + "." + strconv.Itoa(s.Replays)
}

// syncReader begins and ends readers such that a subscription has the one that its record
// asks for. When it returns, what is published from then on will be delivered, whatever
// happens.
func (ts *Topics) syncReader(ctx context.Context, key string) error {
	ts.readers.mu.Lock()
	defer ts.readers.mu.Unlock()
	s, ok := ts.subs.Get(key)
	if ok {
		t, err := ts.Get(s.Topic)
		ok = err == nil && t.Generation == s.Generation && s.Topic.FIFO() && !s.Pending
	}
	was, running := ts.readers.running[key]
	name := readerName{s.Generation, s.readerID()}
	if running && (!ok || was != name) {
		if err := ts.config.Logs.Forget(ctx, was.log, was.id); err != nil {
			return err
		}
		ts.replays.forget(was.id)
		delete(ts.readers.running, key)
	}
	if !ok || running && was == name {
		return nil
	}
	if err := ts.config.Logs.Follow(ctx, ts.reader(&s)); err != nil {
		return err
	}
	if ts.readers.running == nil {
		ts.readers.running = map[string]readerName{}
	}
	ts.readers.running[key] = name
	return nil
}

// reader is what reads a FIFO topic's log for a subscription.
func (ts *Topics) reader(s *Subscription) fifo.Reader {
	id := s.readerID()
	r := fifo.Reader{
		Log: s.Generation, ID: id,
		Deliver: (&reader{topics: ts, id: s.ID(), replayer: id, source: numberSource(s), replaySet: s.ReplaySet}).deliver,
	}
	if s.replays() {
		p, err := ParseReplay(s.Attributes[ReplayPolicy])
		if err != nil { // it was checked when it was set
			ts.config.Log.Error("a replay policy cannot be read; nothing is replayed", "subscription", s.ARN(), "err", err)
			return r
		}
		r.From, r.Until = p.StartingPoint, p.EndingPoint
		r.Ended = func() { ts.replays.set(id, ReplayCompleted) }
	}
	return r
}

// numberSource tells a queue whose numbers a message has: those of a reader.
func numberSource(s *Subscription) uint64 {
	sum := sha256.Sum256([]byte(s.ARN() + "\x00" + s.readerID()))
	return max(1, binary.BigEndian.Uint64(sum[:])) // 0 means not numbered
}

// follow syncs the readers of what other runtimes change, until ctx ends.
func (ts *Topics) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ts.changes.Wake():
		}
		for key := range ts.changes.Take() {
			if err := ts.syncReader(ctx, key); err != nil && ctx.Err() == nil && !errors.Is(err, fault.NotFound) {
				ts.config.Log.Warn("a subscription of a FIFO topic could not be followed", "err", err)
			}
		}
	}
}

// Pending is how many messages of FIFO topics have not been handed to a subscription yet,
// of all subscriptions together.
func (ts *Topics) Pending() int {
	ts.readers.mu.Lock()
	defer ts.readers.mu.Unlock()
	n := 0
	for _, r := range ts.readers.running {
		n += int(ts.config.Logs.Pending(r.log, r.id))
	}
	return n
}
