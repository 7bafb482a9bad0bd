package object

// A VersionsQuery asks for all versions and delete markers, by key, the newest first:
// ListObjectVersions.
type VersionsQuery struct {
	Prefix, Delimiter string
	After             string  // as in ListQuery
	AfterVersion      Version // of the key After: only versions older than it; the zero Version for none of that key
	Max               int
}

// A VersionsPage is an answer to a VersionsQuery.
type VersionsPage struct {
	Versions []Object // delete markers too
	Prefixes []string
	More     bool

	// Next and NextVersion are After and AfterVersion of the next page, if there is more.
	// Behind a prefix, there is no NextVersion.
	Next        string
	NextVersion Version
}

// ListVersions returns a page of versions.
func (m *Machine) ListVersions(q VersionsQuery) (page VersionsPage) {
	w := m.objects.walk(q.Prefix, q.Delimiter, q.After)
	defer w.Release()
	it, ok := w.seekVersion(m, q.After, q.AfterVersion)
	for ok {
		if len(page.Versions)+len(page.Prefixes) >= q.Max {
			page.More = q.Max > 0
			return page
		}
		if group, grouped := w.group(it.name()); grouped {
			page.Prefixes = append(page.Prefixes, group)
			page.Next, page.NextVersion = group, Version{}
			it, ok = w.nextGroup(group)
			continue
		}
		o := m.brief(it)
		if n := len(page.Versions); n > 0 && page.Versions[n-1].Key == o.Key {
			o.Latest = false
		} else {
			first, _ := m.objects.first(o.Key)
			o.Latest = first.order() == it.order()
		}
		page.Versions = append(page.Versions, o)
		page.Next, page.NextVersion = o.Key, Version{Number: o.Number, Null: o.Null}
		it, ok = w.nextItem()
	}
	page.Next, page.NextVersion = "", Version{}
	return page
}

// seekVersion goes to the first version of a key that is older than one, or to the next
// key. The one may be gone; but where the null version was, is not known then.
func (w *walk) seekVersion(m *Machine, key string, v Version) (item, bool) {
	number := v.Number
	if it, ok := m.null(key); v.Null && ok && number == 0 {
		number = numberOf(it)
	}
	if _, grouped := w.group(key); number == 0 || grouped || key < w.prefix {
		return w.seekKey()
	}
	return w.seek(position(key, newestFirst(number)+1))
}
