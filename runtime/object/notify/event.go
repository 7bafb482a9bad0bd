package notify

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// An Event is what an operation remembers of what it did to an object, so that its
// notification can be written later, by any runtime. It is one event for one destination.
type Event struct {
	Type Type
	Time time.Time // when the operation was done; stored to the millisecond

	Region  string // of the bucket, whatever the client said
	Bucket  string
	Account string // that owns the bucket

	Key       string // as it is: the message encodes it
	Size      int64  // bytes; of created objects
	ETag      string // without quotes; of created and tagged objects
	VersionID string // "" unless the bucket has or had versioning
	Sequencer uint64 // grows with each event of the key; of created and removed objects

	Caller    string // who did it, as owner.CallerID names them
	SourceIP  string // of the request
	RequestID string // x-amz-request-id of the answer
	HostID    string // x-amz-id-2 of the answer

	Configuration string // the destination's ID
	Destination   string // its ARN

	TraceHeader string // X-Amzn-Trace-Id of the request, "" for none
	TraceParent string // W3C traceparent, "" for none
}

// eventVersion is the first byte of an event's binary form. Another one means another
// form.
const eventVersion = 1

var (
	// ErrDamagedEvent says that bytes are no event.
	ErrDamagedEvent = errors.New("a damaged event")

	// ErrUnknownEvent says that an event was written by another version of this package,
	// in a form or of a type that this one does not know.
	ErrUnknownEvent = errors.New("an event that another version wrote")
)

// Append appends the binary form of the event to b. Whoever knows the bucket, its region
// and account, or the key from elsewhere may leave them empty, and set them again after
// ParseEvent.
func (e *Event) Append(b []byte) []byte {
	b = append(b, eventVersion, byte(e.Type))
	b = binary.AppendVarint(b, e.Time.UnixMilli())
	b = binary.AppendVarint(b, e.Size)
	b = binary.AppendUvarint(b, e.Sequencer)
	for _, text := range e.texts() {
		b = binary.AppendUvarint(b, uint64(len(*text)))
		b = append(b, *text...)
	}
	return b
}

// texts are the event's texts in the order of its binary form.
func (e *Event) texts() [14]*string {
	return [...]*string{
		&e.Region, &e.Bucket, &e.Account, &e.Key, &e.ETag, &e.VersionID,
		&e.Caller, &e.SourceIP, &e.RequestID, &e.HostID,
		&e.Configuration, &e.Destination, &e.TraceHeader, &e.TraceParent,
	}
}

// ParseEvent reads what Append wrote. The time is in UTC. Errors are ErrDamagedEvent and
// ErrUnknownEvent.
func ParseEvent(b []byte) (e Event, err error) {
	if len(b) < 2 {
		return Event{}, fmt.Errorf("%w: truncated", ErrDamagedEvent)
	}
	if b[0] != eventVersion {
		return Event{}, fmt.Errorf("%w: version %d", ErrUnknownEvent, b[0])
	}
	e.Type = Type(b[1])
	if e.Type.String() == "" {
		return Event{}, fmt.Errorf("%w: type %d", ErrUnknownEvent, b[1])
	}
	r := reader{remaining: b[2:]}
	e.Time = time.UnixMilli(r.varint()).UTC()
	e.Size = r.varint()
	e.Sequencer = r.uvarint()
	for _, text := range e.texts() {
		*text = r.text()
	}
	if r.failed || len(r.remaining) > 0 {
		return Event{}, fmt.Errorf("%w: a length is wrong", ErrDamagedEvent)
	}
	return e, nil
}

// A reader decodes values from the front of its bytes. After a failure it returns zero
// values.
type reader struct {
	remaining []byte
	failed    bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.remaining)
	r.skip(n)
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.remaining)
	r.skip(n)
	return v
}

// skip goes on after n bytes of a number; n <= 0 says that there was none.
func (r *reader) skip(n int) {
	if n <= 0 {
		r.remaining, r.failed = nil, true
		return
	}
	r.remaining = r.remaining[n:]
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.remaining)) {
		r.remaining, r.failed = nil, true
		return ""
	}
	text := string(r.remaining[:n])
	r.remaining = r.remaining[n:]
	return text
}
