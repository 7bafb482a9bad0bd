package record

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
)

// Watch calls news after the mirror has taken in what another runtime wrote to a
// key of this kind, in the order of the writes to that key. What this runtime
// writes is no news. news must not wait for anything: it holds the mirror up.
func (t *Table[T]) Watch(news func(key string)) {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if t.store.watchers == nil {
		t.store.watchers = map[string][]func(string){}
	}
	t.store.watchers[t.kind] = append(t.store.watchers[t.kind], news)
}

// Refresh brings one record up to date, past the mirror, which may be a moment
// behind what another runtime has written. fault.NotFound when there is none.
func (t *Table[T]) Refresh(ctx context.Context, key string) error {
	return t.store.refresh(ctx, t.kind, key)
}

// refresh reads one key from the leader of the bucket: with several replicas, a
// direct get, as the key-value client makes it, may be answered by one that is
// behind.
func (s *Store) refresh(ctx context.Context, kind, key string) error {
	if err := s.intact(); err != nil {
		return err // what is there is not what the next start finds
	}
	wire := wireKey(kind, key)
	if len(wire) > maxKey {
		return fault.New(fault.NotFound, "no such %s", kind) // there can be none
	}
	request, err := json.Marshal(map[string]string{"last_by_subj": "$KV." + bucket + "." + wire})
	if err != nil {
		return err
	}
	msg, err := s.js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET.KV_"+bucket, request)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading %s %s", kind, key)
	}
	var answer struct {
		Error   *jetstream.APIError
		Message struct {
			Seq  uint64
			Hdrs []byte
			Data []byte
		}
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return fault.Wrap(fault.Internal, err, "reading %s %s", kind, key)
	}
	if e := answer.Error; e != nil && e.ErrorCode == jetstream.JSErrCodeMessageNotFound {
		return fault.New(fault.NotFound, "no %s %s", kind, key)
	} else if e != nil {
		return fault.Wrap(fault.Unavailable, e, "reading %s %s", kind, key)
	}
	r := &row{value: answer.Message.Data, revision: answer.Message.Seq}
	if len(answer.Message.Hdrs) > 0 {
		h, err := nats.DecodeHeadersMsg(answer.Message.Hdrs)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "reading %s %s", kind, key)
		}
		r.gone = h.Get("KV-Operation") != "" // a marker of its deletion
	}
	s.take(wire, r)
	if r.gone {
		return fault.New(fault.NotFound, "no %s %s", kind, key)
	}
	return nil
}

// take mirrors a write and, when it is news, tells those who watch.
func (s *Store) take(wire string, r *row) {
	if !s.set(wire, r) {
		return
	}
	kind, key, _ := parseKey(wire)
	s.mu.RLock()
	watchers := s.watchers[kind]
	s.mu.RUnlock()
	for _, news := range watchers {
		news(key)
	}
}

// mismatch tells that another runtime wrote to the key in between.
func mismatch(err error) bool {
	return errors.Is(err, jetstream.ErrKeyRevisionMismatch) || errors.Is(err, jetstream.ErrKeyExists)
}
