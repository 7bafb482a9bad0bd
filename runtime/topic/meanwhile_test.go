package topic_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/delivery/target"
	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
	"millrace/runtime/topic"
	"millrace/runtime/topic/fifo"
	"millrace/test/patience"
)

func TestMain(m *testing.M) { backbonetest.Main(m) }

// A keyring has one key, and calls asked before it gives it out.
// What it refuses to unwrap it has an error for.
type keyring struct {
	asked  func()
	refuse func() error
}

func (r *keyring) DataKey(string, string, string) (keys.DataKey, error) {
	if r.asked != nil {
		r.asked()
	}
	aead, err := r.Unwrap(nil)
	return keys.DataKey{Wrapped: []byte("key"), AEAD: aead}, err
}

func (r *keyring) Unwrap(wrapped []byte) (cipher.AEAD, error) {
	if r.refuse != nil && wrapped != nil {
		if err := r.refuse(); err != nil {
			return nil, err
		}
	}
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

var errDisabled = fault.New(fault.Denied, "the key is disabled")

// A world is topics without subscribers.
type world struct {
	*topic.Topics
	logs *fifo.Logs
	keys keyring
	log  lockedBuffer
	asks func()      // called when the topics ask what time it is; nil for nothing
	came chan string // the bodies that the one queue there is has got
}

func start(t *testing.T) *world {
	t.Helper()
	backbone := backbonetest.Start(t, t.TempDir())
	store := record.New(backbone.JetStream(), nil)
	w := &world{logs: fifo.New(fifo.Config{Backbone: backbone, Records: store}), came: make(chan string, 100)}
	resolve := func(string) (delivery.Target, error) {
		return target.Func(func(_ context.Context, e delivery.Event) (delivery.Reply, error) {
			w.came <- string(e.Body)
			return delivery.Reply{}, nil
		}), nil
	}
	now := func() time.Time {
		if asks := w.asks; asks != nil {
			asks()
		}
		return time.Now()
	}
	w.Topics = topic.New(topic.Config{Records: store, Keys: &w.keys, Logs: w.logs, Resolve: resolve, Now: now, Log: slog.New(slog.NewTextHandler(&w.log, nil))})
	parts := []lifecycle.Part{store, w.logs, w.Topics}
	for _, p := range parts {
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, p := range slices.Backward(parts) {
			if err := p.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	return w
}

func (w *world) create(t *testing.T, name string) topic.ID {
	t.Helper()
	id := topic.ID{Account: "111111111111", Region: "eu-west-1", Name: name}
	if _, err := w.Create(t.Context(), topic.Topic{ID: id, Attributes: map[string]string{}}); err != nil {
		t.Fatal(err)
	}
	return id
}

// remake deletes a topic and, if again is true, makes it again.
func (w *world) remake(t *testing.T, id topic.ID, again bool) {
	t.Helper()
	if err := w.Delete(t.Context(), id); err != nil {
		t.Error(err)
	}
	if again {
		w.create(t, id.Name)
	}
}

// Who publishes to a FIFO topic while it is deleted is told so, and leaves no log.
func TestPublishDuringADelete(t *testing.T) {
	for _, again := range []bool{false, true} {
		w := start(t)
		id := w.create(t, "t.fifo")
		w.keys.asked = func() {
			w.keys.asked = nil
			w.remake(t, id, again)
		}
		_, err := w.Publish(t.Context(), id, topic.Message{Body: "b", GroupID: "g", DedupID: "d"})
		if !errors.Is(err, fault.NotFound) {
			t.Errorf("made again %t: %v", again, err)
		}
		want := 0
		if again {
			want = 1
		}
		if got := w.logs.Names(); len(got) != want {
			t.Errorf("made again %t: the logs %v are left", again, got)
		}
	}
}

// Who subscribes to a topic while it is deleted is told so, and a topic of the same name
// does not have the subscription.
func TestSubscribeDuringADelete(t *testing.T) {
	for _, name := range []string{"t", "t.fifo"} {
		w := start(t)
		id := w.create(t, name)
		w.asks = func() {
			w.asks = nil
			w.remake(t, id, true)
		}
		_, err := w.Subscribe(t.Context(), topic.Subscription{Topic: id, Owner: id.Account, Protocol: topic.SQS, Endpoint: "arn:aws:sqs:eu-west-1:111111111111:q"})
		if !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
		if got := w.Subscriptions(id); len(got) > 0 {
			t.Errorf("%s: the new topic has %v", name, got)
		}
	}
}

// A lockedBuffer is written to by some and read by others.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// The log says once why messages of a FIFO topic wait.
func TestTheLogSaysWhyMessagesWait(t *testing.T) {
	w := start(t)
	id := w.create(t, "t.fifo")
	s, err := w.Subscribe(t.Context(), topic.Subscription{Topic: id, Owner: id.Account, Protocol: topic.SQS, Endpoint: "arn:aws:sqs:eu-west-1:111111111111:q.fifo"})
	if err != nil {
		t.Fatal(err)
	}
	w.keys.refuse = func() error { return errDisabled }
	for _, dedup := range []string{"1", "2"} {
		if _, err := w.Publish(t.Context(), id, topic.Message{Body: "b", GroupID: "g", DedupID: dedup}); err != nil {
			t.Fatal(err)
		}
	}
	patience.Until(t, "a line in the log", func() bool { return strings.Contains(w.log.String(), s.ARN()) }, nil)
	if n := strings.Count(w.log.String(), s.ARN()); n != 1 {
		t.Errorf("the log has\n%s", w.log.String())
	}
}
