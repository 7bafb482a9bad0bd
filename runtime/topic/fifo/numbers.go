package fifo

import (
	"sort"
	"time"
)

// A jump says that the numbers of the entries from sequence From on are those of the
// stream, plus Add.
type jump struct {
	From, Add uint64
}

// numbering gives entries their numbers, which must never be given twice: a receiver
// takes an entry with a number that it has seen for one that it has. The sequences of
// the stream alone will not do. After a power cut the stream may end earlier than it
// did, and give the sequences of lost entries, which receivers have, to new ones. So
// the numbers jump ahead where that may have happened: to the time in microseconds, since
// the record that has the jumps may have been cut back too. Its jumps are in the order of
// From, and Add rises.
type numbering []jump

// minJump is how far the numbers jump at least, should the clock have been set back: more
// than the entries of a few seconds. In microseconds it is shorter than a restart takes.
const minJump = 1 << 20

// at returns the number of the entry with a sequence.
func (n numbering) at(seq uint64) uint64 {
	i := sort.Search(len(n), func(i int) bool { return n[i].From > seq })
	if i == 0 {
		return seq
	}
	return seq + n[i-1].Add
}

// jumped returns the numbering with a jump at the entry from. No receiver may have an entry
// from there on, unless it was lost.
func (n numbering) jumped(from uint64, now time.Time) numbering {
	start := uint64(max(now.UnixMicro(), 0))
	if len(n) > 0 {
		start = max(start, from+n[len(n)-1].Add+minJump)
	}
	i := sort.Search(len(n), func(i int) bool { return n[i].From >= from })
	return append(n[:i:i], jump{from, max(start, from) - from})
}

// trimmed returns the numbering without the jumps that entries from first on do not
// need.
func (n numbering) trimmed(first uint64) numbering {
	for len(n) > 1 && n[1].From <= first {
		n = n[1:]
	}
	return n
}
