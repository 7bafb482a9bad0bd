package jetqueue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/store/backbone"
	"millrace/runtime/store/streams"
)

// A queueLog is the stream of one queue. Every entry is published with the sequence
// that it has to follow, so that of two owners only one can write.
type queueLog struct {
	conn      *nats.Conn
	js        jetstream.JetStream
	stream    string
	timeout   time.Duration // for a response of JetStream
	readSlots chan struct{} // limits how many logs are read at the same time
	appender                // for the owner
}

const (
	streamPrefix  = "MILLRACE_QUEUE_"
	subjectPrefix = "millrace.queue."

	responseTimeout        = 10 * time.Second // longer than any healthy JetStream takes
	clusterResponseTimeout = 4 * time.Second  // a response is lost when the server that owes it dies

	statusHeader = "Status"
)

// IsQueueLog reports whether a stream is the log of a queue, by its name.
func IsQueueLog(stream string) bool { return strings.HasPrefix(stream, streamPrefix) }

func streamConfig(generation string, metadata map[string]string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        streamPrefix + generation,
		Description: "The log of a Millrace queue",
		Subjects:    []string{subjectPrefix + generation},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		AllowDirect: true, // entries are read back by sequence

		MaxMsgsPerSubject: backbone.SmallBlocks,
		Metadata:          metadata,
	}
}

// newLog returns the log of a queue's generation; its stream need not exist yet.
func (qs *Queues) newLog(generation uint64) *queueLog {
	name := generationName(generation)
	l := &queueLog{
		conn: qs.conn, js: qs.js, stream: streamPrefix + name, timeout: responseTimeout, readSlots: qs.readSlots,
		appender: appender{store: qs.store, conn: qs.conn, subject: subjectPrefix + name, ackPrefix: streams.AckPrefix(streamPrefix + name)},
	}
	if qs.router != nil {
		l.timeout = clusterResponseTimeout
	}
	return l
}

// bounds returns the first and the last sequence of the log; first is last+1
// when it is empty.
func (l *queueLog) bounds(ctx context.Context) (first, last uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	s, err := l.js.Stream(ctx, l.stream) // asks the stream's leader
	if err != nil {
		return 0, 0, err
	}
	state := s.CachedInfo().State
	return max(state.FirstSeq, 1), state.LastSeq, nil
}

const (
	maxReadEntries = 4096
	maxReadBytes   = 1 << 20
	readTimeout    = 2 * time.Minute // for a whole log
)

// scan calls yield for the entries from sequence from to last, and missing for
// ranges of those that are missing, in order. It reads ahead. It waits for a read
// slot; call bounds first, so that a log which does not respond takes none.
func (l *queueLog) scan(ctx context.Context, from, last uint64, yield func(seq uint64, entry []byte) error, missing func(from, to uint64)) error {
	l.readSlots <- struct{}{}
	defer func() { <-l.readSlots }()
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	var ahead <-chan readResult
	defer func() {
		cancel()
		if ahead != nil {
			<-ahead // so that the goroutine has ended
		}
	}()
	for from <= last {
		if ahead == nil {
			ahead = l.readAhead(ctx, from, last)
		}
		s := <-ahead
		ahead = nil
		next := from + uint64(len(s.entries))
		if s.err == nil && next > from && next <= last {
			ahead = l.readAhead(ctx, next, last)
		}
		for i, entry := range s.entries {
			if err := yield(from+uint64(i), entry); err != nil {
				return fmt.Errorf("entry %d of %s: %w", from+uint64(i), l.stream, err)
			}
		}
		var g streams.GapError
		switch {
		case errors.As(s.err, &g):
			g.To = min(g.To, last)
		case s.err != nil:
			return s.err
		case next == from:
			g.To = next // an entry that cannot be read is read alone
		}
		for ; next <= g.To; next++ {
			entry, err := l.readFromLeader(ctx, next)
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

// A readResult has consecutive entries, and why there are no more of them.
type readResult struct {
	entries [][]byte
	err     error
}

// readAhead reads in a goroutine, which ends with the context at the latest.
func (l *queueLog) readAhead(ctx context.Context, from, last uint64) <-chan readResult {
	read := make(chan readResult, 1)
	go func() {
		var s readResult
		_, s.err = l.readBatch(ctx, from, last, maxReadEntries, maxReadBytes, func(_ uint64, entry []byte) error {
			s.entries = append(s.entries, entry)
			return nil
		})
		read <- s
	}()
	return read
}

// readFromLeader reads one entry from the stream's leader; nil when it does not
// exist. Only the leader can say that: a replica that answers direct gets may lag.
func (l *queueLog) readFromLeader(ctx context.Context, seq uint64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	msg, err := streams.FromLeader(ctx, l.conn, l.stream, streams.Request{Seq: seq})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return msg.Data, nil
}

// readBatch makes one batched direct get (ADR-31) of at most batch entries and about
// so many bytes. It returns the sequence after the last one. At missing entries it
// stops with a streams.GapError.
func (l *queueLog) readBatch(ctx context.Context, from, last uint64, batch, bytes int, yield func(uint64, []byte) error) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	b := streams.Batch{Stream: l.stream, From: from, Last: last, Most: batch, Bytes: bytes}
	return b.ReadAll(ctx, l.conn, func(seq uint64, entry []byte) error {
		if err := yield(seq, entry); err != nil {
			return fmt.Errorf("entry %d of %s: %w", seq, l.stream, err)
		}
		return nil
	})
}

// trim purges the entries below a sequence.
func (l *queueLog) trim(ctx context.Context, below uint64) error {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	s, err := l.js.Stream(ctx, l.stream)
	if err != nil {
		return err
	}
	return s.Purge(ctx, jetstream.WithPurgeSequence(below))
}
