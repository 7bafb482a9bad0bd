package object

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"millrace/runtime/object/checksum"
)

// What describes an item is stored as it is in memory, in the log and in snapshots. What
// lists need stands first. Only add at the end.
//
//	version: how many ms its number is ahead of Modified, size, ETag, checksum, number of its
//	         upload (0 for none), storage class, encryption, headers, tags
//	upload:  the same of Created, algorithm, type, initiator, storage class, encryption,
//	         headers, tags
//	part:    Modified, size, ETag, checksum
//
// A number is microseconds at least, so the time beside it is mostly one byte.

func appendObject(b []byte, o *Object, upload uint64) []byte {
	b = binary.AppendVarint(b, numberMilli(o.Number)-o.Modified.UnixMilli())
	b = binary.AppendVarint(b, o.Size)
	b, _ = o.ETag.AppendBinary(b)
	b, _ = o.Checksum.AppendBinary(b)
	b = binary.AppendUvarint(b, upload)
	return appendDescription(b, o.Headers, o.Encryption, o.Tags)
}

// numberMilli is the time that a number was made of, in Unix milliseconds.
func numberMilli(number uint64) int64 { return int64(number / 1000) }

// readObject sets what a rest of appendObject says, and returns the number of the upload.
// A brief object has no Headers but the storage class, no Tags and no Encryption.
func readObject(o *Object, rest string, brief bool) (upload uint64) {
	r := reader{remaining: rest}
	o.Modified = time.UnixMilli(numberMilli(o.Number) - r.varint()).UTC()
	o.Size = r.varint()
	o.ETag, o.Checksum = r.etag(), r.checksum()
	upload = r.uvarint()
	if !brief {
		o.Headers, o.Encryption, o.Tags = r.description()
	} else if class := r.text(); class != "" {
		o.Headers = &Headers{StorageClass: class}
	}
	return upload
}

// uploadOf is the upload that a version was completed from; 0 for none.
func uploadOf(rest string) uint64 {
	var o Object
	return readObject(&o, rest, true)
}

func appendUpload(b []byte, u *Upload) []byte {
	b = binary.AppendVarint(b, numberMilli(u.Number)-u.Created.UnixMilli())
	b = append(b, byte(u.Algorithm), byte(u.Type))
	b = appendText(b, u.Initiator)
	return appendDescription(b, u.Headers, u.Encryption, u.Tags)
}

func readUpload(u *Upload, rest string) {
	r := reader{remaining: rest}
	u.Created = time.UnixMilli(numberMilli(u.Number) - r.varint()).UTC()
	u.Algorithm, u.Type = checksum.Algorithm(r.byte()), checksum.Type(r.byte())
	u.Initiator = r.text()
	u.Headers, u.Encryption, u.Tags = r.description()
}

func appendPart(b []byte, p *Part) []byte {
	b = binary.AppendVarint(b, p.Modified.UnixMilli())
	b = binary.AppendVarint(b, p.Size)
	b, _ = p.ETag.AppendBinary(b)
	b, _ = p.Checksum.AppendBinary(b)
	return b
}

func readPart(it item) Part {
	p := it.place()
	r := reader{remaining: p.rest}
	part := Part{Number: int(it.order()), Content: p.content, Modified: time.UnixMilli(r.varint()).UTC(), Size: r.varint()}
	part.ETag, part.Checksum = r.etag(), r.checksum()
	return part
}

// appendDescription appends what an object and an upload have in common.
func appendDescription(b []byte, h *Headers, e Encryption, tags []Tag) []byte {
	if h == nil {
		h = &Headers{}
	}
	b = appendText(b, h.StorageClass)
	if plain := (Encryption{Algorithm: AES256}); e == plain {
		b = append(b, 0)
	} else {
		b = append(b, 1)
		for _, s := range e.texts() {
			b = appendText(b, *s)
		}
		b = append(b, map[bool]byte{true: 1}[e.BucketKey])
	}
	given := 0
	for i, s := range h.texts() {
		if *s != "" {
			given |= 1 << i
		}
	}
	b = binary.AppendUvarint(b, uint64(given))
	for _, s := range h.texts() {
		if *s != "" {
			b = appendText(b, *s)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(h.User)))
	for _, name := range slices.Sorted(maps.Keys(h.User)) {
		b = appendText(appendText(b, name), h.User[name])
	}
	b = binary.AppendUvarint(b, uint64(len(tags)))
	for _, t := range tags {
		b = appendText(appendText(b, t.Key), t.Value)
	}
	return b
}

func (r *reader) description() (h *Headers, e Encryption, tags []Tag) {
	var got Headers
	got.StorageClass = r.text()
	e.Algorithm = AES256
	if r.byte() != 0 {
		for _, s := range e.texts() {
			*s = r.text()
		}
		e.BucketKey = r.byte() != 0
	}
	given := r.uvarint()
	for i, s := range got.texts() {
		if given&(1<<i) != 0 {
			*s = r.text()
		}
	}
	for range r.count() {
		if got.User == nil {
			got.User = map[string]string{}
		}
		name := r.text()
		got.User[name] = r.text()
	}
	if given != 0 || got.User != nil || got.StorageClass != "" {
		h = &got
	}
	for range r.count() {
		tags = append(tags, Tag{r.text(), r.text()})
	}
	return h, e, tags
}

// count reads how many pairs of texts follow, each of two bytes at least.
func (r *reader) count() uint64 {
	n := r.uvarint()
	if n > uint64(len(r.remaining))/2 {
		r.fail(ErrDamagedEntry)
		return 0
	}
	return n
}

// texts are the texts of an encryption in the order in which they are stored.
func (e *Encryption) texts() [4]*string {
	return [...]*string{&e.Algorithm, &e.KMSKey, &e.Customer, &e.Context}
}

// texts are the headers in the order of their bits.
func (h *Headers) texts() [7]*string {
	return [...]*string{&h.ContentType, &h.CacheControl, &h.ContentDisposition, &h.ContentEncoding, &h.ContentLanguage, &h.Expires, &h.WebsiteRedirect}
}

func (r *reader) etag() checksum.ETag { return decode(r, checksum.DecodeETag, 18) }

func (r *reader) checksum() checksum.Value {
	return decode(r, checksum.DecodeValue, 3+checksum.MaxSize)
}

// decode reads a value of at most size bytes.
func decode[V any](r *reader, from func([]byte) (V, []byte, error), size int) (v V) {
	b := []byte(r.remaining[:min(size, len(r.remaining))])
	v, rest, err := from(b)
	if err != nil {
		r.fail(ErrDamagedEntry)
		return v
	}
	r.remaining = r.remaining[len(b)-len(rest):]
	return v
}
