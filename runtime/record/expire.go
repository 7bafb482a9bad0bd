package record

import (
	"context"
	"sync"
	"time"
)

// sweepEvery is how often a table looks for records that are over.
const sweepEvery = time.Minute

// A life says until when the records of a table are good.
type life[T any] struct {
	over func(T) time.Time
	now  func() time.Time

	mu    sync.Mutex // guards swept
	swept time.Time
}

// Expiring returns the table for records that are good until over says: from then
// on nobody finds them, and one of the same key can be made. They are removed when
// others are made; now tells the time.
func (t *Table[T]) Expiring(over func(T) time.Time, now func() time.Time) *Table[T] {
	e := *t
	e.life = &life[T]{over: over, now: now}
	return &e
}

// good tells whether a record is not over yet.
func (l *life[T]) good(v T) bool { return l == nil || l.now().Before(l.over(v)) }

// sweep removes what is over, once in a while: each look reads all records.
func (t *Table[T]) sweep(ctx context.Context) {
	if t.life == nil || !t.life.due() {
		return
	}
	for _, key := range t.store.keys(t.kind, "") {
		_, _ = t.removeOver(ctx, key) // what stays is tried again next time
	}
}

func (l *life[T]) due() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if !l.swept.IsZero() && now.Sub(l.swept).Abs() < sweepEvery { // Abs: clocks are set back too
		return false
	}
	l.swept = now
	return true
}

// removeOver removes a record that is over, and reports whether it was.
func (t *Table[T]) removeOver(ctx context.Context, key string) (over bool, err error) {
	r, ok := t.store.get(t.kind, key)
	if !ok || t.life == nil {
		return false, nil
	}
	if v, err := t.decode(r); err != nil || t.life.good(v) {
		return false, nil
	}
	if err := t.store.removeAt(ctx, wireKey(t.kind, key), r.revision); !mismatch(err) {
		return true, err
	}
	return true, nil // another runtime was first
}
