package jetqueue

import (
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"

	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/direct"
	"millrace/runtime/store/streams"
)

// An appender publishes the entries of one log to JetStream and receives their
// acknowledgements: directly for the embedded server, over the connection for an
// external one.
type appender struct {
	store     *backbone.Backbone
	conn      *nats.Conn
	subject   string
	ackPrefix []byte // see streams.AckPrefix
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
	all []streams.Ack
}

// open prepares to append. Acknowledgements of earlier entries no longer arrive.
func (l *appender) open() (err error) {
	l.close()
	all := &ackQueue{}
	l.acks = all
	if d := l.store.Direct(); d != nil {
		l.direct = d.Open(func(status string, data []byte) {
			all.add(streams.ParseAck(l.ackPrefix, status, data))
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
	l.acks.add(streams.ParseAck(l.ackPrefix, msg.Header.Get(statusHeader), msg.Data))
}

func (a *ackQueue) add(one streams.Ack) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, one)
}

// next removes and returns the oldest acknowledgement.
func (a *ackQueue) next() (one streams.Ack, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.all) == 0 {
		return streams.Ack{}, false
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
