// Package descriptors shares the open files that a process may have between
// connections and what is stored.
//
// Each queue that is written to holds a file open, until it has rested for a
// while. A quarter of all descriptors is kept for connections: [Limit.Listener]
// has no more at once. Past the rest, less some for what is open for a moment, no
// queue is made or woken ([Limit.Open]); everything else goes on.
package descriptors

import (
	"log/slog"
	"sync"
	"time"

	"millrace/runtime/fault"
)

// IdleClose is how long a file must not have been written to before the embedded server
// closes it, when it next looks at its stream (closeFDsIdle, nats-server 2.15.2).
const IdleClose = 30 * time.Second

const (
	forConnections = 4  // a quarter
	forMoments     = 16 // a sixteenth: files that are read, functions' pipes and sockets
	toEase         = 32 // an episode of refusals ends when so much of the rest is free

	// Queues can be made at this rate, a second, for as long as one likes: those
	// that rest are closed as fast. Under a very small limit it is less.
	rate      = 20
	looksMost = 2 * time.Second // it is not had look at each stream more often
	looksSeld = 15 * time.Minute

	// After a refusal open files are counted again, but not more often than this.
	countEvery = 100 * time.Millisecond
)

// A Limit is how many descriptors this process may have open. The nil Limit has no
// bound.
type Limit struct {
	all   int                 // that may be open
	count func() (int, error) // that are
	log   *slog.Logger
	conns *connections // that are among them

	mu      sync.Mutex // guards what follows
	open    int        // files, connections left out, at most: closed ones count until they are counted again
	counted time.Time
	full    bool // an episode of refusals
}

// Find returns the limit of this process, nil where there is none. The soft limit is
// the hard one by now: Go raises it, and gives children the one that was.
func Find(log *slog.Logger) *Limit {
	all, ok := limit()
	if !ok {
		return nil
	}
	return newLimit(all, count, log)
}

func newLimit(all int, count func() (int, error), log *slog.Logger) *Limit {
	return &Limit{all: all, count: count, log: log, conns: newConnections(all / forConnections)}
}

// files is how many descriptors may be other than connections before queues stay
// closed.
func (l *Limit) files() int { return l.all - l.all/forConnections - l.all/forMoments }

// CheckInterval is how often the embedded server has to look for files that rest.
func (l *Limit) CheckInterval() time.Duration {
	if l == nil {
		return looksSeld
	}
	return min(max(time.Duration(l.files())*time.Second/rate-IdleClose, looksMost), looksSeld)
}

// Open is asked before a file is opened that will stay open for a while. It returns
// fault.Unavailable when too many are.
func (l *Limit) Open() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.admit(1); err != nil {
		return err
	}
	l.open++
	return nil
}

// Admit implements capacity.Limit for what opens files: how many bytes does not
// matter.
func (l *Limit) Admit(int) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.admit(1)
}

// admit returns why so many files more cannot be opened. It counts when that may
// make a difference.
func (l *Limit) admit(more int) error {
	now := time.Now()
	if (l.counted.IsZero() || l.full || l.open+more > l.files()) && now.Sub(l.counted) >= countEvery {
		if n, err := l.count(); err == nil {
			l.open = n - l.conns.count()
		}
		l.counted = now
	}
	most := l.files()
	if l.full {
		most -= most / toEase
	}
	if l.open+more <= most {
		if l.full {
			l.full = false
			l.log.Warn("there are file descriptors again: queues are made and woken", "open", l.open, "most", l.files())
		}
		return nil
	}
	err := fault.State(nil, "The limit of open files (ulimit -n) is %d, and %d are open besides connections. "+
		"No queue is made or woken until others have rested for %v; raise the limit.", l.all, l.open, (IdleClose + l.CheckInterval()).Round(time.Second))
	if !l.full {
		l.full = true
		what, _ := fault.Told(err)
		l.log.Error(what)
	}
	return err
}
