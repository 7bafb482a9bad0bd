package ledger

import "slices"

// A Version is one of an answered list of versions.
type Version struct {
	ID     string
	ETag   string // without quotes; "" for a delete marker
	Size   int64
	Latest bool
}

// Read notes what a read of a key without versions has found; nil for nothing.
func (o *Objects) Read(key string, found *Content) {
	o.mu.Lock()
	defer o.mu.Unlock()
	k := o.key(key)
	settled, nothing := false, true
	for i := len(k.writes) - 1; i >= 0; i-- {
		w := k.writes[i]
		switch {
		case w.fate == never:
		case settled: // what was overwritten
			if w.fate == happened {
				return
			}
		case w.is(found):
			w.fate, settled = happened, true
			if found != nil {
				o.compare(key, w, *found)
			}
		case w.fate == happened:
			nothing = false
			o.breaks("%s is %s, and not %s of the last write", key, describe(found), w.Content.ETag)
			return
		default:
			w.fate = never
		}
	}
	if !settled && nothing && found != nil {
		o.breaks("%s is %s, which nobody wrote", key, describe(found))
	}
}

func describe(c *Content) string {
	if c == nil {
		return "not there"
	}
	return c.ETag
}

// is reports whether a content, or nothing, is what a write leaves.
func (w *objectWrite) is(found *Content) bool {
	if found == nil || !w.creates() {
		return found == nil && !w.creates()
	}
	return w.Content.ETag == found.ETag
}

// compare holds what was read against what was written.
func (o *Objects) compare(key string, w *objectWrite, found Content) {
	if found.Size != w.Content.Size || found.Sum != w.Content.Sum {
		o.breaks("%s with ETag %s has %d bytes of SHA-256 %x, and was written with %d of %x",
			key, w.Content.ETag, found.Size, found.Sum[:4], w.Content.Size, w.Content.Sum[:4])
	}
	switch {
	case w.tags == nil && found.Tag != w.Content.Tag, w.tags != nil && !slices.Contains(w.tags, found.Tag):
		o.breaks("%s has the tag %q, and was given %q %q", key, found.Tag, w.Content.Tag, w.tags)
	default:
		w.Content.Tag, w.tags = found.Tag, nil
	}
}

// Versions notes all versions of a key as they were listed, the newest first, and all delete
// markers, likewise: AWS's SDKs do not tell which was before which.
func (o *Objects) Versions(key string, versions, markers []Version) {
	o.mu.Lock()
	defer o.mu.Unlock()
	k := o.key(key)
	var made, marking []*objectWrite
	for _, w := range k.writes {
		switch {
		case w.creates():
			made = append(made, w)
		case w.Event == marked:
			marking = append(marking, w)
		}
	}
	o.match(key, made, versions)
	o.match(key, marking, markers)
	for _, w := range k.writes { // now what became of versions tells what became of their removals
		if w.Event != removed || w.fate != unknown {
			continue
		}
		if w.fate = never; k.version(w.Version).removal == happened {
			w.fate = happened
		}
	}
	last := k.current()
	for _, v := range slices.Concat(versions, markers) {
		if v.Latest != (last != nil && last.version == v.ID) {
			o.breaks("%s: of version %s is said that it is the latest: %t", key, v.ID, v.Latest)
		}
	}
}

// match holds what was listed against what was written.
func (o *Objects) match(key string, writes []*objectWrite, listed []Version) {
	known := map[string]bool{}
	for _, w := range writes {
		known[w.version] = true
	}
	next := 0
	for _, v := range slices.Backward(listed) {
		for ; next < len(writes) && !writes[next].isListedAs(v, known[v.ID]); next++ {
			o.skipped(key, writes[next])
		}
		if next == len(writes) {
			o.breaks("%s has the version %s with ETag %s, which nobody wrote, or not there", key, v.ID, v.ETag)
			return
		}
		w := writes[next]
		if w.removal == happened {
			o.breaks("%s has the version %s again, which was removed", key, v.ID)
		}
		if w.creates() && w.Content.Size != v.Size {
			o.breaks("%s: version %s is listed with %d bytes, and has %d", key, v.ID, v.Size, w.Content.Size)
		}
		w.fate, w.version, w.removal = happened, v.ID, never
		next++
	}
	for ; next < len(writes); next++ {
		o.skipped(key, writes[next])
	}
}

// isListedAs reports whether a version is the one that a write made. known says that another
// write may have made it: its id is on the books.
func (w *objectWrite) isListedAs(v Version, known bool) bool {
	switch {
	case w.fate == never:
		return false
	case w.version != "" || known:
		return w.version == v.ID
	case w.creates():
		return w.Content.ETag == v.ETag
	}
	return v.ETag == ""
}

// skipped notes that a list of versions does not have what a write made.
func (o *Objects) skipped(key string, w *objectWrite) {
	switch {
	case w.fate == never || w.removal == happened:
	case w.removal == unknown:
		w.removal = happened
	case w.fate == unknown:
		w.fate = never
	default:
		o.breaks("%s has lost version %s with ETag %q of %s", key, w.version, w.Content.ETag, w.Event)
	}
}

// ReadVersion notes what a read of a version has found that was listed.
func (o *Objects) ReadVersion(key, id string, found Content) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.key(key).version(id)
	if w == nil {
		return // it was told already
	}
	if w.Content.ETag != found.ETag {
		o.breaks("%s: version %s has ETag %s, and was written with %s", key, id, found.ETag, w.Content.ETag)
	}
	o.compare(key, w, found)
}

// Listed notes the whole list of a bucket's objects, when each key was read: ETags by key.
func (o *Objects) Listed(etags map[string]string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, k := range o.keys {
		etag, listed := etags[name]
		w := k.current()
		there := w != nil && w.creates()
		if listed != there || there && etag != w.Content.ETag {
			o.breaks("%s is listed: %t %s, and is there: %t", name, listed, etag, there)
		}
	}
	for name := range etags {
		if o.keys[name] == nil {
			o.breaks("%s is listed, which nobody wrote", name)
		}
	}
}

// Kept are the contents of all versions that are there, when each key was read.
func (o *Objects) Kept() (all []Content) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, k := range o.keys {
		if !o.versioned {
			if w := k.current(); w != nil && w.creates() {
				all = append(all, w.Content)
			}
			continue
		}
		for _, w := range k.writes {
			if w.creates() && w.fate == happened && w.removal != happened {
				all = append(all, w.Content)
			}
		}
	}
	return all
}
