package jetobject

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/store/backbone/direct"
)

// A publisher publishes the entries of one log, one at a time: directly to an embedded
// server, over the connection to an external one. It belongs to whoever leads the
// bucket's rounds.
type publisher struct {
	stream    *stream
	ackPrefix []byte // how an acknowledgement begins, up to the sequence

	conn   *direct.Conn  // that inbox is on
	inbox  *direct.Inbox // nil for none yet, and with an external server
	acked  chan ack      // of size 1
	header []byte        // reused
}

// An ack is what JetStream has said of an entry.
type ack struct {
	seq uint64
	err error // why the entry is not stored
}

var (
	// errOvertaken says that the log has another end than was thought: nothing is stored.
	errOvertaken = errors.New("the log has other entries")
	// errNobody says that no stream has taken the entry: nothing is stored.
	errNobody = errors.New("JetStream does not respond (status 503)")
	// errLate says that JetStream did not answer in time.
	errLate = errors.New("JetStream did not acknowledge an entry in time")
)

const expectedSequence = "Nats-Expected-Last-Sequence"

func newPublisher(s *stream) publisher {
	return publisher{stream: s, ackPrefix: fmt.Appendf(nil, `{"stream":%q,"seq":`, s.name)}
}

// publish appends an entry behind the one with the sequence last, and returns its own. After
// errOvertaken and errNobody it is not stored; after any other error it may be.
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
		return 0, errNobody
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case err != nil:
		return 0, err
	}
	a := p.parseAck(msg.Header.Get(statusHeader), msg.Data)
	return a.seq, a.err
}

func (p *publisher) publishDirect(ctx context.Context, d *direct.Conn, last uint64, entry []byte) (uint64, error) {
	session := p.stream.store.Session()
	if p.inbox == nil || p.conn != d {
		p.close()
		acked := make(chan ack, 1)
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
			return a.seq, a.err
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

func (p *publisher) parseAck(status string, data []byte) ack {
	if rest, ok := bytes.CutPrefix(data, p.ackPrefix); ok && status == "" {
		if digits, ok := bytes.CutSuffix(rest, []byte("}")); ok {
			if seq, err := strconv.ParseUint(string(digits), 10, 64); err == nil {
				return ack{seq: seq} // nearly always
			}
		}
	}
	var said struct {
		Seq   uint64              `json:"seq"`
		Error *jetstream.APIError `json:"error"`
	}
	err := json.Unmarshal(data, &said)
	switch {
	case err == nil && said.Error != nil && isWrongSequence(said.Error):
		return ack{err: errOvertaken}
	case err == nil && said.Error != nil:
		return ack{err: said.Error}
	case status == "503":
		return ack{err: errNobody}
	case status != "":
		return ack{err: fmt.Errorf("JetStream does not respond (status %s)", status)}
	case err != nil || said.Seq == 0:
		return ack{err: fmt.Errorf("malformed acknowledgement: %v", err)}
	}
	return ack{seq: said.Seq}
}

func isWrongSequence(e *jetstream.APIError) bool {
	return e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}
