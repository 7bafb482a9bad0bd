package fifo

import (
	"sort"
	"sync/atomic"
)

// A budget is what is left of Config.WindowBytes.
type budget struct{ left atomic.Int64 }

// entryOverhead is what an entry of a window needs beside its content, in bytes.
const entryOverhead = 64

// A window is the newest entries of a log that readers have not had, as they were
// published: so they need not be read from the stream. It is guarded by its log.
type window struct {
	budget  *budget
	max     int64         // bytes
	entries []storedEntry // in the order of their sequences
	bytes   int64
}

func cost(e storedEntry) int64 { return int64(len(e.content)) + entryOverhead }

// add adds an entry if it is newer than the others and the budget allows it.
func (w *window) add(e storedEntry) {
	if n := len(w.entries); n > 0 && w.entries[n-1].seq >= e.seq {
		return
	}
	c := cost(e)
	if w.budget.left.Add(-c) < 0 {
		w.budget.left.Add(c)
		return
	}
	w.entries = append(w.entries, e)
	w.bytes += c
	drop := 0
	for over := w.bytes - w.max; over > 0; drop++ {
		over -= cost(w.entries[drop])
	}
	w.drop(drop)
}

// from returns entries with consecutive sequences, the first of which is seq: up to max of
// them, and about so many bytes; none when seq is not there.
func (w *window) from(seq uint64, max int, bytes int64) []storedEntry {
	i := w.index(seq)
	n := 0
	for ; i+n < len(w.entries) && n < max && bytes > 0 && w.entries[i+n].seq == seq+uint64(n); n++ {
		bytes -= cost(w.entries[i+n])
	}
	return append([]storedEntry(nil), w.entries[i:i+n]...)
}

// first is the lowest sequence from seq on that is there; 0 when there is none.
func (w *window) first(seq uint64) uint64 {
	if i := w.index(seq); i < len(w.entries) {
		return w.entries[i].seq
	}
	return 0
}

func (w *window) index(seq uint64) int {
	return sort.Search(len(w.entries), func(i int) bool { return w.entries[i].seq >= seq })
}

// forget removes the entries below a sequence.
func (w *window) forget(below uint64) { w.drop(w.index(below)) }

// clear removes all entries.
func (w *window) clear() { w.drop(len(w.entries)) }

func (w *window) drop(n int) {
	var freed int64
	for i := range w.entries[:n] {
		freed += cost(w.entries[i])
		w.entries[i] = storedEntry{}
	}
	w.bytes -= freed
	w.budget.left.Add(freed)
	if w.entries = w.entries[n:]; len(w.entries) == 0 {
		w.entries = nil
	}
}
