package memory

import (
	"context"

	"golang.org/x/sync/semaphore"
)

const (
	// A request needs this many times its body while it is decoded and its messages
	// are encoded, encrypted and published.
	copies = 6
	// Bodies up to this size are not counted.
	smallBody = 32 << 10
	// A body of unknown length counts as a full SQS batch.
	unknownBody = 1 << 20
	// Requests may use one in so many bytes of the live heap's budget.
	requestShare = 4
)

// Hold waits until there is memory to read and serve a body of that many bytes, -1 for
// unknown. The caller must call release when the request is served. Hold fails when ctx
// ends first. A body larger than the whole budget waits for all of it. A nil Limit never
// waits.
func (l *Limit) Hold(ctx context.Context, body int64) (release func(), err error) {
	if body < 0 {
		body = unknownBody
	}
	if l == nil || body <= smallBody {
		return func() {}, nil
	}
	n := min(body*copies, l.requests)
	if err := l.held.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() { l.held.Release(n) }, nil
}

// openRequests sets the room for requests.
func (l *Limit) openRequests() {
	l.requests = l.room / requestShare
	l.held = semaphore.NewWeighted(l.requests)
}
