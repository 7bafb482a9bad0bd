package streams

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// messageGet is the call that a stream's leader answers, and no other replica (ADR-31 tells
// it from the direct one).
const messageGet = "$JS.API.STREAM.MSG.GET."

// A Request is for one message: that of a sequence, the last one of a subject, or the first
// one that was stored at a time or later.
type Request struct {
	Seq   uint64     `json:"seq,omitempty"`
	Last  string     `json:"last_by_subj,omitempty"`
	Since *time.Time `json:"start_time,omitempty"` // in UTC
}

// FromLeader reads a message from the leader of a stream. Only the leader can say that one is
// missing: a replica that answers direct gets may lag. jetstream.ErrMsgNotFound and
// jetstream.ErrStreamNotFound.
func FromLeader(ctx context.Context, conn *nats.Conn, stream string, r Request) (*jetstream.RawStreamMsg, error) {
	request, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	answer, err := conn.RequestWithContext(ctx, messageGet+stream, request)
	if err != nil {
		return nil, err
	}
	var said struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Subject string    `json:"subject"`
			Seq     uint64    `json:"seq"`
			Header  []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(answer.Data, &said); err != nil {
		return nil, fmt.Errorf("reading %s: %w", stream, err)
	}
	if e := said.Error; e != nil {
		switch e.ErrorCode {
		case jetstream.JSErrCodeMessageNotFound:
			return nil, jetstream.ErrMsgNotFound
		case jetstream.JSErrCodeStreamNotFound:
			return nil, jetstream.ErrStreamNotFound
		}
		return nil, e
	}
	m := said.Message
	out := &jetstream.RawStreamMsg{Subject: m.Subject, Sequence: m.Seq, Data: m.Data, Time: m.Time}
	if m.Data == nil {
		out.Data = []byte{}
	}
	if len(m.Header) > 0 {
		if out.Header, err = nats.DecodeHeadersMsg(m.Header); err != nil {
			return nil, fmt.Errorf("reading %s: %w", stream, err)
		}
	}
	return out, nil
}
