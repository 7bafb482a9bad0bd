package object

import "millrace/runtime/object/notify"

// A PutTags replaces the tags of a version; with none, it deletes them.
type PutTags struct {
	Key     string
	Version Version
	Tags    []Tag // by key
	Delete  bool  // DeleteObjectTagging rather than PutObjectTagging: Tags are none
	By      By

	Stored Object // the result

	Outcome
}

func (c *PutTags) conflicts(b *Batch) bool { return b.claim(keyClaim(c.Key)) }

func (c *PutTags) decide(b *Batch) error {
	it, ok := b.m.find(c.Key, c.Version)
	switch {
	case !ok && c.Version == Version{}:
		return ErrNoSuchKey
	case !ok:
		return ErrNoSuchVersion
	case it.flags()&flagMarker != 0:
		return ErrIsMarker
	}
	o := b.m.object(it)
	o.Tags = c.Tags
	event := notify.ObjectTaggingPut
	if c.Delete {
		o.Tags, event = nil, notify.ObjectTaggingDelete
	}
	p := it.place()
	r := record{kind: kindVersion, key: o.Key, number: o.Number, flags: p.flags, content: p.content, rest: string(appendObject(nil, &o, uploadOf(p.rest)))}
	if p.flags&flagInline != 0 {
		r.flags |= flagReference
	}
	b.emit(r, nil)
	b.announceTagging(event, &o, c.By)
	c.Stored = Object{Number: o.Number}
	return nil
}

func (c *PutTags) applied(m *Machine) {
	c.Stored, _ = m.Get(c.Key, Version{Number: c.Stored.Number})
}
