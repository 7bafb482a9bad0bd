package ledger

import (
	"maps"
	"slices"
)

// An Upload is a multipart upload that is open, as far as is known.
type Upload struct {
	Key, ID string
	Parts   map[int]string // ETags of those that were acknowledged
}

type upload struct {
	Upload
	doubtful map[int]string // parts without an answer
	end      fate           // never until somebody asks for it
	complete *objectWrite   // that ends it; nil for an abort
}

// Creating notes that an upload is about to be made for a key.
func (o *Objects) Creating(key string) (created func(id string)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.nameless[key]++
	return func(id string) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.nameless[key]--
		o.uploads[id] = &upload{Upload: Upload{Key: key, ID: id, Parts: map[int]string{}}, doubtful: map[int]string{}, end: never}
	}
}

// Uploading notes that a part is about to be uploaded.
func (o *Objects) Uploading(id string, part int, etag string) (uploaded func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	u := o.uploads[id]
	u.doubtful[part] = etag
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(u.doubtful, part)
		u.Parts[part] = etag
	}
}

// Aborting notes that an upload is about to be given up.
func (o *Objects) Aborting(id string) (aborted func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	u := o.uploads[id]
	u.end = unknown
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		u.end = happened
	}
}

// Completing notes that an upload is about to become an object.
func (o *Objects) Completing(id string, w ObjectWrite) (completed func(version string)) {
	written := o.Writing(w)
	o.mu.Lock()
	defer o.mu.Unlock()
	u, k := o.uploads[id], o.keys[w.Key]
	u.end, u.complete = unknown, k.writes[len(k.writes)-1]
	return func(version string) {
		written(version)
		o.mu.Lock()
		defer o.mu.Unlock()
		u.end = happened
	}
}

// Uploads are those that are open for sure.
func (o *Objects) Uploads() (open []Upload) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, u := range o.uploads {
		if u.end == never {
			one := u.Upload
			one.Parts = maps.Clone(u.Parts)
			open = append(open, one)
		}
	}
	return open
}

// ListedUploads notes the whole list of a bucket's uploads, when each key was read: keys by
// id. It returns those of which nothing was known, whose creation had no answer.
func (o *Objects) ListedUploads(keys map[string]string) (found []Upload) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, u := range o.uploads {
		if u.end == unknown && u.complete != nil {
			if u.end = never; u.complete.fate == happened {
				u.end = happened
			}
		}
		key, listed := keys[id]
		switch {
		case u.end == unknown && listed:
			u.end = never
		case u.end == unknown:
			u.end = happened
		case u.end == happened && listed:
			o.breaks("the upload %s of %s has ended, and is listed", id, u.Key)
		case u.end == never && (!listed || key != u.Key):
			o.breaks("the upload %s of %s is open, and is listed: %t %s", id, u.Key, listed, key)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		key := keys[id]
		if o.uploads[id] != nil {
			continue
		}
		if o.nameless[key]--; o.nameless[key] < 0 {
			o.breaks("the upload %s of %s is listed, which nobody made", id, key)
			continue
		}
		u := &upload{Upload: Upload{Key: key, ID: id, Parts: map[int]string{}}, doubtful: map[int]string{}, end: never}
		o.uploads[id] = u
		found = append(found, u.Upload)
	}
	clear(o.nameless)
	return found
}

// ListedParts notes the parts of an open upload: ETags by number.
func (o *Objects) ListedParts(id string, etags map[int]string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	u := o.uploads[id]
	for n, etag := range etags {
		switch {
		case u.Parts[n] == etag:
		case u.doubtful[n] == etag:
			u.Parts[n] = etag
		default:
			o.breaks("part %d of %s has ETag %s, and was uploaded with %q", n, u.Key, etag, u.Parts[n])
		}
	}
	for n, etag := range u.Parts {
		if etags[n] == "" {
			o.breaks("part %d of %s with ETag %s is lost", n, u.Key, etag)
		}
	}
	clear(u.doubtful)
}
