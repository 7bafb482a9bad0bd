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

func (s *Store) refresh(ctx context.Context, kind, key string) error {
	defer s.lock(wireKey(kind, key))()
	return s.reread(ctx, kind, key)
}

// reread reads one key from the leader of the bucket: with several replicas, a
// direct get, as the key-value client makes it, may be answered by one that is
// behind. Nobody else here changes the key meanwhile.
func (s *Store) reread(ctx context.Context, kind, key string) error {
	if err := s.intact(); err != nil {
		return err // what is there is not what the next start finds
	}
	wire := wireKey(kind, key)
	if len(wire) > maxKey {
		return fault.New(fault.NotFound, "no such %s", kind) // there can be none
	}
	request, err := json.Marshal(map[string]string{"last_by_subj": prefix + wire})
	if err != nil {
		return err
	}
	msg, err := s.js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, request)
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
		if s.copies == nil { // also the marker of its deletion is gone
			s.drop(wire)
		}
		return fault.New(fault.NotFound, "no %s %s", kind, key)
	} else if e != nil {
		return fault.Wrap(fault.Unavailable, e, "reading %s %s", kind, key)
	}
	var operation string
	if len(answer.Message.Hdrs) > 0 {
		h, err := nats.DecodeHeadersMsg(answer.Message.Hdrs)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "reading %s %s", kind, key)
		}
		operation = h.Get(operationHeader)
	}
	r := entryRow(answer.Message.Data, answer.Message.Seq, operation)
	if s.take(wire, r) {
		s.keep(wire) // a write whose acknowledgement was lost
	}
	if r.gone {
		return fault.New(fault.NotFound, "no %s %s", kind, key)
	}
	return nil
}

// take mirrors a write and, when it is news, tells those who watch.
func (s *Store) take(wire string, r *row) (news bool) {
	if !s.set(wire, r) {
		return false
	}
	kind, key, _ := parseKey(wire)
	if !r.gone {
		s.arm(kind, 0) // it says itself when it ends
	}
	s.tell(kind, key)
	return true
}

// tell tells those who watch a kind.
func (s *Store) tell(kind, key string) {
	s.mu.RLock()
	watchers := s.watchers[kind]
	s.mu.RUnlock()
	for _, news := range watchers {
		news(key)
	}
}

// mismatch tells that another runtime wrote to the key in between.
func mismatch(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyRevisionMismatch) || errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, errOther) ||
		errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == wrongSequenceConstant)
}

// wrongSequenceConstant is how a stream with replicas says that another was first,
// while that is under way.
const wrongSequenceConstant = 10164
