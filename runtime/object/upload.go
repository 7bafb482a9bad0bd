package object

// A CreateUpload begins a multipart upload.
type CreateUpload struct {
	Upload Upload // without Number and ID

	Created Upload // the result

	Outcome
}

func (c *CreateUpload) conflicts(*Batch) bool { return false }

func (c *CreateUpload) decide(b *Batch) error {
	u := c.Upload
	u.Number = b.newNumber()
	u.ID = b.m.UploadID(u.Number)
	b.emit(record{kind: kindUpload, key: u.Key, number: u.Number, rest: string(appendUpload(nil, &u))}, nil)
	c.Created = u
	return nil
}

// A PutPart stores a part of an upload, in the place of one with its number.
type PutPart struct {
	Key    string
	Upload string // its ID
	// Part has Number, Size, ETag, Checksum, Modified and, for a content that is not short,
	// Content.Blob. A blob of a refused PutPart is the caller's to remove.
	Part   Part
	Inline []byte // as in Put

	Stored Part // the result

	Outcome
	upload uint64
}

func (c *PutPart) content() []byte { return c.Inline }

func (c *PutPart) conflicts(b *Batch) bool {
	number, ok := b.m.parseUploadID(c.Upload)
	if !ok {
		return false
	}
	c.upload = number
	key := uploadClaim(number)
	part := string(position("p"+partKey(number), uint64(c.Part.Number)).text)
	if whole, claimed := b.touched[key]; claimed && whole || b.claim(part) {
		return true
	}
	b.touched[key] = false
	return false
}

func (c *PutPart) decide(b *Batch) error {
	if _, ok := b.m.findUpload(c.Key, c.Upload); !ok {
		return ErrNoSuchUpload
	}
	p := &c.Part
	b.emit(record{kind: kindPart, key: partKey(c.upload), number: uint64(p.Number), content: Content{Blob: p.Content.Blob}, rest: string(appendPart(nil, p))}, c.Inline)
	return nil
}

func (c *PutPart) applied(m *Machine) {
	if it, ok := m.parts.get(partKey(c.upload), uint64(c.Part.Number)); ok {
		c.Stored = readPart(it)
	}
}

// An Abort ends an upload and removes its parts.
type Abort struct {
	Key    string
	Upload string // its ID

	Outcome
}

func (c *Abort) conflicts(b *Batch) bool { return b.claimUpload(c.Upload) }

func (c *Abort) decide(b *Batch) error {
	it, ok := b.m.findUpload(c.Key, c.Upload)
	if !ok {
		return ErrNoSuchUpload
	}
	b.emit(record{kind: kindAborted, key: c.Key, number: it.order()}, nil)
	return nil
}

func uploadClaim(number uint64) string { return "u" + partKey(number) }

// claimUpload claims an upload as a whole.
func (b *Batch) claimUpload(id string) (before bool) {
	number, ok := b.m.parseUploadID(id)
	return ok && b.claim(uploadClaim(number))
}

// Upload returns an upload under way.
func (m *Machine) Upload(key, id string) (u Upload, ok bool) {
	it, ok := m.findUpload(key, id)
	if !ok {
		return Upload{}, false
	}
	return m.upload(it), true
}

func (m *Machine) findUpload(key, id string) (item, bool) {
	number, ok := m.parseUploadID(id)
	if !ok {
		return item{}, false
	}
	return m.uploads.get(key, number)
}

func (m *Machine) upload(it item) Upload {
	u := Upload{Key: it.name(), Number: it.order()}
	u.ID = m.UploadID(u.Number)
	readUpload(&u, it.place().rest)
	return u
}

// endUpload forgets an upload, but not its parts.
func (a *applying) endUpload(key string, number uint64) {
	if it, ok := a.uploads.get(key, number); ok {
		a.remove(a.uploads, it)
	}
}

// removeParts removes the parts of an upload but for those to keep, which ascend.
func (a *applying) removeParts(upload uint64, keep []int) {
	var gone []item
	a.parts.of(partKey(upload), 0, func(it item) bool {
		for len(keep) > 0 && uint64(keep[0]) < it.order() {
			keep = keep[1:]
		}
		if len(keep) == 0 || uint64(keep[0]) != it.order() {
			gone = append(gone, it)
		}
		return true
	})
	for _, it := range gone {
		a.remove(a.parts, it)
	}
}

// markDeleted notes in the uploads of a key that began before a number that its object was
// deleted since: Complete has to know.
func (a *applying) markDeleted(key string, before uint64) {
	var marked []item
	a.uploads.of(key, 0, func(it item) bool {
		if it.order() < before && it.flags()&flagDeleted == 0 {
			marked = append(marked, it)
		}
		return it.order() < before
	})
	for _, it := range marked {
		p := it.place()
		p.flags |= flagDeleted
		now := newItem(it.name(), it.order(), p)
		a.uploads.Set(now)
	}
}
