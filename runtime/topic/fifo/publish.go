package fifo

import (
	"context"
	"errors"
	"math"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/store/streams"
)

const (
	// neverWritten is the time since the last write to a log that was not written to.
	neverWritten = time.Duration(math.MaxInt64)

	// JetStream keeps the last block of a log in memory while it is written to, and for
	// ten seconds after (CacheExpire, nats-server 2.15.2).
	blockCacheExpiry = 10 * time.Second
	maxBlockBytes    = 4 << 20

	// headerRoom is what an entry may need beside its content, in bytes.
	headerRoom = 1 << 10

	inProcess  = 10158 // JetStream's code: the original of a duplicate is about to be stored, on a cluster
	retryPause = 20 * time.Millisecond
)

// Publish appends entries to a log, in their order, and returns what came of each. The
// log is made if there is none. When Publish returns, what is stored is durable as
// JetStream's acknowledgements are (see package backbone).
//
// An error says that nothing was stored: fault.Unavailable, also when the disk is full;
// fault.NotFound when the log was deleted; fault.Invalid when its name is not valid UTF-8.
func (l *Logs) Publish(ctx context.Context, log string, entries ...Entry) ([]Stored, error) {
	p, err := l.prepare(ctx, log, entries)
	if err != nil {
		return nil, err
	}
	checks := l.storage.Begun()
	p.timeout = time.NewTimer(p.log.stream.timeout)
	defer p.timeout.Stop()
	stored := make([]Stored, len(entries))
	p.all(ctx, entries, stored)
	for again := unheard(stored); again > 0 && p.canWait(ctx); again = unheard(stored) {
		n := len(entries) - again
		p.all(ctx, entries[n:], stored[n:])
	}
	if err := l.storage.AfterStore(checks); err != nil {
		for i := range stored {
			stored[i] = Stored{Err: err}
		}
	}
	return stored, nil
}

// all publishes entries, and says what came of them in stored.
func (p *publishing) all(ctx context.Context, entries []Entry, stored []Stored) {
	slots := make([]*slot, len(entries))
	for i, e := range entries {
		stored[i] = Stored{}
		if len(e.Content) > p.room {
			stored[i].Err = fault.New(fault.TooLarge, "%d bytes cannot be stored: the NATS server takes %d", len(e.Content), p.room)
			continue
		}
		slots[i], stored[i].Err = p.publish(messageID(e.DedupKey), e)
	}
	for i, s := range slots {
		if s != nil {
			stored[i] = p.await(ctx, s, entries[i])
		}
	}
}

// unheard returns how many of the last entries nobody has taken: they can be published again
// without a change of the order.
func unheard(stored []Stored) (n int) {
	for n < len(stored) && errors.Is(stored[len(stored)-1-n].Err, streams.ErrNobody) {
		n++
	}
	return n
}

// canWait waits a little, and reports whether the entries that nobody has taken may be taken
// now: a cluster's servers hear a little later of a stream, and of its new leader.
func (p *publishing) canWait(ctx context.Context) bool {
	return p.link.direct == nil && p.pause(ctx)
}

// pause waits before another try; false when there should be none.
func (p *publishing) pause(ctx context.Context) bool {
	select {
	case <-time.After(retryPause):
		return !p.late && p.session.Err() == nil && p.work.Err() == nil
	case <-p.timeout.C:
		p.late = true
	case <-ctx.Done():
	}
	return false
}

// A publishing is a call of Publish under way.
type publishing struct {
	log     *topicLog
	link    *link
	session context.Context
	work    context.Context // ends when a Stop cannot wait
	room    int             // for the content of an entry, in bytes
	timeout *time.Timer
	late    bool // timeout has fired
}

