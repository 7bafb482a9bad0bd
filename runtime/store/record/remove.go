package record

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
)

// markerLife is how long a bucket that others follow keeps the marker of a
// deletion, and a mirror what it says.
const markerLife = time.Hour

// errOther says that a record is not what the mirror has.
var errOther = errors.New("another revision is there")

// remove deletes a record. It returns once the mirror has seen it go.
func (s *Store) remove(ctx context.Context, wire string) error {
	defer s.lock(wire)()
	kind, key, _ := parseKey(wire)
	for {
		before, there := s.get(kind, key)
		if !there {
			return nil // another runtime was first
		}
		if err := s.intact(); err != nil {
			return err
		}
		err := s.removeAt(ctx, kind, wire, before.revision)
		if !mismatch(err) {
			return err
		}
		err = s.reread(ctx, kind, key)
		switch {
		case errors.Is(err, fault.NotFound) && s.copies != nil && !s.row(kind, key).gone: // removed, and the answer was lost
			s.note(entry{op: removed, revision: before.revision, key: wire})
			s.drop(wire)
		case err != nil && !errors.Is(err, fault.NotFound):
			return err
		}
	}
}

// removeAt deletes what is there at a revision. A record whose deletion must be
// known later leaves a marker in the bucket, as does one that other mirrors have.
func (s *Store) removeAt(ctx context.Context, kind, wire string, revision uint64) error {
	if s.copies == nil || s.isMarked(kind) {
		return s.mark(ctx, wire, revision, !s.isMarked(kind))
	}
	s.leave(wire, true)
	defer s.leave(wire, false)
	// The copy goes first: who is killed in between finds what is to be finished, and
	// nothing that was lost. See Copies.match.
	if !s.note(entry{op: removed, revision: revision, key: wire}) {
		return s.mark(ctx, wire, revision, false) // until there is a journal without it
	}
	err := s.purge(ctx, wire, revision)
	if err == nil {
		err = s.intact()
	}
	if err != nil {
		s.leave(wire, false)
		s.keep(wire)
		return err
	}
	s.drop(wire)
	return nil
}

// mark writes the marker of a deletion over a revision. One that is final is
// removed by itself in a while.
func (s *Store) mark(ctx context.Context, wire string, over uint64, final bool) error {
	m := nats.NewMsg(prefix + wire)
	o := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(over)}
	final = final && s.fades
	if final {
		m.Header.Set(operationHeader, purged)
		m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
		o = append(o, jetstream.WithMsgTTL(markerLife))
	} else {
		m.Header.Set(operationHeader, deleted)
	}
	ack, err := s.js.PublishMsg(ctx, m, o...)
	if err == nil {
		err = s.intact()
	}
	if err != nil {
		return err
	}
	s.set(wire, &row{revision: ack.Sequence, gone: true, final: final})
	s.keep(wire)
	return nil
}

// purge removes what a key of the bucket has up to a revision, without a trace.
// errOther when there was nothing of that kind.
func (s *Store) purge(ctx context.Context, wire string, upTo uint64) error {
	request, err := json.Marshal(map[string]any{"filter": prefix + wire, "seq": upTo + 1}) // all before
	if err != nil {
		return err
	}
	msg, err := s.js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.PURGE."+stream, request)
	if err != nil {
		return err
	}
	var answer struct {
		Error  *jetstream.APIError
		Purged int
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return answer.Error
	}
	if answer.Purged == 0 {
		return errOther
	}
	return nil
}

// forget removes the marker of a deletion that nobody needs to know of anymore.
func (s *Store) forget(ctx context.Context, wire string) error {
	defer s.lock(wire)()
	r := s.row(keyOf(wire))
	if !r.gone || r.final {
		return nil
	}
	if s.copies == nil {
		if !s.fades {
			return nil
		}
		if err := s.mark(ctx, wire, r.revision, true); !mismatch(err) {
			return err
		}
		return nil // it is another one's already
	}
	if s.copies.isBehind(wire) {
		return nil // without it the copy would come back
	}
	if err := s.purge(ctx, wire, r.revision); err != nil && !errors.Is(err, errOther) {
		return err
	}
	s.drop(wire)
	return nil
}

// Settle forgets the markers of deletions that were there when the store was
// opened. Call it when everyone has seen to what a kill left half deleted.
func (s *Store) Settle(ctx context.Context) error {
	for wire, r := range s.all() {
		if !r.gone || r.revision > s.opened {
			continue
		}
		if err := s.forget(ctx, wire); err != nil {
			return fault.Wrap(fault.Unavailable, err, "forgetting what was deleted")
		}
	}
	return nil
}

// leave says that a record is being removed, or is not anymore.
func (s *Store) leave(wire string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !on {
		delete(s.leaving, wire)
		return
	}
	if s.leaving == nil {
		s.leaving = map[string]bool{}
	}
	s.leaving[wire] = true
}

// drop takes a key out of the mirror.
func (s *Store) drop(wire string) {
	name, key := keyOf(wire)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLocked(name, key)
}

func (s *Store) dropLocked(name, key string) {
	if k := s.kinds[name]; k != nil {
		delete(k.rows, key)
		k.order = nil
	}
}

// A faded is a deletion that the mirror may forget after at.
type faded struct {
	kind, key string
	revision  uint64
	at        time.Time
}

// fadeLocked takes the deletions out of the mirror that are old: no write that was
// under way before them is anymore.
func (s *Store) fadeLocked(now time.Time) {
	n := 0
	for ; n < len(s.fading) && now.After(s.fading[n].at); n++ {
		f := s.fading[n]
		if k := s.kinds[f.kind]; k.rows[f.key] != nil && k.rows[f.key].revision == f.revision {
			s.dropLocked(f.kind, f.key)
		}
	}
	s.fading = s.fading[n:]
}

func (s *Store) isMarked(kind string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.marked[kind]
}

func keyOf(wire string) (kind, key string) {
	kind, key, _ = parseKey(wire)
	return kind, key
}
