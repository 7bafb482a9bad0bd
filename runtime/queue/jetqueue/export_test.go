package jetqueue

import (
	"context"

	"millrace/runtime/store/loss"
)

// Reread reads the log of a queue as its next owner would, and returns what it
// would find missing.
func (q *Queue) Reread(ctx context.Context) (*loss.Loss, error) {
	r, err := q.replay(ctx, q.reader)
	if err != nil {
		return nil, err
	}
	defer r.machine.Discard()
	return r.loss, nil
}

// ContentOf reads a content back from the log, as a receive does when it is not in
// memory.
func (q *Queue) ContentOf(ctx context.Context, entry, number uint64) (string, error) {
	p, err := q.loadContent(ctx, entry, number)
	return string(p.Content), err
}
