package blob

import (
	"context"
	"errors"
	"millrace/runtime/store/streams"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// leaders reads a message from the leader of a stream.
func (s *Chunks) leaders(ctx context.Context, stream string, r streams.Request) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, responseTimeout)
	defer cancel()
	return streams.FromLeader(ctx, s.js.Conn(), stream, r)
}

// isMissing reports whether a replica has not got a message, or no replica of a stream
// answers: the leader knows more.
func isMissing(err error) bool {
	return errors.Is(err, jetstream.ErrMsgNotFound) || errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, nats.ErrNoResponders)
}
