package bridge

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
)

const (
	// maxUnread bounds the entries of a link that are on their way through the stream, and
	// maxUnreadBytes their bytes; one alone may be larger. A link stops reading from its broker
	// meanwhile.
	maxUnread      = 2048
	maxUnreadBytes = 8 << 20

	// spareEntries and spareBytes are how much a stream holds beside what is unacknowledged,
	// since entries are removed a moment after they are settled.
	spareEntries = 8192
	spareBytes   = 16 << 20

	// leastBytes is what a stream may hold where the server does not have more memory.
	leastBytes = 16 << 20

	purgePause = 50 * time.Millisecond // between two calls that remove entries
	apiTimeout = 5 * time.Second       // of calls to JetStream
)

// memberKey is, in the metadata of a stream, the node of the cluster that bridges the
// queue; subjectKey is the queue's subject.
const (
	memberKey  = "millrace-member"
	subjectKey = "millrace-subject"
)

// A stream is that of a queue, as long as links of this runtime use it. It is in memory,
// in one replica, and holds what is unacknowledged. At its bounds the server removes the
// oldest entries: those have been read by then, since a link sends no more than maxUnread
// entries ahead of what it has read.
type stream struct {
	js    jetstream.JetStream
	queue Queue
	name  string
	self  string // this node of the cluster; "" when it is alone

	users int // guarded by Bridges.mu

	settled chan struct{} // of capacity 1: there may be something to remove

	joining sync.Mutex         // held while a link joins or leaves; guards halt
	halt    context.CancelFunc // ends purge; nil while nobody has joined
	purging sync.WaitGroup

	mu     sync.Mutex // guards what follows
	links  map[*link]struct{}
	handle jetstream.Stream
	purged uint64 // up to here nothing is left
}

func newStream(js jetstream.JetStream, q Queue, self string) *stream {
	return &stream{js: js, queue: q, name: q.stream(), self: self, settled: make(chan struct{}, 1), links: map[*link]struct{}{}}
}

// join makes the stream, or has it hold what one more link needs. last is the sequence of
// the last entry that is not the link's.
func (s *stream) join(ctx context.Context, l *link) (last uint64, err error) {
	s.joining.Lock()
	defer s.joining.Unlock()
	config := s.add(l)
	handle, err := s.js.CreateOrUpdateStream(ctx, config)
	if outOfMemory(err) {
		config.MaxBytes = leastBytes
		handle, err = s.js.CreateOrUpdateStream(ctx, config)
	}
	if err != nil {
		s.remove(l)
		return 0, err
	}
	s.mu.Lock()
	s.handle = handle
	s.mu.Unlock()
	if s.halt == nil {
		var halted context.Context
		halted, s.halt = context.WithCancel(context.Background())
		s.purging.Go(func() { s.purge(halted) })
	}
	return handle.CachedInfo().State.LastSeq, nil
}

// add adds a link, and returns what the stream has to be like.
func (s *stream) add(l *link) jetstream.StreamConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[l] = struct{}{}
	return s.config()
}

// remove removes a link, and returns how many are left.
func (s *stream) remove(l *link) (left int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.links, l)
	return len(s.links)
}

func outOfMemory(err error) bool {
	var e *jetstream.APIError
	return errors.As(err, &e) && e.ErrorCode == memoryExceeded
}

// memoryExceeded is JetStream's code for "insufficient memory resources available".
const memoryExceeded jetstream.ErrorCode = 10028

// config is called with mu held.
func (s *stream) config() jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name: s.name, Subjects: []string{s.queue.Subject()}, Description: "deliveries of a queue of RabbitMQ that are not acknowledged",
		Storage: jetstream.MemoryStorage, Replicas: 1, NoAck: true, Discard: jetstream.DiscardOld,
		MaxMsgs: spareEntries, MaxBytes: spareBytes,
		Metadata: map[string]string{memberKey: s.self, subjectKey: s.queue.Subject()},
	}
	for l := range s.links {
		c.MaxMsgs += int64(l.spec.Prefetch) + maxUnread
		c.MaxBytes += maxHeld
	}
	return c
}

// leave is the end of a link. The last one removes the stream, unless another runtime
// reads it already.
func (s *stream) leave(ctx context.Context, l *link) error {
	s.joining.Lock()
	defer s.joining.Unlock()
	if s.remove(l) > 0 {
		s.removable()
		return nil
	}
	if s.halt == nil { // it was never made
		return nil
	}
	s.halt()
	s.halt = nil
	s.purging.Wait()
	s.purged = 0
	return removeUnread(ctx, s.js, s.handle)
}

// removeUnread removes a stream that nobody reads.
func removeUnread(ctx context.Context, js jetstream.JetStream, handle jetstream.Stream) error {
	info, err := handle.Info(ctx)
	if err == nil && info.State.Consumers == 0 {
		err = js.DeleteStream(ctx, info.Config.Name)
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		err = nil
	}
	return fault.Wrap(fault.Unavailable, err, "removing the stream of a queue")
}

// removable says that entries may be settled that were not.
func (s *stream) removable() {
	select {
	case s.settled <- struct{}{}:
	default:
	}
}

// purge removes entries that are settled. It need not succeed: the stream is bounded.
func (s *stream) purge(halted context.Context) {
	for {
		select {
		case <-s.settled:
		case <-halted.Done():
			return
		}
		s.purgeOnce(halted)
		select {
		case <-time.After(purgePause):
		case <-halted.Done():
			return
		}
	}
}

func (s *stream) purgeOnce(halted context.Context) {
	s.mu.Lock()
	floor := ^uint64(0)
	for l := range s.links {
		floor = min(floor, l.floor())
	}
	handle, purged := s.handle, s.purged
	s.mu.Unlock()
	if floor <= purged+1 || floor == ^uint64(0) {
		return
	}
	ctx, cancel := context.WithTimeout(halted, apiTimeout)
	defer cancel()
	if handle.Purge(ctx, jetstream.WithPurgeSequence(floor)) == nil {
		s.mu.Lock()
		s.purged = floor - 1
		s.mu.Unlock()
	}
}
