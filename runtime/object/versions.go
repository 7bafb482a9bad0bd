package object

import (
	"math"
	"time"
)

// Get returns a version of a key with all that is known of it; a delete marker too. ok is
// false when there is none.
func (m *Machine) Get(key string, v Version) (o Object, ok bool) {
	it, ok := m.find(key, v)
	if !ok {
		return Object{}, false
	}
	o, upload := decodeVersion(it, false)
	o.Latest = v == Version{} || m.isLatest(it) // without a version the newest was found
	if upload != 0 {
		m.parts.of(partKey(upload), 0, func(it item) bool {
			o.Parts = append(o.Parts, readPart(it))
			return true
		})
	}
	return o, true
}

func (m *Machine) find(key string, v Version) (item, bool) {
	switch {
	case v.Number != 0:
		return m.objects.get(key, newestFirst(v.Number))
	case v.Null:
		return m.null(key)
	}
	return m.objects.first(key)
}

// null returns the null version of a key.
func (m *Machine) null(key string) (item, bool) {
	if number, ok := m.nulls[key]; ok {
		return m.objects.get(key, newestFirst(number))
	}
	it, ok := m.objects.first(key)
	return it, ok && it.flags()&flagNull != 0
}

func numberOf(it item) uint64 { return newestFirst(it.order()) }

// object decodes an item, but for its Parts.
func (m *Machine) object(it item) Object {
	o, _ := decodeVersion(it, false)
	o.Latest = m.isLatest(it)
	return o
}

func (m *Machine) isLatest(it item) bool {
	first, _ := m.objects.first(it.name())
	return first.order() == it.order()
}

// brief decodes what lists need.
func (m *Machine) brief(it item) Object {
	o, _ := decodeVersion(it, true)
	return o
}

// decodeVersion decodes an item but for what needs others, and returns the number of its
// upload: 0 for none.
func decodeVersion(it item, brief bool) (o Object, upload uint64) {
	p := it.place()
	o = Object{Key: it.name(), Number: numberOf(it), Null: p.flags&flagNull != 0, Marker: p.flags&flagMarker != 0, Content: p.content}
	upload = readObject(&o, p.rest, brief)
	return o, upload
}

// milliseconds is a time as S3 keeps it.
func milliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// applyVersion puts a version. Those that say so take the place of the null version before
// them. It also comes for versions that were moved, or changed in place.
func (a *applying) applyVersion(r *record) {
	newest, any := a.objects.first(r.key)
	isNull := any && newest.flags()&flagNull != 0
	if r.flags&flagNull != 0 {
		if isNull && numberOf(newest) < r.number {
			a.removeVersion(newest)
			any = false
		} else if old, ok := a.nulls[r.key]; ok && old < r.number {
			a.removeVersion(position(r.key, newestFirst(old)))
		}
	}
	if r.flags&flagMarker != 0 {
		a.markDeleted(r.key, r.number)
	}
	it := a.insert(a.objects, r)
	switch {
	case !any || numberOf(newest) == r.number:
	case numberOf(newest) < r.number && isNull:
		a.nulls[it.name()] = numberOf(newest)
	case numberOf(newest) > r.number && r.flags&flagNull != 0:
		a.nulls[it.name()] = r.number
	}
}

func (a *applying) applyRemoved(r *record) {
	if r.flags&flagDeleted != 0 {
		a.markDeleted(r.key, math.MaxUint64)
	}
	if it, ok := a.objects.get(r.key, newestFirst(r.number)); ok {
		a.removeVersion(it)
	}
}

func (a *applying) removeVersion(it item) {
	p := a.remove(a.objects, it)
	if p.flags&flagNull != 0 {
		delete(a.nulls, it.name())
	}
	if upload := uploadOf(p.rest); upload != 0 {
		a.removeParts(upload, nil)
	}
}
