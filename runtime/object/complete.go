package object

import (
	"slices"
	"time"

	"millrace/runtime/object/checksum"
	"millrace/runtime/object/notify"
)

// A Complete makes an object of the parts of an upload. Completing once more what is still
// the latest version of its key gives the same object, and stores nothing.
type Complete struct {
	Key      string
	Upload   string // its ID
	Parts    []CompletedPart
	Modified time.Time

	Checksum     checksum.Value // what the object's has to be; the zero Value for anything
	ChecksumType checksum.Type  // what the upload's has to be; NoType for anything
	Size         int64          // what the object's has to be; -1 for anything
	Condition    Condition
	By           By

	Stored Object // the result

	Outcome
}

// A CompletedPart is a part as the client lists it.
type CompletedPart struct {
	Number   int
	ETag     string         // without quotation marks
	Checksum checksum.Value // the zero Value for none
}

func (c *Complete) conflicts(b *Batch) bool {
	// Neither may be left claimed without the command.
	number, ok := b.m.parseUploadID(c.Upload)
	if _, claimed := b.touched[uploadClaim(number)]; ok && claimed {
		return true
	}
	return b.claim(keyClaim(c.Key)) || b.claimUpload(c.Upload)
}

func (c *Complete) applied(m *Machine) {
	c.Stored, _ = m.Get(c.Key, Version{Number: c.Stored.Number})
}

func (c *Complete) decide(b *Batch) error {
	it, ok := b.m.findUpload(c.Key, c.Upload)
	if !ok {
		return c.repeated(b)
	}
	u := b.m.upload(it)
	parts, err := c.parts(b, u.Number, u.Algorithm, u.Type)
	if err != nil {
		return err
	}
	o, err := c.compose(&u, parts)
	if err != nil {
		return err
	}
	if err := c.check(b, it); err != nil {
		return err
	}
	o.Number, o.Null = b.newNumber(), b.nullFlag() != 0
	numbers := make([]int, len(parts))
	for i, p := range parts {
		numbers[i] = p.Number
	}
	b.emit(record{kind: kindCompleted, key: c.Key, number: o.Number, flags: b.nullFlag(), rest: string(appendObject(nil, &o, u.Number)), upload: u.Number, parts: numbers}, nil)
	b.announceCreated(notify.ObjectCreatedCompleteMultipartUpload, &o, c.By)
	c.Stored = Object{Number: o.Number}
	return nil
}

// parts returns the stored parts that the client lists.
func (c *Complete) parts(b *Batch, upload uint64, a checksum.Algorithm, t checksum.Type) (all []Part, err error) {
	if len(c.Parts) == 0 {
		return nil, ErrNoParts
	}
	if !slices.IsSortedFunc(c.Parts, func(p, q CompletedPart) int { return p.Number - q.Number }) {
		return nil, ErrPartOrder
	}
	for i, listed := range c.Parts {
		if i > 0 && listed.Number == c.Parts[i-1].Number {
			return nil, ErrPartOrder
		}
		it, ok := b.m.parts.get(partKey(upload), uint64(listed.Number))
		if !ok {
			return nil, &InvalidPartError{c.Upload, listed.Number, listed.ETag}
		}
		p := readPart(it)
		if listed.Checksum.IsZero() && t == checksum.Composite {
			return nil, &MissingChecksumError{a, p.Number}
		}
		wrong := !listed.Checksum.IsZero() && listed.Checksum.Algorithm == p.Checksum.Algorithm && listed.Checksum != p.Checksum
		if wrong || p.ETag.String() != listed.ETag {
			return nil, &InvalidPartError{c.Upload, listed.Number, listed.ETag}
		}
		all = append(all, p)
	}
	for _, p := range all[:len(all)-1] {
		if p.Size < MinPartSize {
			return nil, &PartTooSmallError{p.Size, p.Number, p.ETag.String()}
		}
	}
	return all, nil
}

// compose makes the object of an upload, but for its number.
func (c *Complete) compose(u *Upload, parts []Part) (o Object, err error) {
	if c.ChecksumType != checksum.NoType && c.ChecksumType != u.Type {
		return Object{}, &ChecksumTypeError{u.Type}
	}
	o = Object{Key: c.Key, Modified: c.Modified, Headers: u.Headers, Tags: u.Tags, Encryption: u.Encryption}
	etags, sums, values := make([]checksum.ETag, len(parts)), make([]checksum.Part, len(parts)), make([]checksum.Value, len(parts))
	for i, p := range parts {
		o.Size += p.Size
		etags[i], values[i], sums[i] = p.ETag, p.Checksum, checksum.Part{Value: p.Checksum, Length: p.Size}
	}
	o.ETag = checksum.MultipartETag(etags)
	if u.Type == checksum.Composite {
		if parts[len(parts)-1].Number != len(parts) {
			return Object{}, ErrPartNumbers
		}
		o.Checksum, err = checksum.Compose(u.Algorithm, values)
	} else {
		a := u.Algorithm
		if a == checksum.None {
			a = checksum.CRC64NVME
		}
		o.Checksum, err = checksum.Combine(a, sums)
	}
	if err != nil {
		return Object{}, err
	}
	if c.Size >= 0 && c.Size != o.Size {
		return Object{}, &SizeError{c.Size, o.Size}
	}
	if given := c.Checksum; given.Algorithm == u.Algorithm && given.Algorithm != checksum.None && !sameSum(given, o.Checksum) {
		return Object{}, &ChecksumError{o.Checksum}
	}
	return o, nil
}

// sameSum reports whether two checksums of one algorithm have the same bytes. A client may
// leave out how many parts a composite one has.
func sameSum(given, computed checksum.Value) bool {
	return string(given.Sum()) == string(computed.Sum()) && (given.Parts == 0 || given.Parts == computed.Parts)
}

// check reports a condition that does not hold. S3 User Guide, "How to prevent object
// overwrites with conditional writes": what happened to the object since the upload began
// is a conflict.
func (c *Complete) check(b *Batch, upload item) error {
	latest, exists := b.m.current(c.Key)
	deleted := upload.flags()&flagDeleted != 0
	switch {
	case c.Condition.IfNoneMatch && !exists && deleted:
		return &ConcurrentWriteError{IfNoneMatch, c.Key}
	case c.Condition.IfMatch != "" && exists && latest.Number > upload.order():
		return &ConcurrentWriteError{IfMatch, c.Key}
	}
	return b.check(c.Key, c.Condition)
}

// repeated answers for an upload that is not under way: it may have been completed just
// now, by a call whose answer was lost.
func (c *Complete) repeated(b *Batch) error {
	it, exists := b.m.objects.first(c.Key)
	number, ok := b.m.parseUploadID(c.Upload)
	if !exists || !ok || uploadOf(it.place().rest) != number {
		return ErrNoSuchUpload
	}
	parts, err := c.parts(b, number, checksum.None, checksum.NoType)
	if o, _ := b.m.Get(c.Key, Version{}); err != nil || len(parts) != len(o.Parts) {
		return ErrNoSuchUpload
	}
	c.Stored = Object{Number: numberOf(it)}
	return nil
}
