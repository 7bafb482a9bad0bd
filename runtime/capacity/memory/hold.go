package memory

import (
	"context"

	"golang.org/x/sync/semaphore"
)

const (
	// A request takes so many times its body while it is decoded, and its messages
	// packed, sealed and published.
	copies = 6
	// Bodies up to so many bytes are not counted: their number is what costs.
	smallBody = 32 << 10
	// A body whose length nobody knows yet counts as that of a full batch of SQS.
	unknownBody = 1 << 20
	// Of what may live, requests may take this part.
	requestShare = 4
)

// Hold waits until there is room to read and serve a body of so many bytes, -1 for
// unknown, and returns what gives the room back. It fails when ctx ends first.
// Bodies that are larger than all the room are served one at a time. A nil Limit
// has room.
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
