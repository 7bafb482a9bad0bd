package topic_test

import (
	"sync/atomic"
	"testing"

	"millrace/runtime/store/keys"
	"millrace/runtime/topic"
)

// A message whose key is gone keeps nothing behind it from the subscriber; one whose key
// is disabled waits for it.
func TestMessagesThatCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want []string
	}{
		{keys.ErrNotFound, []string{"second"}},
		{keys.ErrCiphertext, []string{"second"}},
		{keys.ErrDisabled, []string{"first", "second"}},
	} {
		t.Run(tt.err.Error(), func(t *testing.T) {
			w := start(t)
			var refused atomic.Bool
			w.keys.refuse = func() error {
				if refused.CompareAndSwap(false, true) {
					return tt.err
				}
				return nil
			}
			id := w.create(t, "t.fifo")
			if _, err := w.Subscribe(t.Context(), topic.Subscription{
				Topic: id, Owner: id.Account, Protocol: topic.SQS, Endpoint: "arn:aws:sqs:eu-west-1:111111111111:q.fifo",
				Attributes: map[string]string{topic.RawDelivery: "true"},
			}); err != nil {
				t.Fatal(err)
			}
			for _, body := range []string{"first", "second"} {
				published, err := w.Publish(t.Context(), id, topic.Message{Body: body, GroupID: "g", DedupID: body})
				if err != nil || published[0].Err != nil {
					t.Fatal(err, published)
				}
			}
			for _, want := range tt.want {
				if got := <-w.came; got != want {
					t.Errorf("came %q, want %q", got, want)
				}
			}
		})
	}
}
