package fifo

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/store/loss"
	"millrace/runtime/store/streams"
)

// A topicLog is one log, as this runtime knows it.
type topicLog struct {
	logs      *Logs
	name      string
	token     string // of the name
	key       uint64 // says which runtime of a cluster runs the readers
	stream    stream
	ackPrefix []byte

	// looking is held by who looks at the stream and changes what belongs to it, so that
	// nothing is removed that a new reader is about to want.
	looking   chan struct{} // of size 1
	truncated bool          // the end of the stream was found truncated, and that is not reported; guarded by looking

	mu       sync.Mutex      // guards what follows
	openedIn context.Context // the session of the store in which entries may be published
	asked    uint64          // how often somebody has said that tail may be too low
	looked   uint64          // asked, when tail was found out
	tail     uint64          // the highest sequence that is known to be stored
	cuts     uint64          // how often the end of the stream was lost
	numbers  numbering
	jumped   bool // the numbers have jumped since the process started
	bytes    uint64
	written  time.Time // when an entry was last stored; zero for not since the process started
	window   window
	readers  map[string]*reader
	deleted  bool
	owned    bool // by this runtime, when that was last looked at
	dirty    bool // the cursors, or tail, are not in the record
	trimming *time.Timer
}

// log returns what is known of a log, whether it exists or not.
func (l *Logs) log(name string) *topicLog {
	t := token(name)
	l.mu.Lock()
	defer l.mu.Unlock()
	if found := l.logs[t]; found != nil {
		return found
	}
	h := fnv.New64a()
	h.Write([]byte(t))
	n := &topicLog{
		logs: l, name: name, token: t, key: h.Sum64(), looking: make(chan struct{}, 1), asked: 1,
		stream:    stream{store: l.Backbone, name: streamPrefix + t, subject: subjectPrefix + t, timeout: responseTimeout},
		ackPrefix: streams.AckPrefix(streamPrefix + t),
		window:    window{budget: &l.budget, max: l.WindowBytes / 4},
	}
	if l.Cluster != nil {
		n.stream.timeout = clusterResponseTimeout
	}
	n.owned = n.isOwned()
	l.logs[t] = n
	return n
}

// known returns a log by its token; nil when nothing is known of it.
func (l *Logs) known(token string) *topicLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.logs[token]
}

// hold takes looking.
func (l *topicLog) hold(ctx context.Context) error {
	select {
	case l.looking <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Of(ctx.Err()), ctx.Err(), "waiting for the log of a topic")
	}
}

func (l *topicLog) letGo() { <-l.looking }

// open makes sure that entries can be published in this session of the store.
func (l *topicLog) open(ctx context.Context) error {
	session := l.logs.Backbone.Session()
	l.mu.Lock()
	open := l.openedIn == session
	l.mu.Unlock()
	if open && session.Err() == nil {
		return nil
	}
	if err := l.hold(ctx); err != nil {
		return err
	}
	defer l.letGo()
	l.mu.Lock()
	open = l.openedIn == session
	l.mu.Unlock()
	if open {
		return nil
	}
	return l.look(ctx, true)
}

// catchUp makes sure that tail is not too low, and that no reader is behind its cursor.
func (l *topicLog) catchUp(ctx context.Context) error {
	if l.isCurrent() {
		return nil
	}
	if err := l.hold(ctx); err != nil {
		return err
	}
	defer l.letGo()
	if l.isCurrent() {
		return nil
	}
	return l.look(ctx, false)
}

func (l *topicLog) isCurrent() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.looked == l.asked
}

