package record

import (
	"slices"
	"sort"
	"strings"
	"time"
)

// A kind is the records of one kind.
type kind struct {
	rows  map[string]*row
	order []string // the keys of rows that are not deleted, sorted; nil when it must be computed
}

// set puts a row into the mirror, and reports whether it is newer than the row before.
func (s *Store) set(wire string, r *row) (news bool) {
	name, key, ok := parseKey(wire)
	if !ok {
		return false // not one of ours
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.highest = max(s.highest, r.revision)
	k := s.kinds[name]
	if k == nil {
		k = &kind{rows: map[string]*row{}}
		s.kinds[name] = k
	}
	before, known := k.rows[key]
	if known && before.revision >= r.revision {
		return false
	}
	if !known || before.deleted != r.deleted {
		k.order = nil
	}
	k.rows[key] = r
	if r.markerExpires {
		now := time.Now()
		s.expireMarkersLocked(now)
		s.expiringMarkers = append(s.expiringMarkers, expiringMarker{name, key, r.revision, now.Add(markerLife)})
	}
	return true
}

func (s *Store) get(kind, key string) (*row, bool) {
	r := s.row(kind, key)
	return r, r.exists()
}

// row is the mirror's row of a record, also of a deleted one.
func (s *Store) row(kind, key string) *row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if k := s.kinds[kind]; k != nil && k.rows[key] != nil {
		return k.rows[key]
	}
	return absent
}

// keys returns the keys of a kind that start with prefix, sorted, without those of deleted
// records. The caller must not change the slice.
func (s *Store) keys(kind, prefix string) []string {
	s.mu.RLock()
	k := s.kinds[kind]
	if k == nil {
		s.mu.RUnlock()
		return nil
	}
	order := k.order
	s.mu.RUnlock()
	if order == nil {
		s.mu.Lock()
		order = k.sort()
		s.mu.Unlock()
	}
	from, _ := slices.BinarySearch(order, prefix)
	n := sort.Search(len(order)-from, func(i int) bool { return !strings.HasPrefix(order[from+i], prefix) })
	return order[from : from+n : from+n]
}

func (k *kind) sort() []string {
	if k.order == nil {
		k.order = make([]string, 0, len(k.rows))
		for key, r := range k.rows {
			if !r.deleted {
				k.order = append(k.order, key)
			}
		}
		slices.Sort(k.order)
	}
	return k.order
}

// count is the number of rows, deleted records included.
func (s *Store) count() (n int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, k := range s.kinds {
		n += len(k.rows)
	}
	return n
}

// all returns the rows by bucket key, deleted records included.
func (s *Store) all() map[string]*row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := map[string]*row{}
	for kind, k := range s.kinds {
		for key, r := range k.rows {
			all[wireKey(kind, key)] = r
		}
	}
	return all
}
