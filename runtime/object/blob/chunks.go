package blob

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/store/streams"
)

// Chunks is a Store on an external NATS server, which several runtimes share. A bucket
// is a stream, a blob the messages of one subject in it:
//
//	chunk ... chunk   the bytes, in order, each as large as maxChunk but the last
//	index ...         of a very large one: the sequences of its chunks
//	end               size, and the sequences of the chunks, or of the index
//
// A blob that has no end is not there: it is being written, or was left behind. The
// sequences lead from an offset to its chunk with one request.
type Chunks struct {
	js    jetstream.JetStream
	chunk int           // bytes of each
	grace time.Duration // Grace; tests are less patient
	pins  pins

	buffers sync.Pool // of chunk bytes

	mu      sync.Mutex // guards the rest
	writing map[string]bool
	streams map[string]jetstream.Stream // by bucket; one that was removed is found out by use
}

const (
	blobStreamPrefix  = "MILLRACE_BLOB_"
	blobSubjectPrefix = "millrace.blob."

	// maxChunk keeps what an upload has under way small, and is large enough that a
	// message costs little beside its bytes.
	maxChunk = 128 << 10
	minChunk = 1 << 10
	// messageSlack is more than what a message has beside its data.
	messageSlack = 2 << 10

	// responseTimeout is longer than any healthy JetStream takes.
	responseTimeout = 10 * time.Second
)

var _ Store = (*Chunks)(nil)

// NewChunks makes a Store on a server's JetStream. Streams get as many replicas as that
// gives them.
func NewChunks(js jetstream.JetStream) *Chunks {
	chunk := min(maxChunk, max(int(js.Conn().MaxPayload())-messageSlack, minChunk))
	s := &Chunks{js: js, chunk: chunk, grace: Grace, writing: map[string]bool{}, streams: map[string]jetstream.Stream{}}
	s.buffers.New = func() any { b := make([]byte, chunk); return &b }
	s.pins.remove = func(bucket, name string) { s.purgeLater(bucket, name) } // else it is swept
	s.pins.removeBucket = func(bucket string) {
		ctx, cancel := context.WithTimeout(context.Background(), responseTimeout)
		defer cancel()
		s.removeStream(ctx, bucket)
	}
	return s
}

func streamOf(bucket string) string        { return blobStreamPrefix + bucket }
func subjectOf(bucket, name string) string { return blobSubjectPrefix + bucket + "." + name }

// ensure returns the stream of a bucket, which it creates if need be.
func (s *Chunks) ensure(ctx context.Context, bucket string) (jetstream.Stream, error) {
	if st := s.known(bucket); st != nil {
		return st, nil
	}
	st, err := s.js.CreateStream(ctx, jetstream.StreamConfig{
		Name:        streamOf(bucket),
		Description: "Contents of the objects of a Millrace bucket",
		Subjects:    []string{subjectOf(bucket, "*")},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		AllowDirect: true, // chunks are read by sequence
	})
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // with other replicas
		return s.find(ctx, bucket)
	}
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	s.learn(bucket, st)
	return st, nil
}

// find returns the stream of a bucket; fault.NotFound when there is none.
func (s *Chunks) find(ctx context.Context, bucket string) (jetstream.Stream, error) {
	if st := s.known(bucket); st != nil {
		return st, nil
	}
	st, err := s.js.Stream(ctx, streamOf(bucket))
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	s.learn(bucket, st)
	return st, nil
}

func (s *Chunks) known(bucket string) jetstream.Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams[bucket]
}

// learn sets the stream of a bucket; nil when it may be gone.
func (s *Chunks) learn(bucket string, st jetstream.Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams[bucket] = st; st == nil {
		delete(s.streams, bucket)
	}
}

// failed is what a failed call means to the caller.
func (s *Chunks) failed(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return fault.Wrap(fault.NotFound, err, "the bucket has no stored contents")
	case fault.Of(err) != fault.Internal:
		return err
	}
	return fault.Wrap(fault.Unavailable, err, "storing or reading the content of an object on NATS")
}

// Remove implements Store.
func (s *Chunks) Remove(ctx context.Context, bucket string, names ...string) error {
	return s.pins.removeNamed(bucket, names, func(name string) error { return s.purge(ctx, bucket, name) })
}

// purge removes all messages of a blob.
func (s *Chunks) purge(ctx context.Context, bucket, name string) error {
	st, err := s.find(ctx, bucket)
	if err == nil {
		err = s.failed(ctx, st.Purge(ctx, jetstream.WithPurgeSubject(subjectOf(bucket, name))))
	}
	if errors.Is(err, fault.NotFound) {
		s.learn(bucket, nil)
		return nil
	}
	return err
}

// purgeLater is purge whose caller has no context, or one that is over.
func (s *Chunks) purgeLater(bucket, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), responseTimeout)
	defer cancel()
	s.purge(ctx, bucket, name)
}

// RemoveBucket implements Store.
func (s *Chunks) RemoveBucket(ctx context.Context, bucket string) error {
	if err := checkBucket(bucket); err != nil {
		return err
	}
	if !s.pins.removingBucket(bucket) {
		return nil
	}
	defer s.pins.removedBucket(bucket)
	return s.removeStream(ctx, bucket)
}

func (s *Chunks) removeStream(ctx context.Context, bucket string) error {
	s.learn(bucket, nil)
	if err := s.failed(ctx, s.js.DeleteStream(ctx, streamOf(bucket))); !errors.Is(err, fault.NotFound) {
		return err
	}
	return nil
}

// Buckets implements Store.
func (s *Chunks) Buckets(ctx context.Context) (names []string, err error) {
	all := s.js.StreamNames(ctx, jetstream.WithStreamListSubject(blobSubjectPrefix+">"))
	for name := range all.Name() {
		if bucket, ok := strings.CutPrefix(name, blobStreamPrefix); ok {
			names = append(names, bucket)
		}
	}
	return names, s.failed(ctx, all.Err())
}

// Sweep implements Store. Another runtime may be writing a blob that has no name yet,
// so all leftovers have their grace. It goes by the server's clock.
func (s *Chunks) Sweep(ctx context.Context, bucket string, keep func(name string) bool) (removed int, err error) {
	if err := checkBucket(bucket); err != nil {
		return 0, err
	}
	st, err := s.js.Stream(ctx, streamOf(bucket))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return 0, nil
	}
	var info *jetstream.StreamInfo
	if err == nil {
		info, err = st.Info(ctx, jetstream.WithSubjectFilter(subjectOf(bucket, "*")))
	}
	if err != nil {
		return 0, s.failed(ctx, err)
	}
	for subject := range info.State.Subjects {
		name := strings.TrimPrefix(subject, subjectOf(bucket, ""))
		if !isName(name) || keep(name) || s.isWriting(name) {
			continue
		}
		last, err := st.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // removed meanwhile
		}
		if err != nil {
			return removed, s.failed(ctx, err)
		}
		if info.TimeStamp.Sub(last.Time) < s.grace {
			continue
		}
		if err := s.Remove(ctx, bucket, name); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}

func (s *Chunks) isWriting(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writing[name]
}

// message reads a message of a blob. A replica that answers may lag behind, and not have
// it yet; the leader has it if it is there.
func (s *Chunks) message(ctx context.Context, st jetstream.Stream, seq uint64) (*jetstream.RawStreamMsg, error) {
	m, err := st.GetMsg(ctx, seq)
	if isMissing(err) {
		m, err = s.leaders(ctx, st.CachedInfo().Config.Name, streams.Request{Seq: seq})
	}
	return m, err
}
