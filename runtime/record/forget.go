package record

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/atomicfile"
)

// What is deleted leaves a marker in the bucket and in the mirror: for the mirrors of
// other runtimes, for the next start, which might think that the record was lost, and
// for who asks [Table.State]. Once nobody needs it, it is purged: a hundred together,
// when the hundredth comes.

const (
	markersAtOnce = 100
	// markersLast is how long markers stay on a cluster. A runtime that did not hear
	// from it for so long keeps what was deleted meanwhile until it starts again.
	markersLast = 24 * time.Hour
)

// Marked returns the table for one who asks State of what is deleted: its markers
// stay, also over a restart, until Forget.
func (t *Table[T]) Marked() *Table[T] {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if t.store.marked == nil {
		t.store.marked = map[string]bool{}
	}
	t.store.marked[t.kind] = true
	return t
}

// Forget says that nobody needs to know anymore that a record of a Marked table was
// deleted.
func (t *Table[T]) Forget(key string) {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if r := t.store.rows[t.kind][key]; r != nil && r.gone {
		r.free = true
	}
}

// ForgetAll is Forget for all that is deleted.
func (t *Table[T]) ForgetAll() {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	for _, r := range t.store.rows[t.kind] {
		r.free = r.gone
	}
}

// A marker is of a record that is deleted.
type marker struct {
	kind, key string
	row       *row
}

// forget purges the markers that nobody needs, when there are many. What cannot be
// purged is tried again with the next ones.
func (s *Store) forget(ctx context.Context) {
	if !s.forgetting.TryLock() {
		return
	}
	defer s.forgetting.Unlock()
	needless := s.needless(time.Now())
	if len(needless) == 0 || !s.copiesForgot() {
		return
	}
	stream, err := s.js.Stream(ctx, "KV_"+bucket)
	if err != nil {
		return
	}
	for _, m := range needless {
		// Not what came after it: the key may be in use again.
		err := stream.Purge(ctx, jetstream.WithPurgeSubject(subject(wireKey(m.kind, m.key))), jetstream.WithPurgeSequence(m.row.revision+1))
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.rows[m.kind][m.key] == m.row {
			delete(s.rows[m.kind], m.key)
			s.markers--
		}
		s.mu.Unlock()
	}
}

// needless returns the markers that can be purged, when a hundred have come since
// it was asked last.
func (s *Store) needless(now time.Time) (all []marker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.markers < max(s.enough, markersAtOnce) {
		return nil
	}
	defer func() { s.enough = s.markers - len(all) + markersAtOnce }()
	for kind, rows := range s.rows {
		for key, r := range rows {
			if r.gone && (r.free || !s.marked[kind]) && (s.watch == nil || now.Sub(r.since) >= markersLast) && !s.copyBehind(kind, key) {
				all = append(all, marker{kind, key, r})
			}
		}
	}
	return all
}

// copyBehind tells that the copy of a record that is deleted is still there.
func (s *Store) copyBehind(kind, key string) bool {
	if s.copies == nil {
		return false
	}
	s.copies.mu.Lock()
	defer s.copies.mu.Unlock()
	return s.copies.behind[wireKey(kind, key)]
}

// copiesForgot makes sure that a power cut brings no copy back: the next start
// would take it for a record that was lost.
func (s *Store) copiesForgot() bool {
	return s.copies == nil || atomicfile.SyncFolder(s.copies.Dir) == nil
}

// subject is where the bucket keeps a key.
func subject(wire string) string { return "$KV." + bucket + "." + wire }
