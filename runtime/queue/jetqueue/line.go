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

// A line is how the entries of one log go to JetStream, and its acknowledgements
// come back: straight to the embedded server, or over the connection to another.
type line struct {
	store   *backbone.Backbone
	conn    *nats.Conn
	subject string
	ack     []byte // how an acknowledgement begins, up to its sequence
	told    func() // called when there is one in acks; not while the line is far

	near   *direct.Inbox // nil: far
	header []byte        // a buffer

	inbox string // far
	sub   *nats.Subscription
	far   chan *nats.Msg // gets what is to be given to take

	acks *acks
}

// acks are what JetStream has said and the owner has not heard.
type acks struct {
	mu  sync.Mutex
	all []ack
}

type ack struct {
	seq uint64 // of the entry that is stored
	err error  // why one is not, or may not be
}

// begin makes ready to append: acknowledgements of what was appended before do
// not come anymore.
func (l *line) begin() (err error) {
	l.end()
	all := &acks{}
	l.acks = all
	if d := l.store.Direct(); d != nil {
		l.near = d.Open(func(status string, data []byte) {
			all.add(l.acknowledged(status, data))
			l.told()
		})
		return nil
	}
	l.inbox = l.conn.NewInbox()
	l.far = make(chan *nats.Msg, 2*window)
	l.sub, err = l.conn.ChanSubscribe(l.inbox, l.far)
	return err
}

func (l *line) end() {
	if l.near != nil {
		l.near.Close()
		l.near = nil
	}
	if l.sub != nil {
		l.sub.Unsubscribe()
		l.sub = nil
	}
}

const expectedSequence = "Nats-Expected-Last-Sequence"

// append publishes an entry, to be the one after the entry before; its
// acknowledgement comes to acks. The entry may be reused at once.
func (l *line) append(seq uint64, entry []byte) error {
	if l.near == nil {
		return l.conn.PublishMsg(&nats.Msg{
			Subject: l.subject, Reply: l.inbox, Data: entry,
			Header: nats.Header{expectedSequence: []string{strconv.FormatUint(seq-1, 10)}},
		})
	}
	l.header = append(l.header[:0], "NATS/1.0\r\n"+expectedSequence+": "...)
	l.header = append(strconv.AppendUint(l.header, seq-1, 10), "\r\n\r\n"...)
	return l.near.Publish(l.subject, l.header, entry)
}

// take takes in what came over a far line.
func (l *line) take(msg *nats.Msg) { l.acks.add(l.acknowledged(msg.Header.Get(status), msg.Data)) }

// acknowledged reads an acknowledgement. JetStream answers in the order of the
// entries, and names the one it has stored.
func (l *line) acknowledged(status string, data []byte) ack {
	if status != "" {
		return ack{0, fmt.Errorf("JetStream does not answer (status %s)", status)}
	}
	if rest, ok := bytes.CutPrefix(data, l.ack); ok {
		if digits, ok := bytes.CutSuffix(rest, []byte("}")); ok {
			if seq, err := strconv.ParseUint(string(digits), 10, 64); err == nil {
				return ack{seq, nil} // as it nearly always is
			}
		}
	}
	var said struct {
		Seq   uint64              `json:"seq"`
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		return ack{0, fmt.Errorf("acknowledgement: %w", err)}
	}
	if said.Error != nil {
		return ack{0, said.Error}
	}
	return ack{said.Seq, nil}
}

func (a *acks) add(one ack) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, one)
}

// next takes the oldest acknowledgement off.
func (a *acks) next() (one ack, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.all) == 0 {
		return ack{}, false
	}
	one = a.all[0]
	a.all = append(a.all[:0], a.all[1:]...)
	return one, true
}

func (a *acks) waiting() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.all) > 0
}
