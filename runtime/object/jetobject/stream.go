package jetobject

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/store/backbone"
	"millrace/runtime/store/streams"
)

// A stream is the log of one bucket in JetStream.
type stream struct {
	store   *backbone.Backbone
	name    string
	subject string
	timeout time.Duration // for a response of JetStream
	shared  bool          // by several runtimes: a replica that answers direct gets may lag
}

const (
	streamPrefix  = "MILLRACE_BUCKET_"
	subjectPrefix = "millrace.bucket."
	directGet     = "$JS.API.DIRECT.GET."
	statusHeader  = "Status"

	responseTimeout        = 10 * time.Second // longer than any healthy JetStream takes
	clusterResponseTimeout = 4 * time.Second  // a response is lost when the server that owes it dies

	maxReadEntries = 4096
	maxReadBytes   = 1 << 20
)

// IsLog reports whether a stream is the log of a bucket, by its name.
func IsLog(stream string) bool { return strings.HasPrefix(stream, streamPrefix) }

// generationName stands for a bucket's generation in the names of streams, folders and
// files.
func generationName(generation uint64) string { return fmt.Sprintf("%016x", generation) }

// create makes the stream, unless it is there.
func (s *stream) create(ctx context.Context, metadata map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	_, err := s.store.JetStream().CreateStream(ctx, jetstream.StreamConfig{
		Name:        s.name,
		Description: "The log of a Millrace bucket",
		Subjects:    []string{s.subject},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		AllowDirect: true, // entries are read back by sequence

		MaxMsgsPerSubject: backbone.SmallBlocks,
		Metadata:          metadata,
	})
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // made by another runtime, whose record was another version
		return nil
	}
	return err
}

// bounds asks the stream's leader for the first and the last sequence; first is last+1 when
// it is empty. A stream that does not exist has none: 1, 0.
func (s *stream) bounds(ctx context.Context) (first, last uint64, err error) {
	wait := s.timeout
	if s.shared { // while a stream has no leader nobody answers
		wait /= 8
	}
	for ; wait <= s.timeout; wait *= 2 {
		asked, cancel := context.WithTimeout(ctx, wait)
		var found jetstream.Stream
		found, err = s.store.JetStream().Stream(asked, s.name)
		cancel()
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return 1, 0, nil
		}
		if err == nil {
			state := found.CachedInfo().State
			return max(state.FirstSeq, 1), state.LastSeq, nil
		}
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			break
		}
	}
	return 0, 0, err
}

// scan calls yield for the entries from a sequence to another one, and missing for ranges of
// those that do not exist, in order. Entries are yield's to keep.
func (s *stream) scan(ctx context.Context, from, last uint64, yield func(seq uint64, entry []byte) error, missing func(from, to uint64)) error {
	for from <= last {
		next, err := s.readBatch(ctx, from, last, yield)
		var gap streams.GapError
		switch {
		case errors.As(err, &gap):
			gap.To = min(gap.To, last)
		case err != nil:
			return err
		case next == from: // nothing at all
			gap.To = last
			if s.shared {
				gap.To = from
			}
		}
		if from = next; gap.To < from {
			continue
		}
		if !s.shared {
			missing(from, gap.To)
			from = gap.To + 1
			continue
		}
		for ; from <= gap.To; from++ {
			entry, err := s.fromLeader(ctx, from)
			if err != nil {
				return err
			}
			if entry == nil {
				missing(from, from)
			} else if err := yield(from, entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// readBatch reads some entries, as streams.Batch.ReadAll does.
func (s *stream) readBatch(ctx context.Context, from, last uint64, yield func(uint64, []byte) error) (next uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	b := streams.Batch{Stream: s.name, From: from, Last: last, Most: maxReadEntries, Bytes: maxReadBytes}
	return b.ReadAll(ctx, s.store.Conn(), yield)
}

// get reads one entry; nil when it does not exist.
func (s *stream) get(ctx context.Context, seq uint64) ([]byte, error) {
	asked, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	msg, err := s.store.Conn().RequestWithContext(asked, directGet+s.name, fmt.Appendf(nil, `{"seq":%d}`, seq))
	if err != nil {
		return nil, fmt.Errorf("reading entry %d of %s: %w", seq, s.name, err)
	}
	switch status := msg.Header.Get(statusHeader); {
	case status == "":
		return msg.Data, nil
	case status == "404" && !s.shared:
		return nil, nil
	case status == "404":
		return s.fromLeader(ctx, seq)
	default:
		return nil, fmt.Errorf("reading entry %d of %s: status %s", seq, s.name, status)
	}
}

// fromLeader reads one entry from the stream's leader; nil when it does not exist. Only the
// leader can say that: a replica that answers direct gets may lag.
func (s *stream) fromLeader(ctx context.Context, seq uint64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	msg, err := streams.FromLeader(ctx, s.store.Conn(), s.name, streams.Request{Seq: seq})
	if errors.Is(err, jetstream.ErrMsgNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return msg.Data, nil
}

// purge removes the entries below a sequence.
func (s *stream) purge(ctx context.Context, below uint64) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	found, err := s.store.JetStream().Stream(ctx, s.name)
	if err != nil {
		return err
	}
	defer s.store.Wrote(s.name)
	return found.Purge(ctx, jetstream.WithPurgeSequence(below))
}

// remove deletes the stream, if there is one.
func (s *stream) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err := s.store.JetStream().DeleteStream(ctx, s.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	return err
}
