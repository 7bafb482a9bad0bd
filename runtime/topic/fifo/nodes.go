package fifo

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/nats-io/nats.go"

	"millrace/runtime/lifecycle"
	"millrace/runtime/store/cluster"
)

// storedSubject is where runtimes tell each other of entries that they have stored. The
// subjects of the streams would tell of them too early.
const storedSubject = "millrace.topics.stored"

// reopenPoll is how often it is looked whether a session of the store has begun.
const reopenPoll = 250 * time.Millisecond

// isOwned reports whether this runtime runs the readers of the log.
func (l *topicLog) isOwned() bool {
	if l.logs.Cluster == nil {
		return true
	}
	return l.isOwnedIn(l.logs.Cluster.View())
}

func (l *topicLog) isOwnedIn(view *cluster.View) bool {
	return view == nil || view.Owner(l.key) == view.Self
}

// announce tells the other runtimes up to which entry a log is stored.
func (l *topicLog) announce(seq uint64) {
	msg := binary.BigEndian.AppendUint64([]byte(l.token), seq)
	if err := l.logs.Backbone.Conn().Publish(storedSubject, msg); err != nil {
		l.logs.Log.Debug("telling other runtimes of an entry failed", "log", l.name, "err", err)
	}
}

// onStored hears of an entry of another runtime.
func (l *Logs) onStored(m *nats.Msg) {
	n := len(m.Data) - 8
	if n <= 0 {
		return
	}
	t := l.known(string(m.Data[:n]))
	if t == nil || !t.isOwned() {
		return // who begins to own it looks at the stream
	}
	seq := binary.BigEndian.Uint64(m.Data[n:])
	t.mu.Lock()
	defer t.mu.Unlock()
	if seq <= t.tail {
		return
	}
	t.tail = seq
	t.startReadersLocked()
	t.markLocked()
}

// watch looks at the logs again when other runtimes have come or gone, and when the store
// was away.
func (l *Logs) watch(run *lifecycle.Run) {
	for {
		session := l.Backbone.Session()
		var view *cluster.View
		var changed <-chan struct{}
		if l.Cluster != nil {
			view = l.Cluster.View()
			changed = view.Changed()
		}
		l.lookAgain(view)
		if session.Err() != nil {
			select {
			case <-time.After(reopenPoll):
			case <-changed:
			case <-run.Halted().Done():
				return
			}
			continue
		}
		select {
		case <-session.Done():
		case <-changed:
		case <-run.Halted().Done():
			return
		}
	}
}

// lookAgain has the readers look at the streams of the logs that this runtime owns in a
// view.
func (l *Logs) lookAgain(view *cluster.View) {
	for _, t := range l.all() {
		t.lookAgain(view)
	}
}

func (l *topicLog) lookAgain(view *cluster.View) {
	owned := l.isOwnedIn(view)
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.owned
	l.owned = owned
	if owned {
		l.asked++
		l.startReadersLocked()
		l.markLocked()
		return
	}
	l.window.clear()
	if was { // its new owner may not know yet of what was just stored
		l.announce(l.tail)
	}
}

// onRecord hears that another runtime has written the record of a log.
func (l *Logs) onRecord(token string) {
	t := l.known(token)
	if t == nil {
		return
	}
	r, ok := l.table.Get(token)
	if !ok || r.Deleting {
		t.markDeleted()
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.logs[token] == t {
			delete(l.logs, token)
		}
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.numbers = r.Numbers
}

// markDeleted ends the readers of the log, without waiting for them.
func (l *topicLog) markDeleted() []*reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deleted = true
	var ended []*reader
	for _, r := range l.readers {
		r.cancel()
		ended = append(ended, r)
	}
	l.readers = nil
	l.window.clear()
	if l.trimming != nil {
		l.trimming.Stop()
		l.trimming = nil
	}
	return ended
}

// stopReaders waits for readers to end.
func stopReaders(ctx context.Context, all []*reader) error {
	for _, r := range all {
		if err := r.stop(ctx); err != nil {
			return err
		}
	}
	return nil
}
