package fifo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/store/backbone/direct"
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

	acked chan ack // of size 1
}

// An ack is what JetStream has said of an entry.
type ack struct {
	seq       uint64
	duplicate bool
	err       error // why the entry is not stored
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
	s := &slot{link: l, acked: make(chan ack, 1)}
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
	a := parseAck(log.ackPrefix, status, data)
	if a.err == nil && !a.duplicate {
		log.acknowledged(a.seq, content)
	}
	if abandoned {
		s.release()
		return
	}
	s.acked <- a
}

// errNobody says that no stream has taken an entry.
var errNobody = errors.New("JetStream does not respond (status 503)")

// parseAck parses an acknowledgement; prefix is how it begins, up to the sequence.
func parseAck(prefix []byte, status string, data []byte) (a ack) {
	if rest, ok := bytes.CutPrefix(data, prefix); ok && status == "" {
		digits := rest[:len(rest)-len(bytes.TrimLeft(rest, "0123456789"))]
		end := string(rest[len(digits):])
		if end == "}" || end == `,"duplicate": true}` {
			if seq, err := strconv.ParseUint(string(digits), 10, 64); err == nil {
				return ack{seq: seq, duplicate: end != "}"} // nearly always
			}
		}
	}
	var said struct {
		Seq       uint64              `json:"seq"`
		Duplicate bool                `json:"duplicate"`
		Error     *jetstream.APIError `json:"error"`
	}
	err := json.Unmarshal(data, &said)
	switch {
	case err == nil && said.Error != nil:
		return ack{err: said.Error}
	case status == "503":
		return ack{err: errNobody}
	case status != "":
		return ack{err: fmt.Errorf("JetStream does not respond (status %s)", status)}
	case err != nil || said.Seq == 0:
		return ack{err: fmt.Errorf("malformed acknowledgement: %v", err)}
	}
	return ack{seq: said.Seq, duplicate: said.Duplicate}
}
