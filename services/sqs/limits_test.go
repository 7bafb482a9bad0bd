package sqs

import (
	"errors"
	"strings"
	"testing"
	"time"

	"millrace/runtime/queue"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// With 120,000 messages in flight a short poll of a standard queue is told so; a
// long poll, and every poll of a FIFO queue, finds nothing.
func TestOverLimit(t *testing.T) {
	const limit = 120_000
	queues, s := started(t, Options{AnyNumber: true})
	for _, name := range []string{"q", "q.fifo"} {
		id := queue.ID{Account: "000000000000", Region: "us-east-1", Name: name}
		cfg := fresh(created)
		cfg.ContentDedup = true
		cfg.Visibility = time.Hour
		q, err := queues.Create(t.Context(), id, cfg)
		if err != nil {
			t.Fatal(err)
		}
		batch := make([]queue.Message, 4000)
		for sent := 0; sent <= limit; sent += len(batch) {
			for i := range batch {
				n := string(rune('a'+i%26)) + time.Duration(sent+i).String()
				batch[i] = queue.Message{Body: n, GroupID: n}
			}
			if _, err := q.Send(t.Context(), batch...); err != nil {
				t.Fatal(err)
			}
		}
		ctx := identity.With(t.Context(), &identity.Caller{Account: id.Account, Region: id.Region})
		receive := func(n, wait int32) (int, error) {
			out, err := s.ReceiveMessage(ctx, &api.ReceiveMessageInput{QueueUrl: &name, MaxNumberOfMessages: &n, WaitTimeSeconds: &wait})
			if err != nil {
				return 0, err
			}
			return len(out.Messages), nil
		}
		if n, err := receive(-1, 0); n != limit || err != nil {
			t.Fatalf("%s: all are %d messages (%v), want %d", name, n, err, limit)
		}
		n, err := receive(1, 0)
		var e *wire.Error
		switch over := errors.As(err, &e) && e.Code == "OverLimit" && e.Status == 403 && strings.HasPrefix(e.Message, "Too many messages have been received"); {
		case id.FIFO() && (n != 0 || err != nil):
			t.Errorf("%s: a short poll got %d messages, %v; want none", name, n, err)
		case !id.FIFO() && !over:
			t.Errorf("%s: a short poll got %d messages, %v; want OverLimit", name, n, err)
		}
		if n, err := receive(1, 1); n != 0 || err != nil {
			t.Errorf("%s: a long poll got %d messages, %v; want none", name, n, err)
		}
	}
}
