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

// aboutRecord is where the metadata of a stream keeps the record of its queue, as
// it was when the queue was made: what an orphan is recognised by.
const aboutRecord = "record"

func about(r row) (map[string]string, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return map[string]string{"account": r.ID.Account, "region": r.ID.Region, "queue": r.ID.Name, aboutRecord: string(b)}, nil
}

// match brings records and streams together, and returns the queues that there
// are. A killed process leaves streams without a record, of queues that were being
// made or deleted; those are removed. Anything else is damage:
//
//   - A stream that was in use, and whose queue nobody deleted gets its record back, with
//     the configuration that the queue was made with.
//   - A queue without a stream gets a new one. If JetStream only refused to read
//     the old one, it finds the entries again.
func (qs *Queues) match(ctx context.Context, strict bool) (rows []row, err error) {
	rows = qs.table.List("")
	wanted := map[string]row{}
	for _, r := range rows {
		wanted[streamPrefix+incarnation(r.Source)] = r
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
		if qs.peers != nil && !qs.settled(ctx, s.Config.Name) {
			continue
		}
		r, err := qs.adopt(ctx, s)
		if err != nil {
			return nil, err
		}
		if r != nil {
			rows = append(rows, *r)
		}
	}
	if qs.peers != nil { // another node may be deleting the queue
		return rows, nil
	}
	for _, r := range wanted {
		if err := qs.restream(ctx, r); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// ownerOf tells which queue an orphan belonged to; nil when it is to be removed.
func (qs *Queues) ownerOf(s *jetstream.StreamInfo) *row {
	var r row
	switch {
	case json.Unmarshal([]byte(s.Config.Metadata[aboutRecord]), &r) != nil:
		return nil // of before there were such: it was being deleted
	case s.State.Msgs == 0 && !qs.marks.get(r.Source).known: // made, and its record was not
		return nil
	case streamPrefix+incarnation(r.Source) != s.Config.Name:
		return nil
	}
	switch qs.table.State(key(r.ID)) {
	case record.Deleted, record.Present: // present is another one of the name
		return nil
	}
	return &r
}

// adopt brings the record of an orphan back, and returns it, or removes the
// orphan. One whose record is there and cannot be read is left for who can.
func (qs *Queues) adopt(ctx context.Context, s *jetstream.StreamInfo) (*row, error) {
	r := qs.ownerOf(s)
	if r != nil && qs.table.State(key(r.ID)) == record.Unreadable {
		return nil, qs.lost(loss.Loss{Kind: loss.Record, Name: r.ID.ARN().String(), What: strangeRecord})
	}
	if r == nil {
		err := qs.js.DeleteStream(ctx, s.Config.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, nil
		}
		return nil, fault.Wrap(fault.Unavailable, err, "removing stream %s, which no queue has", s.Config.Name)
	}
	if err := qs.lost(loss.Loss{Kind: loss.Record, Name: r.ID.ARN().String(), What: lostRecord}); err != nil {
		return nil, err
	}
	return r, qs.table.Create(ctx, key(r.ID), *r)
}

const lostRecord = "the record of this queue was lost; it is back with the configuration and tags it was made with, " +
	"and what was changed since is lost"

const strangeRecord = "the record of this queue cannot be read: it is damaged, or of another version; its messages are kept, and not served"

// restream makes the stream of a queue that has none.
func (qs *Queues) restream(ctx context.Context, r row) error {
	s, err := qs.makeStream(ctx, r)
	if err != nil {
		return err
	}
	l := loss.Loss{Kind: loss.Queue, Name: r.ID.ARN().String()}
	switch n, m := s.CachedInfo().State.Msgs, qs.marks.get(r.Source); {
	case n > 0:
		l.Repaired, l.What = true, fmt.Sprintf("JetStream did not know its log anymore; %d entries were found again", n)
	case m.known && m.last > 0: // replay counts what is missing
		return nil
	default:
		l.What = "its log is gone, with all messages; how many there were is not known"
		l.AtMost = true
	}
	return qs.lost(l)
}

// mismatches names what match would put right.
func (qs *Queues) mismatches(wanted map[string]row, orphans []*jetstream.StreamInfo) (err error) {
	for _, r := range wanted {
		err = errors.Join(err, fmt.Errorf("queue %s: its log is gone", r.ID.ARN()))
	}
	for _, s := range orphans {
		if r := qs.ownerOf(s); r != nil {
			err = errors.Join(err, fmt.Errorf("queue %s: its record is gone", r.ID.ARN()))
		}
	}
	return err
}

func (qs *Queues) makeStream(ctx context.Context, r row) (jetstream.Stream, error) {
	metadata, err := about(r)
	if err != nil {
		return nil, err
	}
	s, err := qs.js.CreateStream(ctx, streamConfig(incarnation(r.Source), metadata))
	return s, fault.Wrap(fault.Unavailable, err, "making the stream of queue %s", r.ID.Name)
}
