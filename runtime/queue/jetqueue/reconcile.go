package jetqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/store/loss"
	"millrace/runtime/store/record"
)

// recordMetadata is the key in a stream's metadata under which the record of its
// queue is kept, as it was at the creation: an orphan is identified by it.
const recordMetadata = "record"

func streamMetadata(r queueRecord) (map[string]string, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return map[string]string{"account": r.ID.Account, "region": r.ID.Region, "queue": r.ID.Name, recordMetadata: string(b)}, nil
}

// reconcile matches records with streams, and returns the queues that exist. A
// killed process leaves streams without a record, of queues that were being created
// or deleted; those are removed. Anything else is damage:
//
//   - A stream that was in use, and whose queue no one deleted, gets its record
//     back, with the configuration at the queue's creation.
//   - A queue without a stream gets a new one. If JetStream only failed to read the
//     old one's configuration, it finds the entries again.
func (qs *Queues) reconcile(ctx context.Context, strict bool) (rows []queueRecord, err error) {
	rows = qs.table.List("")
	wanted := map[string]queueRecord{}
	for _, r := range rows {
		wanted[streamPrefix+generationName(r.Generation)] = r
	}
	for _, name := range qs.store.Asleep() {
		if _, ok := wanted[name]; ok {
			delete(wanted, name)
		} else if err := qs.store.Wake(ctx, name); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "opening stream %s, which no queue has", name)
		}
	}
	streams := qs.js.ListStreams(ctx, jetstream.WithStreamListSubject(subjectPrefix+"*"))
	var orphans []*jetstream.StreamInfo
	for s := range streams.Info() {
		if _, ok := wanted[s.Config.Name]; ok {
			delete(wanted, s.Config.Name)
		} else if strings.HasPrefix(s.Config.Name, streamPrefix) {
			orphans = append(orphans, s)
		}
	}
	if err := streams.Err(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "listing the streams of queues")
	}
	if strict {
		return rows, qs.mismatches(wanted, orphans)
	}
	for _, s := range orphans {
		if qs.router != nil && !qs.isOldOrphan(ctx, s.Config.Name) {
			continue
		}
		r, err := qs.restoreRecord(ctx, s)
		if err != nil {
			return nil, err
		}
		if r != nil {
			rows = append(rows, *r)
		}
	}
	if qs.router != nil { // another node may be deleting the queue
		return rows, nil
	}
	for _, r := range wanted {
		if err := qs.recreateStream(ctx, r); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// recordOfOrphan returns the record of the queue that an orphan belonged to; nil
// when the orphan is to be removed.
func (qs *Queues) recordOfOrphan(s *jetstream.StreamInfo) *queueRecord {
	var r queueRecord
	switch {
	case json.Unmarshal([]byte(s.Config.Metadata[recordMetadata]), &r) != nil:
		return nil // older than this metadata: it was being deleted
	case s.State.Msgs == 0 && !qs.checkpoints.get(r.Generation).known: // created, and its record was not
		return nil
	case streamPrefix+generationName(r.Generation) != s.Config.Name:
		return nil
	}
	switch qs.table.State(recordKey(r.ID)) {
	case record.Deleted, record.Present: // Present is another queue of the same name
		return nil
	}
	return &r
}

// restoreRecord restores and returns the record of an orphan, or removes the orphan.
// When the record exists but cannot be read, both are left alone.
func (qs *Queues) restoreRecord(ctx context.Context, s *jetstream.StreamInfo) (*queueRecord, error) {
	r := qs.recordOfOrphan(s)
	if r != nil && qs.table.State(recordKey(r.ID)) == record.Unreadable {
		return nil, qs.onLoss(loss.Loss{Kind: loss.Record, Name: r.ID.ARN().String(), What: unreadableRecord})
	}
	if r == nil {
		err := qs.js.DeleteStream(ctx, s.Config.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, nil
		}
		return nil, fault.Wrap(fault.Unavailable, err, "removing stream %s, which no queue has", s.Config.Name)
	}
	if err := qs.onLoss(loss.Loss{Kind: loss.Record, Name: r.ID.ARN().String(), What: lostRecord}); err != nil {
		return nil, err
	}
	return r, qs.table.Create(ctx, recordKey(r.ID), *r)
}

const lostRecord = "the record of this queue was lost; it is back with the configuration and tags it was made with, " +
	"and what was changed since is lost"

const unreadableRecord = "the record of this queue cannot be read: it is damaged, or of another version; its messages are kept, and not served"

// recreateStream creates the stream of a queue that has none.
func (qs *Queues) recreateStream(ctx context.Context, r queueRecord) error {
	s, err := qs.createStream(ctx, r)
	if err != nil {
		return err
	}
	l := loss.Loss{Kind: loss.Queue, Name: r.ID.ARN().String()}
	switch n, m := s.CachedInfo().State.Msgs, qs.checkpoints.get(r.Generation); {
	case n > 0:
		l.Repaired, l.What = true, fmt.Sprintf("JetStream did not know its log anymore; %d entries were found again", n)
	case m.known && m.lastEntry > 0: // replay finds out what is missing
		return nil
	default:
		l.What = "its log is gone, with all messages; how many there were is not known"
		l.AtMost = true
	}
	return qs.onLoss(l)
}

// mismatches describes what reconcile would repair.
func (qs *Queues) mismatches(wanted map[string]queueRecord, orphans []*jetstream.StreamInfo) (err error) {
	for _, r := range wanted {
		err = errors.Join(err, fmt.Errorf("queue %s: its log is gone", r.ID.ARN()))
	}
	for _, s := range orphans {
		if r := qs.recordOfOrphan(s); r != nil {
			err = errors.Join(err, fmt.Errorf("queue %s: its record is gone", r.ID.ARN()))
		}
	}
	return err
}

func (qs *Queues) createStream(ctx context.Context, r queueRecord) (jetstream.Stream, error) {
	metadata, err := streamMetadata(r)
	if err != nil {
		return nil, err
	}
	s, err := qs.js.CreateStream(ctx, streamConfig(generationName(r.Generation), metadata))
	return s, fault.Wrap(fault.Unavailable, err, "making the stream of queue %s", r.ID.Name)
}
