package object

import (
	"crypto/md5"

	"millrace/runtime/object/checksum"
	"millrace/runtime/object/notify"
)

// A Delete deletes an object as DeleteObject does: a named version, or a delete marker for
// good; without one, the object in a bucket that was never versioned, and else it puts a
// delete marker on top. To delete what does not exist is no error.
type Delete struct {
	Key     string
	Version Version
	// Condition has no IfNoneMatch. It is about the latest version, also when another one is
	// named.
	Condition Condition
	By        By

	Removed *Object // the version or delete marker that is gone for good; nil for none
	Marker  *Object // the delete marker that was put; nil for none

	Outcome
}

func (c *Delete) conflicts(b *Batch) bool {
	if c.Version == (Version{}) || c.Condition != (Condition{}) {
		return b.claim(keyClaim(c.Key))
	}
	// Named versions of one key can be deleted together.
	key := keyClaim(c.Key)
	if whole, claimed := b.touched[key]; claimed && whole || b.claim(versionClaim(c.Key, c.resolved(b))) {
		return true
	}
	b.touched[key] = false
	return false
}

// resolved is the version by its number, if it exists: two names of one are the same.
func (c *Delete) resolved(b *Batch) Version {
	if it, ok := b.m.find(c.Key, c.Version); ok {
		return Version{Number: numberOf(it)}
	}
	return c.Version
}

func (c *Delete) decide(b *Batch) error {
	c.Removed, c.Marker = nil, nil
	if err := b.checkDelete(c.Key, c.Condition); err != nil {
		return err
	}
	switch {
	case c.Version != Version{}:
		c.removeVersion(b, c.Version)
	case b.env.Versioning == Unversioned:
		if !c.removeVersion(b, Version{}) {
			// S3 tells of it all the same.
			b.announceRemoved(notify.ObjectRemovedDelete, Object{Key: c.Key, Null: true}, b.newNumber(), c.By)
		}
	default:
		c.putMarker(b)
	}
	return nil
}

// removeVersion removes a version, if it exists.
func (c *Delete) removeVersion(b *Batch, v Version) bool {
	it, ok := b.m.find(c.Key, v)
	if !ok {
		return false
	}
	o := b.m.object(it)
	var flags uint64
	if o.Latest && !o.Marker {
		flags = flagDeleted
	}
	b.emit(record{kind: kindRemoved, key: o.Key, number: o.Number, flags: flags}, nil)
	b.announceRemoved(notify.ObjectRemovedDelete, o, b.newNumber(), c.By)
	c.Removed = &o
	return true
}

// emptyMD5 is the ETag of a delete marker, as events have it.
var emptyMD5 = checksum.ETag{MD5: md5.Sum(nil)}

func (c *Delete) putMarker(b *Batch) {
	flags := flagMarker | b.nullFlag()
	o := Object{Key: c.Key, Number: b.newNumber(), Null: flags&flagNull != 0, Marker: true, Latest: true, Modified: milliseconds(b.env.Now), ETag: emptyMD5}
	b.emit(record{kind: kindVersion, key: o.Key, number: o.Number, flags: flags, rest: string(appendObject(nil, &o, 0))}, nil)
	b.announceRemoved(notify.ObjectRemovedDeleteMarkerCreated, o, o.Number, c.By)
	c.Marker = &o
}

// checkDelete reports a condition of a delete that does not hold. S3 User Guide, "How to
// perform conditional deletes": 412 on a delete marker, 404 where nothing is.
func (b *Batch) checkDelete(key string, c Condition) error {
	if c.IfMatch == "" {
		return nil
	}
	it, ok := b.m.objects.first(key)
	switch {
	case !ok:
		return ErrNoSuchKey
	case it.flags()&flagMarker != 0 || !matches(b.m.brief(it).ETag, c.IfMatch):
		return &PreconditionError{IfMatch}
	}
	return nil
}
