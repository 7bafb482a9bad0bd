package fifo

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/store/backbone"
	"millrace/runtime/store/streams"
)

// A stream is the stream of one log in JetStream.
type stream struct {
	store   *backbone.Backbone
	name    string
	subject string
	timeout time.Duration // for a response of JetStream
}

const (
	streamPrefix  = "MILLRACE_TOPIC_"
	subjectPrefix = "millrace.topic."
	statusHeader  = "Status"

	responseTimeout        = 10 * time.Second // longer than any healthy JetStream takes
	clusterResponseTimeout = 4 * time.Second  // a response is lost when the server that owes it dies

	maxReadItems = 256
	maxReadBytes = 1 << 20
)

// IsLog reports whether a stream is the log of a FIFO topic, by its name.
func IsLog(stream string) bool { return strings.HasPrefix(stream, streamPrefix) }

// token stands for a log in the names that JetStream sees, which may not contain all
// that a log's name may.
func token(log string) string {
	sum := sha256.Sum256([]byte(log))
	return hex.EncodeToString(sum[:16])
}

// messageID stands for a deduplication key in JetStream's header.
func messageID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// laterID stands for the key of an id whose entry, that with a sequence, is older than the
// DuplicateWindow.
func laterID(id string, seq uint64) string {
	return messageID(string(binary.BigEndian.AppendUint64([]byte("\xff"+id), seq)))
}

// nameMetadata is the key in a stream's metadata under which its log's name is kept,
// quoted: a stream without a record is identified by it.
const nameMetadata = "log"

// create makes the stream; its first entry gets the sequence first.
func (s *stream) create(ctx context.Context, log string, first uint64) (jetstream.StreamState, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	made, err := s.store.JetStream().CreateStream(ctx, jetstream.StreamConfig{
		Name:        s.name,
		Description: "The log of a Millrace FIFO topic",
		Subjects:    []string{s.subject},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		AllowDirect: true, // entries are read back by sequence
		Duplicates:  DuplicateWindow,
		FirstSeq:    first,

		MaxMsgsPerSubject: backbone.SmallBlocks,
		Metadata:          map[string]string{nameMetadata: strconv.QuoteToASCII(log)},
	})
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another runtime made it, with another first sequence perhaps
		return s.state(ctx)
	}
	if err != nil {
		return jetstream.StreamState{}, err
	}
	return made.CachedInfo().State, nil
}

// state asks the stream's leader what it holds: jetstream.ErrStreamNotFound when there
// is no stream.
func (s *stream) state(ctx context.Context) (jetstream.StreamState, error) {
	found, err := s.find(ctx)
	if err != nil {
		return jetstream.StreamState{}, err
	}
	return found.CachedInfo().State, nil
}

// find asks for the stream. On a cluster it asks up to four times: while a stream has no
// leader nobody answers.
func (s *stream) find(ctx context.Context) (found jetstream.Stream, err error) {
	wait := s.timeout
	if s.store.Direct() == nil {
		wait /= 8
	}
	for ; wait <= s.timeout; wait *= 2 {
		asked, cancel := context.WithTimeout(ctx, wait)
		found, err = s.store.JetStream().Stream(asked, s.name)
		cancel()
		if err == nil || !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			break
		}
	}
	return found, err
}

// A storedEntry is an entry as it is in the stream.
type storedEntry struct {
	seq     uint64
	time    time.Time
	content []byte
}

// read reads entries from a sequence on, up to last, by one batched direct get
// (ADR-31): maxReadItems and about maxReadBytes at most. It leaves out those that are
// missing.
func (s *stream) read(ctx context.Context, from, last uint64) (entries []storedEntry, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	b := streams.Batch{Stream: s.name, From: from, Last: last, Most: maxReadItems, Bytes: maxReadBytes}
	err = b.Read(ctx, s.store.Conn(), func(seq uint64, m *nats.Msg) (more bool, err error) {
		if seq > last {
			return false, nil
		}
		at, err := time.Parse(time.RFC3339Nano, m.Header.Get("Nats-Time-Stamp"))
		entries = append(entries, storedEntry{seq, at, m.Data})
		return true, err
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// get reads one entry from the stream's leader; nil when it is missing. Only the leader
// can say that: a replica that answers direct gets may lag.
func (s *stream) get(ctx context.Context, seq uint64) (*storedEntry, error) {
	return s.ask(ctx, streams.Request{Seq: seq})
}

// since reads the first entry that was stored at a time or later; nil when there is
// none.
func (s *stream) since(ctx context.Context, at time.Time) (*storedEntry, error) {
	at = at.UTC()
	return s.ask(ctx, streams.Request{Since: &at})
}

func (s *stream) ask(ctx context.Context, r streams.Request) (*storedEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	m, err := streams.FromLeader(ctx, s.store.Conn(), s.name, r)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &storedEntry{seq: m.Sequence, time: m.Time, content: m.Data}, nil
}

// purge removes the entries below a sequence.
func (s *stream) purge(ctx context.Context, below uint64) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	found, err := s.find(ctx)
	if err != nil {
		return err
	}
	if err := found.Purge(ctx, jetstream.WithPurgeSequence(below)); err != nil {
		return err
	}
	s.store.Wrote(s.name)
	return nil
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
