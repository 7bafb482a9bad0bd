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

// markerLife is how long a shared bucket keeps a deletion marker, and how long a mirror
// remembers the deletion.
const markerLife = time.Hour

// errRevision says that a record is not at the revision that the mirror has.
var errRevision = errors.New("another revision is there")

// remove deletes a record. It returns once the mirror no longer has it.
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
		if !isConflict(err) {
			return err
		}
		err = s.reread(ctx, kind, key)
		switch {
		case errors.Is(err, fault.NotFound) && s.copies != nil && !s.row(kind, key).deleted: // removed, and the answer was lost
			s.appendEntry(entry{op: opRemoved, revision: before.revision, key: wire})
			s.unmirror(wire)
		case err != nil && !errors.Is(err, fault.NotFound):
			return err
		}
	}
}

// removeAt deletes a record at a revision. It leaves a marker if the deletion must be
// remembered or the bucket is shared.
func (s *Store) removeAt(ctx context.Context, kind, wire string, revision uint64) error {
	if s.copies == nil || s.isMarked(kind) {
		return s.putMarker(ctx, wire, revision, !s.isMarked(kind))
	}
	s.setRemoving(wire, true)
	defer s.setRemoving(wire, false)
	// The copy goes first: a start after a crash in between finds an unfinished deletion,
	// and no lost record. See Store.reconcile.
	if !s.appendEntry(entry{op: opRemoved, revision: revision, key: wire}) {
		return s.putMarker(ctx, wire, revision, false) // until the journal is rewritten without it
	}
	err := s.purge(ctx, wire, revision)
	if err == nil {
		err = s.intact()
	}
	if err != nil {
		s.setRemoving(wire, false)
		s.writeCopy(wire)
		return err
	}
	s.unmirror(wire)
	return nil
}

// putMarker replaces a revision by a deletion marker. If expires is set, the bucket
// removes the marker after markerLife.
func (s *Store) putMarker(ctx context.Context, wire string, over uint64, final bool) error {
	m := nats.NewMsg(prefix + wire)
	o := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(over)}
	final = final && s.markersExpire
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
	s.set(wire, &row{revision: ack.Sequence, deleted: true, markerExpires: final})
	s.writeCopy(wire)
	return nil
}

// purge removes the revisions of a bucket key up to one, and leaves no marker. It is
// errRevision when there were none.
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
		return errRevision
	}
	return nil
}

// forget removes a deletion marker that is no longer needed.
func (s *Store) forget(ctx context.Context, wire string) error {
	defer s.lock(wire)()
	r := s.row(keyOf(wire))
	if !r.deleted || r.markerExpires {
		return nil
	}
	if s.copies == nil {
		if !s.markersExpire {
			return nil
		}
		if err := s.putMarker(ctx, wire, r.revision, true); !isConflict(err) {
			return err
		}
		return nil // another runtime has written the key since
	}
	if s.copies.isBehind(wire) {
		return nil // without the marker the copy would be restored
	}
	if err := s.purge(ctx, wire, r.revision); err != nil && !errors.Is(err, errRevision) {
		return err
	}
	s.unmirror(wire)
	return nil
}

// ForgetOld removes the deletion markers that existed when the store was opened. Call it
// when all deletions that a crash had left unfinished are finished.
func (s *Store) ForgetOld(ctx context.Context) error {
	for wire, r := range s.all() {
		if !r.deleted || r.revision > s.opened {
			continue
		}
		if err := s.forget(ctx, wire); err != nil {
			return fault.Wrap(fault.Unavailable, err, "forgetting what was deleted")
		}
	}
	return nil
}

// setRemoving records whether a record is being removed.
func (s *Store) setRemoving(wire string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !on {
		delete(s.removing, wire)
		return
	}
	if s.removing == nil {
		s.removing = map[string]bool{}
	}
	s.removing[wire] = true
}

// unmirror removes a key from the mirror.
func (s *Store) unmirror(wire string) {
	name, key := keyOf(wire)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unmirrorLocked(name, key)
}

func (s *Store) unmirrorLocked(name, key string) {
	if k := s.kinds[name]; k != nil {
		delete(k.rows, key)
		k.order = nil
	}
}

// An expiringMarker is a deletion that the mirror may forget after at.
type expiringMarker struct {
	kind, key string
	revision  uint64
	at        time.Time
}

// expireMarkersLocked removes old deletions from the mirror: no write that began before
// them can still arrive.
func (s *Store) expireMarkersLocked(now time.Time) {
	n := 0
	for ; n < len(s.expiringMarkers) && now.After(s.expiringMarkers[n].at); n++ {
		f := s.expiringMarkers[n]
		if k := s.kinds[f.kind]; k.rows[f.key] != nil && k.rows[f.key].revision == f.revision {
			s.unmirrorLocked(f.kind, f.key)
		}
	}
	s.expiringMarkers = s.expiringMarkers[n:]
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
