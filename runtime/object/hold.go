package object

// insert puts the item of a record into an index. An item of the same key and number is
// replaced.
func (a *applying) insert(x *index, r *record) item {
	order := r.number
	if x == a.objects {
		order = newestFirst(r.number)
	}
	p := place{flags: r.flags &^ flagReference, entry: a.seq, content: r.content, rest: r.rest}
	if p.flags&flagInline != 0 && r.flags&flagReference == 0 {
		p.content.Entry = a.seq
	}
	it := newItem(r.key, order, p)
	old, replaced := x.Set(it)
	if replaced {
		a.release(x, old, p.content.Blob)
	}
	a.hold(x, it, +1)
	return it
}

// remove takes the item at a position out of an index, and returns what it said.
func (a *applying) remove(x *index, it item) place {
	it, ok := x.Delete(it)
	if !ok {
		return place{}
	}
	a.release(x, it, "")
	return it.place()
}

// release gives up what an item held, but for a blob that is still needed.
func (a *applying) release(x *index, it item, needed string) {
	a.hold(x, it, -1)
	if blob := it.place().content.Blob; blob != "" && blob != needed {
		a.effects.Garbage = append(a.effects.Garbage, blob)
	}
}

// hold counts an item (+1), or no longer (-1).
func (m *Machine) hold(x *index, it item, sign int) {
	p := it.place()
	m.log.add(p.entry, sign*(len(it.text)+recordOverhead))
	if p.flags&flagInline != 0 {
		m.log.add(p.content.Entry, sign*int(p.content.Length))
	}
	if x == m.objects && p.flags&flagMarker == 0 {
		m.versions += sign
	}
}

// recordOverhead is about what a record takes in the log beside what its item has, in
// bytes.
const recordOverhead = 16

// Blobs calls yield with the name of each blob that is needed, until it returns false.
func (m *Machine) Blobs(yield func(name string) bool) {
	more := true
	each := func(it item) bool {
		if it.flags()&flagBlob != 0 {
			more = yield(it.place().content.Blob)
		}
		return more
	}
	m.objects.Scan(each)
	if more {
		m.parts.Scan(each)
	}
}
