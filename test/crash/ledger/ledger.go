// Package ledger keeps what clients of a message queue were told, and finds
// where a queue broke its word.
//
// Each call of a client is written down twice: before the request leaves, and
// when its answer has come. A call that has no answer, because the server was
// killed, may or may not have happened; the ledger allows both and nothing else.
//
//	s := book.Sending(message, now)    // before the request
//	s.Done(id, sequence)               // only if it was answered
//
// It finds: messages lost or invented, deleted ones that come back, deliveries
// of what should be hidden, receipt handles refused too early, receive counts
// that repeat or jump, groups out of order, sequence numbers that fall,
// duplicates that were let in, and messages in a queue and its dead-letter
// queue at once.
//
// A Ledger starts no goroutine and reads no clock: time comes in. It is safe
// for concurrent use.
package ledger

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// A Queue is what the ledger must know of a queue.
type Queue struct {
	Name        string
	Dead        string // name of the dead-letter queue; "" for none
	MaxReceives int    // deliveries before a message moves to Dead
}

// A Message is what a client sends. Its body is unlike any other's: bodies are
// how the ledger recognizes messages whose send had no answer.
type Message struct {
	Queue string
	Body  string
	Group string // FIFO only
	Dedup string // FIFO only
	Delay time.Duration
}

// A Delivery is one message of an answered receive.
type Delivery struct {
	Queue    string
	ID       string
	Body     string
	Handle   string
	Group    string // FIFO only
	Sequence string // FIFO only
	Receives int
}

// slack is how much earlier than told a deadline may pass: the finest unit in
// which SQS tells time.
const slack = time.Millisecond

// A Ledger holds the books of some queues.
type Ledger struct {
	mu       sync.Mutex
	tick     int                // grows with each entry: who was before whom
	started  int                // the tick of the latest restart
	families map[string]*family // by queue name; a dead-letter queue is in its source's
	byBody   map[string]*message
	byID     map[string]*message
	broken   []error
}

// A family is a queue and its dead-letter queue: a message is in one of them.
type family struct {
	Queue
	messages []*message
	groups   map[string]*group
	lastSeq  string // the highest that was acknowledged
	open     int    // messages that receives without an answer may have taken
}

type group struct {
	messages []*message // whose sequence number is known
	furthest string     // the highest sequence number that was delivered
}

type message struct {
	Message
	family *family
	id     string // "" until an answer has named it
	seq    string
	known  bool // it exists for sure, or did until it was deleted

	deleting int // deletes that may have happened, or may still
	cut      int // those of them that a restart has ended
	deleted  int // the tick when its delete was acknowledged; 0 if never

	handle  string // of the latest delivery
	place   string // the queue of the latest delivery
	until   time.Time
	version int   // changes whenever until may have
	doubt   *Hide // the latest change of visibility, while it has no answer

	seen   []sight
	latest int // the highest receive count seen
	buried int // the tick when it was first delivered by the dead-letter queue
}

// A sight is one delivery of a message.
type sight struct{ tick, receives int }

// New opens the books of the given queues. Dead-letter queues are not given by
// themselves: a queue names its own.
func New(queues ...Queue) *Ledger {
	l := &Ledger{families: map[string]*family{}, byBody: map[string]*message{}, byID: map[string]*message{}}
	for _, q := range queues {
		f := &family{Queue: q, groups: map[string]*group{}}
		l.families[q.Name] = f
		if q.Dead != "" {
			l.families[q.Dead] = f
		}
	}
	return l
}

// Err is all that was found so far, nil if every promise was kept.
func (l *Ledger) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.broken...)
}

// Restarted notes that the server was killed and is up again: calls that have no
// answer yet will get none, and what they asked happens before now or never.
func (l *Ledger) Restarted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started = l.next()
	for _, m := range l.byBody {
		m.cut = m.deleting
	}
}

func (l *Ledger) breaks(m *message, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if m != nil {
		what = fmt.Sprintf("%s: message %s (%s): %s", m.Queue, m.id, shorten(m.Body), what)
	}
	l.broken = append(l.broken, errors.New(what))
}

func (l *Ledger) next() int {
	l.tick++
	return l.tick
}

func shorten(body string) string {
	name, _, _ := strings.Cut(body, " ")
	return name[:min(len(name), 40)]
}
