package record

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/store/streams"
)

// Watch calls changed after the mirror has received what another runtime wrote to a key
// of this kind, in the order of the writes to that key. It is not called for this runtime's
// own writes. changed must not block: the mirror waits for it.
func (t *Table[T]) Watch(changed func(key string)) {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if t.store.watchers == nil {
		t.store.watchers = map[string][]func(string){}
	}
	t.store.watchers[t.kind] = append(t.store.watchers[t.kind], changed)
}

// Refresh reads one record from the bucket into the mirror, which may lag a moment behind
// what another runtime has written. fault.NotFound when there is no such record.
func (t *Table[T]) Refresh(ctx context.Context, key string) error {
	return t.store.refresh(ctx, t.kind, key)
}

func (s *Store) refresh(ctx context.Context, kind, key string) error {
	defer s.lock(wireKey(kind, key))()
	return s.reread(ctx, kind, key)
}

// reread reads one key from the leader of the bucket: with several replicas, a
// direct get, as the key-value client makes it, may be answered by one that is
// behind. Nobody else here changes the key meanwhile.
func (s *Store) reread(ctx context.Context, kind, key string) error {
	if err := s.intact(); err != nil {
		return err // the next start may find something else
	}
	wire := wireKey(kind, key)
	if len(wire) > maxKey {
		return fault.New(fault.NotFound, "no such %s", kind) // there can be none
	}
	m, err := streams.FromLeader(ctx, s.js.Conn(), stream, streams.Request{Last: prefix + wire})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		if s.copies == nil { // also the marker of its deletion is gone
			s.unmirror(wire)
		}
		return fault.New(fault.NotFound, "no %s %s", kind, key)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading %s %s", kind, key)
	}
	r := entryRow(m.Data, m.Sequence, m.Header.Get(operationHeader))
	if s.applyRow(wire, r) {
		s.writeCopy(wire) // a write whose acknowledgement was lost
	}
	if r.deleted {
		return fault.New(fault.NotFound, "no %s %s", kind, key)
	}
	return nil
}

// applyRow puts a row into the mirror and, if it is newer, calls the watchers.
func (s *Store) applyRow(wire string, r *row) (news bool) {
	if !s.set(wire, r) {
		return false
	}
	kind, key, _ := parseKey(wire)
	if !r.deleted {
		s.arm(kind, 0) // the sweep reads when it expires
	}
	s.notify(kind, key)
	return true
}

// notify calls the watchers of a kind.
func (s *Store) notify(kind, key string) {
	s.mu.RLock()
	watchers := s.watchers[kind]
	s.mu.RUnlock()
	for _, changed := range watchers {
		changed(key)
	}
}

// isConflict reports whether a write failed because another runtime wrote to the key.
func isConflict(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyRevisionMismatch) || errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, errRevision) ||
		errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == errCodeWrongSequenceConstant)
}

// errCodeWrongSequenceConstant is what a stream with replicas answers while another write
// to the key is in progress.
const errCodeWrongSequenceConstant = 10164