// look finds out what the stream holds, and reports what it has lost. To publish, it makes
// the stream if there is none. looking must be held.
func (l *topicLog) look(ctx context.Context, publish bool) (err error) {
	store := l.logs.Backbone
	session := store.Session()
	if err := store.Down(); err != nil {
		return err
	}
	if err := session.Err(); err != nil && store.Direct() != nil {
		return fault.Wrap(fault.Unavailable, context.Cause(session), "the store is being reopened")
	}
	l.mu.Lock()
	asked, known, deleted := l.asked, l.tail, l.deleted
	l.mu.Unlock()
	if deleted {
		return errDeleted
	}
	r, err := l.record(ctx)
	if err != nil {
		return err
	}
	known = max(known, r.Last)
	var state jetstream.StreamState
	switch {
	case r.Begun || l.logs.Cluster != nil:
		if err = store.Wake(ctx, l.stream.name); err == nil {
			state, err = l.stream.state(ctx)
		}
	default:
		err = jetstream.ErrStreamNotFound
	}
	gone := errors.Is(err, jetstream.ErrStreamNotFound)
	if gone {
		if state, err = l.recreate(ctx, r, known, publish); err != nil {
			return err
		}
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "opening the log of a topic")
	}
	last := state.LastSeq
	switch {
	case last < known:
		err = l.report(loss.Loss{Entries: entries(last+1, known), Messages: known - last, What: "the end of the log of a FIFO topic is missing"})
	case l.truncated:
		err = l.report(loss.Loss{What: "the end of the log of a FIFO topic was damaged, and is cut off; what was published in the last second may be missing"})
	}
	if err != nil {
		return err
	}
	l.truncated = false
	if last < known || gone && known > 0 || r.Begun && publish && l.mayRepeat() {
		if err := l.renumber(ctx, last); err != nil {
			return err
		}
	}
	if r, err = l.record(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if last < known {
		l.tail = last
		l.cuts++
		l.asked++        // an entry may have been acknowledged since
		l.window.clear() // what is left is read again
	}
	l.tail = max(l.tail, last)
	l.numbers, l.bytes = r.Numbers, state.Bytes
	l.looked = asked
	for id, reader := range l.readers {
		if c, ok := r.Cursors[id]; ok {
			reader.next = max(reader.next, c+1)
		}
		reader.next = min(reader.next, l.tail+1)
	}
	if publish {
		l.openedIn, l.jumped = session, true
	}
	return nil
}

// recreate makes the stream, when there is none: to publish, or because it was lost. known
// is the last sequence that it had.
func (l *topicLog) recreate(ctx context.Context, r logRecord, known uint64, publish bool) (state jetstream.StreamState, err error) {
	if !publish && known == 0 {
		return state, nil
	}
	if err := l.logs.admitWrite(neverWritten, 0); err != nil {
		return state, err
	}
	if !r.Begun {
		err := l.updateOrCreate(ctx, func(r *logRecord) bool {
			if r.Begun { // by another runtime
				return false
			}
			r.Begun, r.Numbers = true, r.Numbers.jumped(1, time.Now())
			return true
		})
		if err != nil {
			return state, err
		}
	}
	if state, err = l.stream.create(ctx, l.name, known+1); err != nil {
		return state, fault.Wrap(fault.Unavailable, err, "making the log of a topic")
	}
	switch {
	case known == 0:
	case state.Msgs > 0:
		err = l.report(loss.Loss{Repaired: true, What: fmt.Sprintf("JetStream did not know the log of a FIFO topic anymore; %d entries were found again", state.Msgs)})
	default:
		err = l.report(loss.Loss{What: "the log of a FIFO topic is gone, with all that was not delivered", AtMost: true, Messages: known})
	}
	return state, err
}

// mayRepeat reports whether the next entry may get a sequence that an earlier one had,
// which a power cut took: until the first publish of a process, on the embedded server.
func (l *topicLog) mayRepeat() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.jumped && l.logs.Backbone.Direct() != nil
}

// renumber has the numbers jump behind the last entry, and sets cursors back that are
// beyond it.
func (l *topicLog) renumber(ctx context.Context, last uint64) error {
	return l.update(ctx, func(r *logRecord) bool {
		r.Numbers = r.Numbers.jumped(last+1, time.Now())
		r.Last = min(r.Last, last)
		for id, c := range r.Cursors {
			r.Cursors[id] = min(c, last)
		}
		return true
	})
}

// report tells of a loss.
func (l *topicLog) report(what loss.Loss) error {
	what.Kind, what.Name = loss.Topic, l.name
	return l.logs.OnLoss(what)
}

// entries names a range of entries, as a Loss does.
func entries(from, to uint64) string {
	if from == to {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("%d-%d", from, to)
}

// acknowledged is called when an entry of this process is stored, by the goroutine that
// reads for everybody.
func (l *topicLog) acknowledged(seq uint64, content []byte) {
	l.logs.Backbone.Wrote(l.stream.name)
	owned := l.isOwned()
	l.mu.Lock()
	now := time.Now()
	l.written = now
	l.bytes += uint64(len(content))
	l.tail = max(l.tail, seq)
	if owned {
		if len(l.readers) > 0 {
			l.window.add(storedEntry{seq, now, content})
		}
		l.startReadersLocked()
		l.markLocked()
	}
	l.mu.Unlock()
	if !owned {
		l.announce(seq)
	}
}
