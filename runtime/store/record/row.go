package record

import (
	"encoding/json"
	"sync/atomic"
)

// A row is a record at a revision.
type row struct {
	revision      uint64
	deleted       bool // deleted at this revision; kept so that an older update cannot bring it back
	markerExpires bool // the bucket removes the deletion marker by itself
	content       atomic.Pointer[content]
}

// rowOf is the row of a record that exists.
func rowOf(value []byte, revision uint64) *row {
	r := &row{revision: revision}
	r.content.Store(&content{bytes: value})
	return r
}

// entryRow is the row of an entry of the bucket.
func entryRow(value []byte, revision uint64, operation string) *row {
	if operation == "" {
		return rowOf(value, revision)
	}
	return &row{revision: revision, deleted: true, markerExpires: operation == purged}
}

// A deletion marker has the header operationHeader with one of these values; a record has
// no such header.
const (
	operationHeader = "KV-Operation"
	deleted         = "DEL"
	purged          = "PURGE"
)

// A content is a record's value: its bytes, until they are decoded to a value that
// encodes to the same bytes.
type content struct {
	bytes []byte // nil once value encodes to them
	value any    // a *T; nil before the first read
	err   error  // of decoding
}

// encoded returns the bytes of a record.
func (r *row) encoded() []byte {
	c := r.content.Load()
	if c.bytes != nil {
		return c.bytes
	}
	b, err := json.Marshal(c.value)
	if err != nil {
		panic(err) // it was encoded when it was decoded
	}
	return b
}

// absent is the row of a key that was never written to.
var absent = &row{}

func (r *row) exists() bool { return r.revision > 0 && !r.deleted }
