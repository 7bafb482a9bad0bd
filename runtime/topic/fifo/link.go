package fifo

import (
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"

	"millrace/runtime/store/backbone/direct"
	"millrace/runtime/store/streams"
)

// A link publishes entries to JetStream in one session of the store, and takes in their
// acknowledgements: directly for the embedded server, over the connection for an
// external one.
//
// Each entry under way has a slot with an address of its own for the acknowledgement,
// and slots are used again: the server remembers where addresses that it knows lead to.
type link struct {
	direct *direct.Conn // nil with an external server

	conn   *nats.Conn // with an external server
	prefix string     // of the addresses there
	sub    *nats.Subscription

	mu    sync.Mutex // guards what follows
	free  []*slot
	used  map[string]*slot // with an external server: by the end of the address
	count uint64
}

// A slot has one entry that is under way.
type slot struct {
	link    *link
	inbox   *direct.Inbox
	address string // at an external server

	mu        sync.Mutex // guards what follows
	log       *topicLog
	content   []byte
	abandoned bool // nobody waits for the acknowledgement

	acked chan streams.Ack // of size 1
}

func newLink(d *direct.Conn, conn *nats.Conn) (*link, error) {
	l := &link{direct: d, conn: conn}
	if d != nil {
		return l, nil
	}
	l.used = map[string]*slot{}
	l.prefix = conn.NewInbox() + "."
	var err error
	l.sub, err = conn.Subscribe(l.prefix+"*", func(m *nats.Msg) {
		l.mu.Lock()
		s := l.used[strings.TrimPrefix(m.Subject, l.prefix)]
		l.mu.Unlock()
		if s != nil {
			s.take(m.Header.Get(statusHeader), m.Data)
		}
	})
	return l, err
}

// close ends the link: acknowledgements that have not come do not come anymore.
func (l *link) close() {
	if l.sub != nil {
		l.sub.Unsubscribe()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.free {
		if s.inbox != nil {
			s.inbox.Close()
		}
	}
	l.free = nil
}

// slot returns a slot that is not in use.
func (l *link) slot() *slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.free); n > 0 {
		s := l.free[n-1]
		l.free = l.free[:n-1]
		return s
	}
	s := &slot{link: l, acked: make(chan streams.Ack, 1)}
	if l.direct != nil {
		s.inbox = l.direct.Open(s.take)
		return s
	}
	l.count++
	end := strconv.FormatUint(l.count, 36)
	s.address = l.prefix + end
	l.used[end] = s
	return s
}

// release returns a slot whose acknowledgement has come.
func (s *slot) release() {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	s.link.free = append(s.link.free, s)
}

// abandon has the slot release itself when its acknowledgement comes.
func (s *slot) abandon() {
	s.mu.Lock()
	s.abandoned = s.log != nil
	over := !s.abandoned
	s.mu.Unlock()
	if over {
		<-s.acked
		s.release()
	}
}

// discard ends a slot whose acknowledgement does not come.
func (s *slot) discard() {
	if s.inbox != nil {
		s.inbox.Close()
		return
	}
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	delete(s.link.used, strings.TrimPrefix(s.address, s.link.prefix))
}

const messageIDHeader = "Nats-Msg-Id"

// publish publishes an entry of a log. Its acknowledgement comes to s.acked, after the
// log has been told.
func (s *slot) publish(log *topicLog, id string, content []byte) error {
	s.mu.Lock()
	s.log, s.content = log, content
	s.mu.Unlock()
	if s.inbox != nil {
		return s.inbox.Publish(log.stream.subject, []byte("NATS/1.0\r\n"+messageIDHeader+": "+id+"\r\n\r\n"), content)
	}
	return s.link.conn.PublishMsg(&nats.Msg{
		Subject: log.stream.subject, Reply: s.address, Data: content,
		Header: nats.Header{messageIDHeader: []string{id}},
	})
}

// take takes in the acknowledgement. It is called by the goroutine that reads for
// everybody.
func (s *slot) take(status string, data []byte) {
	s.mu.Lock()
	log, content, abandoned := s.log, s.content, s.abandoned
	s.log, s.content, s.abandoned = nil, nil, false
	s.mu.Unlock()
	if log == nil {
		return // a second answer
	}
	a := streams.ParseAck(log.ackPrefix, status, data)
	if a.Err == nil && !a.Duplicate {
		log.acknowledged(a.Seq, content)
	}
	if abandoned {
		s.release()
		return
	}
	s.acked <- a
}
