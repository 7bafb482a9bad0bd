package object

import "strings"

// A ListQuery asks for the latest versions of objects, by key: ListObjects and
// ListObjectsV2.
type ListQuery struct {
	Prefix    string
	Delimiter string // keys that have it behind the prefix are grouped up to it; "" for no groups
	After     string // only keys behind it; if it is in a group, only groups behind that one
	Max       int    // of objects and prefixes together
}

// A Page is an answer to a ListQuery.
type Page struct {
	Objects  []Object
	Prefixes []string // common prefixes, up to and with the delimiter
	More     bool     // there is more than Max
	Next     string   // After of the next page: the last key or prefix of this one, if there is more
}

// List returns a page of the latest versions. Delete markers do not count.
func (m *Machine) List(q ListQuery) (page Page) {
	w := m.objects.walk(q.Prefix, q.Delimiter, q.After)
	defer w.Release()
	for it, ok := w.seekKey(); ok; {
		if it.flags()&flagMarker != 0 {
			it, ok = w.nextKey()
			continue
		}
		if len(page.Objects)+len(page.Prefixes) >= q.Max {
			page.More = q.Max > 0
			return page
		}
		if group, grouped := w.group(it.name()); grouped {
			page.Prefixes, page.Next = append(page.Prefixes, group), group
			it, ok = w.nextGroup(group)
			continue
		}
		page.Objects, page.Next = append(page.Objects, m.brief(it)), it.name()
		page.Objects[len(page.Objects)-1].Latest = true
		it, ok = w.nextKey()
	}
	page.Next = ""
	return page
}

// A walk goes over the items of an index whose key has a prefix. It seeks over what is
// not wanted: versions that are not the latest, and the rest of a group.
type walk struct {
	iterator
	prefix, delimiter, after string
}

// seekKey goes to the first key behind after. It is false at the end, as all of a walk.
func (w *walk) seekKey() (item, bool) {
	switch {
	case w.after < w.prefix:
		return w.seek(position(w.prefix, 0))
	case w.after == "":
		return w.seek(position("", 0))
	}
	if group, grouped := w.group(w.after); grouped {
		return w.nextGroup(group)
	}
	return w.seek(behindKey(w.after))
}

// nextKey goes to the next key.
func (w *walk) nextKey() (item, bool) {
	key := w.Item().name()
	if !w.Next() || !strings.HasPrefix(w.Item().name(), w.prefix) {
		return item{}, false
	}
	if w.Item().name() == key {
		return w.seek(behindKey(key))
	}
	return w.Item(), true
}

// nextItem goes to the next item, of the same key or not.
func (w *walk) nextItem() (item, bool) {
	if !w.Next() || !strings.HasPrefix(w.Item().name(), w.prefix) {
		return item{}, false
	}
	return w.Item(), true
}

// group is the common prefix that a key belongs to, if it does.
func (w *walk) group(key string) (string, bool) {
	if w.delimiter == "" || !strings.HasPrefix(key, w.prefix) {
		return "", false
	}
	i := strings.Index(key[len(w.prefix):], w.delimiter)
	if i < 0 {
		return "", false
	}
	return key[:len(w.prefix)+i+len(w.delimiter)], true
}

// nextGroup goes to the first key behind a group.
func (w *walk) nextGroup(group string) (item, bool) {
	at, ok := behindPrefix(group)
	if !ok {
		return item{}, false
	}
	return w.seek(at)
}

func (w *walk) seek(at item) (item, bool) {
	if !w.Seek(at) || !strings.HasPrefix(w.Item().name(), w.prefix) {
		return item{}, false
	}
	return w.Item(), true
}
