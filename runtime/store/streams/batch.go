package streams

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
)

const (
	directGet = "$JS.API.DIRECT.GET."

	statusHeader   = "Status"
	sequenceHeader = "Nats-Sequence"
)

// A Batch is a batched direct get (ADR-31) of a stream's messages: those from one sequence
// to another, Most of them at most, and about so many bytes.
type Batch struct {
	Stream     string
	From, Last uint64
	Most       int
	Bytes      int
}

// Read calls yield with the messages that there are, by rising sequence, until it wants no
// more. Any replica may answer, also one that lags.
func (b Batch) Read(ctx context.Context, conn *nats.Conn, yield func(seq uint64, m *nats.Msg) (more bool, err error)) error {
	sub, err := conn.SubscribeSync(conn.NewInbox())
	if err != nil {
		return err
	}
	defer sub.Unsubscribe()
	request := fmt.Sprintf(`{"seq":%d,"batch":%d,"max_bytes":%d}`, b.From, min(b.Last-b.From+1, uint64(b.Most)), b.Bytes)
	if err := conn.PublishRequest(directGet+b.Stream, sub.Subject, []byte(request)); err != nil {
		return err
	}
	from := b.From
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return fmt.Errorf("reading %s from %d on: %w", b.Stream, from, err)
		}
		switch status := m.Header.Get(statusHeader); status {
		case "":
		case "204", "404": // the end of the batch, or nothing there
			return nil
		default:
			return fmt.Errorf("reading %s from %d on: status %s", b.Stream, from, status)
		}
		seq, err := strconv.ParseUint(m.Header.Get(sequenceHeader), 10, 64)
		if err != nil || seq < from {
			return fmt.Errorf("reading %s from %d on: got entry %d: %v", b.Stream, from, seq, err)
		}
		if more, err := yield(seq, m); err != nil || !more {
			return err
		}
		from = seq + 1
	}
}

// ReadAll is Read for entries of which none should be missing: at one that is it stops with a
// GapError. It returns the sequence after the last entry that it has read.
func (b Batch) ReadAll(ctx context.Context, conn *nats.Conn, yield func(seq uint64, entry []byte) error) (next uint64, err error) {
	next = b.From
	err = b.Read(ctx, conn, func(seq uint64, m *nats.Msg) (more bool, err error) {
		switch {
		case seq != next:
			return false, GapError{next, seq - 1}
		case seq > b.Last:
			return false, nil
		}
		if err := yield(seq, m.Data); err != nil {
			return false, err
		}
		next = seq + 1
		return true, nil
	})
	return next, err
}

// A GapError says that the entries from one to another were not among those read.
type GapError struct{ From, To uint64 }

func (g GapError) Error() string { return fmt.Sprintf("entries %d-%d are missing", g.From, g.To) }
