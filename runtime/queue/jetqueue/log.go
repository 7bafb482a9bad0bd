package jetqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/store/backbone"
)

// A log is the stream of one queue. Every entry is published with the sequence
// it has to come after, so that two owners of a queue cannot both write.
type log struct {
	conn     *nats.Conn
	js       jetstream.JetStream
	stream   string
	patience time.Duration // with JetStream, until it counts as not answering
	loads    chan struct{} // has room for one who may read a log
	line                   // of an owner, to append by
}

const (
	streamPrefix  = "MILLRACE_QUEUE_"
	subjectPrefix = "millrace.queue."
	directGet     = "$JS.API.DIRECT.GET."

	answerWait        = 10 * time.Second // longer than any healthy JetStream takes
	clusterAnswerWait = 4 * time.Second  // an answer is lost when the server dies that was to give it

	status = "Status"
)

// IsQueueLog tells whether a stream is the log of a queue, by its name.
func IsQueueLog(stream string) bool { return strings.HasPrefix(stream, streamPrefix) }

func streamConfig(incarnation string, about map[string]string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        streamPrefix + incarnation,
		Description: "The log of a Millrace queue",
		Subjects:    []string{subjectPrefix + incarnation},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		AllowDirect: true, // entries are read back by sequence

		MaxMsgsPerSubject: backbone.SmallBlocks,
		Metadata:          about,
	}
}

// newLog makes the log of a queue's incarnation; its stream need not be there yet.
func (qs *Queues) newLog(source uint64) *log {
	name := incarnation(source)
	l := &log{
		conn: qs.conn, js: qs.js, stream: streamPrefix + name, patience: answerWait, loads: qs.loads,
		line: line{store: qs.store, conn: qs.conn, subject: subjectPrefix + name, ack: fmt.Appendf(nil, `{"stream":%q,"seq":`, streamPrefix+name)},
	}
	if qs.peers != nil {
		l.patience = clusterAnswerWait
	}
	return l
}

// bounds returns the first and the last sequence of the log; first is last+1
// when it is empty.
func (l *log) bounds(ctx context.Context) (first, last uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	s, err := l.js.Stream(ctx, l.stream) // asks the stream's leader
	if err != nil {
		return 0, 0, err
	}
	state := s.CachedInfo().State
	return max(state.FirstSeq, 1), state.LastSeq, nil
}

const (
	readBatch = 4096
	readBytes = 1 << 20
	readWait  = 2 * time.Minute // to read a log
)

// scan calls yield with the entries from sequence from to last, and missing with
// runs of those that are not there, in order. While it does, it reads ahead. It
// waits for its turn, which no log has that does not answer yet: see bounds.
func (l *log) scan(ctx context.Context, from, last uint64, yield func(seq uint64, entry []byte) error, missing func(from, to uint64)) error {
	l.loads <- struct{}{}
	defer func() { <-l.loads }()
	ctx, cancel := context.WithTimeout(ctx, readWait)
	var ahead <-chan stretch
	defer func() {
		cancel()
		if ahead != nil {
			<-ahead // it is over
		}
	}()
	for from <= last {
		if ahead == nil {
			ahead = l.ahead(ctx, from, last)
		}
		s := <-ahead
		ahead = nil
		next := from + uint64(len(s.entries))
		if s.err == nil && next > from && next <= last {
			ahead = l.ahead(ctx, next, last)
		}
		for i, entry := range s.entries {
			if err := yield(from+uint64(i), entry); err != nil {
				return fmt.Errorf("entry %d of %s: %w", from+uint64(i), l.stream, err)
			}
		}
		var g gapError
		switch {
		case errors.As(s.err, &g):
			g.to = min(g.to, last)
		case s.err != nil:
			return s.err
		case next == from:
			g.to = next // one that cannot be read is looked at alone
		}
		for ; next <= g.to; next++ {
			entry, err := l.ask(ctx, next)
			if err != nil {
				return err
			}
			if entry == nil {
				missing(next, next)
			} else if err := yield(next, entry); err != nil {
				return fmt.Errorf("entry %d of %s: %w", next, l.stream, err)
			}
		}
		from = next
	}
	return nil
}

// A stretch is what one read gave: entries that follow one another, and why no
// more of them.
type stretch struct {
	entries [][]byte
	err     error
}

// ahead reads a stretch, and ends with the context at the latest.
func (l *log) ahead(ctx context.Context, from, last uint64) <-chan stretch {
	read := make(chan stretch, 1)
	go func() {
		var s stretch
		_, s.err = l.readSome(ctx, from, last, readBatch, readBytes, func(_ uint64, entry []byte) error {
			s.entries = append(s.entries, entry)
			return nil
		})
		read <- s
	}()
	return read
}

// A gapError says that the entries from at to to were not among those that were
// read.
type gapError struct{ at, to uint64 }

func (g gapError) Error() string { return fmt.Sprintf("entries %d-%d are missing", g.at, g.to) }

// ask reads one entry from the leader of the stream, which alone can say that it
// is not there: nil then. Who answers direct gets may be behind.
func (l *log) ask(ctx context.Context, seq uint64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	answer, err := l.conn.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+l.stream, fmt.Appendf(nil, `{"seq":%d}`, seq))
	if err != nil {
		return nil, err
	}
	var got struct {
		Message struct {
			Data []byte `json:"data"`
		} `json:"message"`
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &got); err != nil {
		return nil, fmt.Errorf("reading entry %d of %s: %w", seq, l.stream, err)
	}
	if got.Error == nil {
		return append([]byte{}, got.Message.Data...), nil
	}
	if got.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
		return nil, nil
	}
	return nil, got.Error
}

// readSome makes one batched direct get (ADR-31) of at most batch entries, and
// little more than so many bytes. It returns the sequence after the last one. At
// entries that are missing it stops with a gapError.
func (l *log) readSome(ctx context.Context, from, last uint64, batch, bytes int, yield func(uint64, []byte) error) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	sub, err := l.conn.SubscribeSync(l.conn.NewInbox())
	if err != nil {
		return from, err
	}
	defer sub.Unsubscribe()
	request := fmt.Sprintf(`{"seq":%d,"batch":%d,"max_bytes":%d}`, from, min(last-from+1, uint64(batch)), bytes)
	if err := l.conn.PublishRequest(directGet+l.stream, sub.Subject, []byte(request)); err != nil {
		return from, err
	}
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return from, err
		}
		switch s := msg.Header.Get(status); s {
		case "":
		case "204", "404": // the end of the batch, or nothing there
			return from, nil
		default:
			return from, errors.New("reading " + l.stream + ": status " + s)
		}
		seq, err := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64)
		if err != nil || seq < from {
			return from, fmt.Errorf("reading %s: got entry %d for %d: %v", l.stream, seq, from, err)
		}
		if seq != from {
			return from, gapError{from, seq - 1}
		}
		if seq > last {
			return from, nil
		}
		if err := yield(seq, msg.Data); err != nil {
			return from, fmt.Errorf("entry %d of %s: %w", seq, l.stream, err)
		}
		from = seq + 1
	}
}

// purge removes the entries below a sequence.
func (l *log) purge(ctx context.Context, below uint64) error {
	ctx, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	s, err := l.js.Stream(ctx, l.stream)
	if err != nil {
		return err
	}
	return s.Purge(ctx, jetstream.WithPurgeSequence(below))
}
