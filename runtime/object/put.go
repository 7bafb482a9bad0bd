package object

import (
	"millrace/runtime/object/checksum"
	"millrace/runtime/object/notify"
)

// A Condition is what has to hold for a command to take place. It is about the latest
// version of the key. The zero Condition always holds.
type Condition struct {
	IfMatch     string // the ETag, without quotation marks; "*" for any object; "" for no condition
	IfNoneMatch bool   // If-None-Match: *, there must be no object
}

// A Put stores a version of an object: PutObject or CopyObject. In a bucket that is not
// versioned, or no longer, it takes the place of the null version.
type Put struct {
	// Object has Key, Modified, Size, ETag, Checksum, Headers, Tags, Encryption and, for a
	// content that is not short, Content.Blob. A blob of a refused Put is the caller's to
	// remove.
	Object Object
	// Inline are the sealed bytes of a short content: nil with a blob, and for no bytes.
	Inline    []byte
	Condition Condition
	Event     notify.Type // ObjectCreatedPut, ObjectCreatedCopy or ObjectCreatedPost
	By        By

	Stored Object // the result

	Outcome
}

func (c *Put) content() []byte         { return c.Inline }
func (c *Put) conflicts(b *Batch) bool { return b.claim(keyClaim(c.Object.Key)) }
func (c *Put) applied(m *Machine) {
	c.Stored, _ = m.Get(c.Object.Key, Version{Number: c.Stored.Number})
}

func (c *Put) decide(b *Batch) error {
	if err := b.check(c.Object.Key, c.Condition); err != nil {
		return err
	}
	o := c.Object
	o.Number, o.Null = b.newNumber(), b.nullFlag() != 0
	b.emit(record{kind: kindVersion, key: o.Key, number: o.Number, flags: b.nullFlag(), content: Content{Blob: o.Content.Blob}, rest: string(appendObject(nil, &o, 0))}, c.Inline)
	b.announceCreated(c.Event, &o, c.By)
	c.Stored = Object{Number: o.Number}
	return nil
}

// check reports a condition of a write that does not hold: PreconditionError, or
// ErrNoSuchKey when there is no object to match.
func (b *Batch) check(key string, c Condition) error {
	if c == (Condition{}) {
		return nil
	}
	latest, exists := b.m.current(key)
	switch {
	case c.IfNoneMatch && exists:
		return &PreconditionError{IfNoneMatch}
	case c.IfMatch == "":
		return nil
	case !exists:
		return ErrNoSuchKey
	case !matches(latest.ETag, c.IfMatch):
		return &PreconditionError{IfMatch}
	}
	return nil
}

func matches(e checksum.ETag, condition string) bool {
	return condition == "*" || condition == e.String()
}

// current returns the latest version of a key; false if there is none, or a delete
// marker.
func (m *Machine) current(key string) (Object, bool) {
	it, ok := m.objects.first(key)
	if !ok || it.flags()&flagMarker != 0 {
		return Object{}, false
	}
	return m.brief(it), true
}

// nullFlag is that of a version that is written now.
func (b *Batch) nullFlag() uint64 {
	if b.env.Versioning == VersioningEnabled {
		return 0
	}
	return flagNull
}
