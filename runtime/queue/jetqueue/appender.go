package jetqueue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/direct"
)

// An appender publishes the entries of one log to JetStream and receives their
// acknowledgements: directly for the embedded server, over the connection for an
// external one.
type appender struct {
	store     *backbone.Backbone
	conn      *nats.Conn
	subject   string
	ackPrefix []byte // how an acknowledgement begins, up to the sequence
	onAck     func() // called after an ack was added; only with direct

	direct *direct.Inbox // to the embedded server; nil for an external one
	header []byte        // reused buffer

	inbox      string // for acknowledgements of an external server
	sub        *nats.Subscription
	remoteAcks chan *nats.Msg // what receiveAck is to be called with

	acks *ackQueue
}

// An ackQueue holds acknowledgements that the owner has not processed.
type ackQueue struct {
	mu  sync.Mutex
	all []ack
}

type ack struct {
	seq uint64 // of the entry that is stored
	err error  // why an entry is not stored, or may not be
}

// open prepares to append. Acknowledgements of earlier entries no longer arrive.
func (l *appender) open() (err error) {
	l.close()
	all := &ackQueue{}
	l.acks = all
	if d := l.store.Direct(); d != nil {
		l.direct = d.Open(func(status string, data []byte) {
			all.add(l.parseAck(status, data))
			l.onAck()
		})
		return nil
	}
	l.inbox = l.conn.NewInbox()
	l.remoteAcks = make(chan *nats.Msg, 2*maxInflight)
	l.sub, err = l.conn.ChanSubscribe(l.inbox, l.remoteAcks)
	return err
}

func (l *appender) close() {
	if l.direct != nil {
		l.direct.Close()
		l.direct = nil
	}
	if l.sub != nil {
		l.sub.Unsubscribe()
		l.sub = nil
	}
}

const expectedSequence = "Nats-Expected-Last-Sequence"

// append publishes an entry, which has to become number seq of the stream. Its
// acknowledgement goes to acks. The caller may reuse entry at once.
func (l *appender) append(seq uint64, entry []byte) error {
	if l.direct == nil {
		return l.conn.PublishMsg(&nats.Msg{
			Subject: l.subject, Reply: l.inbox, Data: entry,
			Header: nats.Header{expectedSequence: []string{strconv.FormatUint(seq-1, 10)}},
		})
	}
	l.header = append(l.header[:0], "NATS/1.0\r\n"+expectedSequence+": "...)
	l.header = append(strconv.AppendUint(l.header, seq-1, 10), "\r\n\r\n"...)
	return l.direct.Publish(l.subject, l.header, entry)
}

// receiveAck takes in an acknowledgement of an external server.
func (l *appender) receiveAck(msg *nats.Msg) {
	l.acks.add(l.parseAck(msg.Header.Get(statusHeader), msg.Data))
}

// parseAck parses an acknowledgement. JetStream acknowledges entries in their order,
// by their sequence.
func (l *appender) parseAck(status string, data []byte) ack {
	if status != "" {
		return ack{0, fmt.Errorf("JetStream does not respond (status %s)", status)}
	}
	if rest, ok := bytes.CutPrefix(data, l.ackPrefix); ok {
		if digits, ok := bytes.CutSuffix(rest, []byte("}")); ok {
			if seq, err := strconv.ParseUint(string(digits), 10, 64); err == nil {
				return ack{seq, nil} // nearly always
			}
		}
	}
	var said struct {
		Seq   uint64              `json:"seq"`
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		return ack{0, fmt.Errorf("malformed acknowledgement: %w", err)}
	}
	if said.Error != nil {
		return ack{0, said.Error}
	}
	return ack{said.Seq, nil}
}

func (a *ackQueue) add(one ack) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, one)
}

// next removes and returns the oldest acknowledgement.
func (a *ackQueue) next() (one ack, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.all) == 0 {
		return ack{}, false
	}
	one = a.all[0]
	a.all = append(a.all[:0], a.all[1:]...)
	return one, true
}

func (a *ackQueue) isWaiting() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.all) > 0
}
