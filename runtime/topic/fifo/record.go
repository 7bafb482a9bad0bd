package fifo

import (
	"context"
	"errors"
	"time"

	"millrace/runtime/fault"
)

// A logRecord is what is stored of a log beside its stream.
type logRecord struct {
	Name     string
	Begun    bool              `json:",omitzero"` // the stream exists, or is about to be made
	Deleting bool              `json:",omitzero"` // the stream is about to be removed, or is
	Last     uint64            `json:",omitzero"` // the stream had this sequence
	Numbers  numbering         `json:",omitzero"`
	Cursors  map[string]uint64 `json:",omitzero"` // the sequence that each reader is done with, by its ID
	Retain   time.Duration     `json:",omitzero"`
}

var (
	errUnchanged = errors.New("nothing to write")
	errDeleted   = fault.New(fault.NotFound, "the log of this topic was deleted")
)

// update changes the record of a log. change reports whether there is anything to write;
// it may be called several times, with what others have written meanwhile.
func (l *topicLog) update(ctx context.Context, change func(*logRecord) bool) error {
	_, err := l.logs.cursors.Update(ctx, l.token, func(r logRecord) (logRecord, error) {
		if r.Deleting {
			return r, errDeleted
		}
		if !change(&r) {
			return r, errUnchanged
		}
		return r, nil
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// updateOrCreate is update for a log that may have no record.
func (l *topicLog) updateOrCreate(ctx context.Context, change func(*logRecord) bool) error {
	for {
		err := l.update(ctx, change)
		if !errors.Is(err, fault.NotFound) || errors.Is(err, errDeleted) {
			return err
		}
		r := logRecord{Name: l.name}
		change(&r)
		if err := l.logs.table.Create(ctx, l.token, r); !errors.Is(err, fault.Exists) {
			return err
		}
	}
}

// record returns the record of the log, as it is in the bucket: another runtime may have
// written it a moment ago.
func (l *topicLog) record(ctx context.Context) (logRecord, error) {
	if l.logs.Cluster != nil {
		if err := l.logs.table.Refresh(ctx, l.token); err != nil && !errors.Is(err, fault.NotFound) {
			return logRecord{}, err
		}
	}
	r, ok := l.logs.table.Get(l.token)
	if !ok {
		return logRecord{Name: l.name}, nil
	}
	if r.Deleting {
		return r, errDeleted
	}
	return r, nil
}
