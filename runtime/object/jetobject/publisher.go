package jetobject

import (
	"context"
	"errors"
	"strconv"

	"github.com/nats-io/nats.go"

	"millrace/runtime/store/backbone/direct"
	"millrace/runtime/store/streams"
)

// A publisher publishes the entries of one log, one at a time: directly to an embedded
// server, over the connection to an external one. It belongs to whoever leads the
// bucket's rounds.
type publisher struct {
	stream    *stream
	ackPrefix []byte // see streams.AckPrefix

	conn   *direct.Conn     // that inbox is on
	inbox  *direct.Inbox    // nil for none yet, and with an external server
	acked  chan streams.Ack // of size 1
	header []byte           // reused
}

var (
	// errOvertaken says that the log has another end than was thought: nothing is stored.
	errOvertaken = errors.New("the log has other entries")
	// errLate says that JetStream did not answer in time.
	errLate = errors.New("JetStream did not acknowledge an entry in time")
)

const expectedSequence = "Nats-Expected-Last-Sequence"

func newPublisher(s *stream) publisher {
	return publisher{stream: s, ackPrefix: streams.AckPrefix(s.name)}
}

// publish appends an entry behind the one with the sequence last, and returns its own. After
// errOvertaken and streams.ErrNobody it is not stored; after any other error it may be.
func (p *publisher) publish(ctx context.Context, last uint64, entry []byte) (uint64, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.stream.timeout, errLate)
	defer cancel()
	if d := p.stream.store.Direct(); d != nil {
		return p.publishDirect(ctx, d, last, entry)
	}
	msg, err := p.stream.store.Conn().RequestMsgWithContext(ctx, &nats.Msg{
		Subject: p.stream.subject, Data: entry,
		Header: nats.Header{expectedSequence: []string{strconv.FormatUint(last, 10)}},
	})
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return 0, streams.ErrNobody
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case err != nil:
		return 0, err
	}
	a := p.parseAck(msg.Header.Get(statusHeader), msg.Data)
	return a.Seq, a.Err
}

func (p *publisher) publishDirect(ctx context.Context, d *direct.Conn, last uint64, entry []byte) (uint64, error) {
	session := p.stream.store.Session()
	if p.inbox == nil || p.conn != d {
		p.close()
		acked := make(chan streams.Ack, 1)
		p.conn, p.acked = d, acked
		p.inbox = d.Open(func(status string, data []byte) {
			select {
			case acked <- p.parseAck(status, data):
			default: // nobody waits: it is late, and the inbox is closed
			}
		})
	}
	p.header = append(p.header[:0], "NATS/1.0\r\n"+expectedSequence+": "...)
	p.header = append(strconv.AppendUint(p.header, last, 10), "\r\n\r\n"...)
	err := p.inbox.Publish(p.stream.subject, p.header, entry)
	if err == nil {
		select {
		case a := <-p.acked:
			return a.Seq, a.Err
		case <-session.Done():
			err = context.Cause(session)
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	p.close() // its acknowledgement may come later, and is not that of another entry
	return 0, err
}

func (p *publisher) close() {
	if p.inbox != nil {
		p.inbox.Close()
		p.inbox = nil
	}
}

// parseAck tells an entry that another runtime overtook from one that is refused otherwise.
func (p *publisher) parseAck(status string, data []byte) streams.Ack {
	a := streams.ParseAck(p.ackPrefix, status, data)
	if streams.IsWrongSequence(a.Err) {
		a.Err = errOvertaken
	}
	return a
}