// prepare finds out whether entries can be published, and opens the log.
func (l *Logs) prepare(ctx context.Context, log string, entries []Entry) (*publishing, error) {
	run := l.life.Current()
	if run == nil {
		return nil, errStopped
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !utf8.ValidString(log) {
		return nil, errName
	}
	bytes := 0
	for _, e := range entries {
		bytes += len(e.Content) + headerRoom
	}
	if err := l.Gate.Admit(bytes); err != nil {
		return nil, err
	}
	if err := l.storage.BeforeWrite(); err != nil {
		return nil, err
	}
	t := l.log(log)
	p := &publishing{log: t, session: l.Backbone.Session(), work: run.Work(), room: int(l.Backbone.Conn().MaxPayload()) - headerRoom}
	if err := t.open(ctx); err != nil {
		return nil, err
	}
	t.mu.Lock()
	rested, needed := neverWritten, 0
	if !t.written.IsZero() {
		rested = time.Since(t.written)
	}
	if rested >= blockCacheExpiry {
		needed = 3 * int(min(t.bytes, maxBlockBytes)) // it is read anew before the garbage collector has freed the old one
	}
	deleted := t.deleted
	t.mu.Unlock()
	if deleted {
		return nil, errDeleted
	}
	if err := l.admitWrite(rested, needed); err != nil {
		return nil, err
	}
	l.Backbone.Drain(bytes)
	var err error
	p.link, err = l.linkIn(p.session)
	return p, err
}

// await waits for what JetStream says of an entry, and publishes it again if that is not
// final.
func (p *publishing) await(ctx context.Context, s *slot, e Entry) Stored {
	id := messageID(e.DedupKey)
	for {
		a, err := p.acknowledgement(ctx, s)
		if err != nil {
			return Stored{Err: err}
		}
		s.release()
		var api *jetstream.APIError
		switch {
		case a.Err == nil && !a.Duplicate:
			return Stored{Seq: p.log.number(a.Seq)}
		case a.Err == nil:
			original, err := p.log.original(ctx, a.Seq)
			if err != nil {
				return Stored{Err: fault.Wrap(fault.Unavailable, err, "reading the original of a duplicate")}
			}
			if original != nil && time.Since(original.time) < DuplicateWindow {
				return Stored{Seq: p.log.number(a.Seq), Duplicate: true, Content: original.content}
			}
			// After a restart JetStream remembers ids for longer. The new one is the same for
			// all who publish with the key.
			id = laterID(id, a.Seq)
		case errors.As(a.Err, &api) && api.ErrorCode == inProcess && p.pause(ctx):
		default:
			p.log.reopen()
			return Stored{Err: fault.Wrap(fault.Unavailable, a.Err, "the log of a topic does not take entries")}
		}
		if s, err = p.publish(id, e); err != nil {
			return Stored{Err: err}
		}
	}
}

// publish hands an entry to JetStream.
func (p *publishing) publish(id string, e Entry) (*slot, error) {
	s := p.link.slot()
	if err := s.publish(p.log, id, e.Content); err != nil {
		s.discard()
		p.log.mayHaveStored()
		return nil, fault.Wrap(fault.Unavailable, err, "publishing to the log of a topic")
	}
	return s, nil
}

// acknowledgement waits for one, until it cannot be expected anymore.
func (p *publishing) acknowledgement(ctx context.Context, s *slot) (streams.Ack, error) {
	select {
	case a := <-s.acked: // nearly always one of several has come with the first
		return a, nil
	default:
	}
	var err error
	for err == nil {
		if p.late {
			err = errors.New("JetStream did not acknowledge an entry in time")
			p.log.logs.Backbone.Report(err)
			break
		}
		select {
		case a := <-s.acked:
			return a, nil
		case <-ctx.Done():
			s.abandon()
			return streams.Ack{}, ctx.Err()
		case <-p.session.Done():
			err = context.Cause(p.session)
		case <-p.work.Done():
			err = errStopped
		case <-p.timeout.C:
			p.late = true
		}
	}
	s.discard()
	p.log.mayHaveStored()
	return streams.Ack{}, fault.Wrap(fault.Unavailable, err, "whether the entry was stored is not known")
}

func (l *topicLog) number(seq uint64) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.numbers.at(seq)
}

// original returns the entry with a sequence; nil when it is gone.
func (l *topicLog) original(ctx context.Context, seq uint64) (*storedEntry, error) {
	l.mu.Lock()
	there := l.window.from(seq, 1, 1)
	l.mu.Unlock()
	if len(there) > 0 {
		return &there[0], nil
	}
	return l.stream.get(ctx, seq)
}

// mayHaveStored says that an entry may be stored whose acknowledgement does not come.
func (l *topicLog) mayHaveStored() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	l.openedIn = nil
	l.startReadersLocked()
}

// reopen has the next publish look at the stream again.
func (l *topicLog) reopen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.openedIn = nil
}

// linkIn returns the link of a session, which it makes for the first that asks.
func (l *Logs) linkIn(session context.Context) (*link, error) {
	l.linkMu.Lock()
	defer l.linkMu.Unlock()
	if l.link != nil && l.linkSession == session {
		return l.link, nil
	}
	if err := session.Err(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, context.Cause(session), "the store is being reopened")
	}
	n, err := newLink(l.Backbone.Direct(), l.Backbone.Conn())
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "publishing to the logs of topics")
	}
	if l.link != nil {
		l.link.close()
	}
	l.link, l.linkSession = n, session
	return n, nil
}
