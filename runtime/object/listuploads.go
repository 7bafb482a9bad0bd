package object

// An UploadsQuery asks for uploads under way, by key, the oldest first:
// ListMultipartUploads.
type UploadsQuery struct {
	Prefix, Delimiter string
	After             string // as in ListQuery
	AfterUpload       string // id of an upload of the key After: only later ones; "" for none of that key
	Max               int
}

// An UploadsPage is an answer to an UploadsQuery.
type UploadsPage struct {
	Uploads  []Upload
	Prefixes []string
	More     bool

	Next, NextUpload string // After and AfterUpload of the next page, if there is more
}

// ListUploads returns a page of uploads.
func (m *Machine) ListUploads(q UploadsQuery) (page UploadsPage) {
	w := m.uploads.walk(q.Prefix, q.Delimiter, q.After)
	defer w.Release()
	it, ok := w.seekUpload(m, q.After, q.AfterUpload)
	for ok {
		if len(page.Uploads)+len(page.Prefixes) >= q.Max {
			page.More = q.Max > 0
			return page
		}
		if group, grouped := w.group(it.name()); grouped {
			page.Prefixes = append(page.Prefixes, group)
			page.Next, page.NextUpload = group, ""
			it, ok = w.nextGroup(group)
			continue
		}
		u := m.upload(it)
		page.Uploads = append(page.Uploads, u)
		page.Next, page.NextUpload = u.Key, u.ID
		it, ok = w.nextItem()
	}
	page.Next, page.NextUpload = "", ""
	return page
}

func (w *walk) seekUpload(m *Machine, key, id string) (item, bool) {
	number, ok := m.parseUploadID(id)
	if _, grouped := w.group(key); !ok || grouped || key < w.prefix {
		return w.seekKey()
	}
	return w.seek(position(key, number+1))
}

// A PartsPage is a page of the parts of an upload under way, by rising number.
type PartsPage struct {
	Parts []Part
	More  bool // there are more than were asked for
	Next  int  // after which part the next page begins, if there is more
}

// ListParts returns at most limit parts of an upload behind the part number after. ok is
// false when there is no such upload.
func (m *Machine) ListParts(key, id string, after, limit int) (page PartsPage, ok bool) {
	it, ok := m.findUpload(key, id)
	if !ok {
		return PartsPage{}, false
	}
	m.parts.of(partKey(it.order()), uint64(max(0, after))+1, func(it item) bool {
		if len(page.Parts) >= limit {
			page.More = limit > 0
			return false
		}
		page.Parts = append(page.Parts, readPart(it))
		page.Next = int(it.order())
		return true
	})
	if !page.More {
		page.Next = 0
	}
	return page, true
}
