package blob

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// messageGet is the call that a stream's leader answers, and no other replica
// (ADR-31 tells it from the direct one).
const messageGet = "$JS.API.STREAM.MSG.GET."

// A leaderRequest is for one message: a sequence, or the last one of a subject.
type leaderRequest struct {
	Seq  uint64 `json:"seq,omitempty"`
	Last string `json:"last_by_subj,omitempty"`
}

type leaderResponse struct {
	Error   *jetstream.APIError `json:"error"`
	Message struct {
		Subject string    `json:"subject"`
		Seq     uint64    `json:"seq"`
		Header  []byte    `json:"hdrs"`
		Data    []byte    `json:"data"`
		Time    time.Time `json:"time"`
	} `json:"message"`
}

// leaders reads a message from the leader of a stream.
func (s *Chunks) leaders(ctx context.Context, stream string, r leaderRequest) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, responseTimeout)
	defer cancel()
	request, _ := json.Marshal(r) // always can be
	answer, err := s.js.Conn().RequestWithContext(ctx, messageGet+stream, request)
	if err != nil {
		return nil, err
	}
	var response leaderResponse
	if err := json.Unmarshal(answer.Data, &response); err != nil {
		return nil, err
	}
	if e := response.Error; e != nil {
		switch e.ErrorCode {
		case jetstream.JSErrCodeMessageNotFound:
			return nil, jetstream.ErrMsgNotFound
		case jetstream.JSErrCodeStreamNotFound:
			return nil, jetstream.ErrStreamNotFound
		}
		return nil, e
	}
	m := response.Message
	out := &jetstream.RawStreamMsg{Subject: m.Subject, Sequence: m.Seq, Data: m.Data, Time: m.Time}
	if len(m.Header) > 0 {
		if out.Header, err = nats.DecodeHeadersMsg(m.Header); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// isMissing reports whether a replica has not got a message, or no replica of a stream
// answers: the leader knows more.
func isMissing(err error) bool {
	return errors.Is(err, jetstream.ErrMsgNotFound) || errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, nats.ErrNoResponders)
}
