package queue

import "sync/atomic"

// A ledger knows which entries of the log still hold something that counts: a
// message that lives, or a memo.
type ledger struct {
	slots deque[slot]
	base  uint64 // the sequence of the first slot
	live  int64  // bytes that count, in all slots
	total int64  // bytes of all slots
	freed int64  // bytes of entries before the first slot, still in the log
}

// A slot is one entry.
type slot struct {
	size, live int64
	messages   *message
	memos      *memo
}

// add opens the slot of the entry seq. Entries come in order; the log may have
// gaps.
func (l *ledger) add(seq uint64) {
	if l.slots.len() == 0 {
		l.base = seq
	}
	for l.base+uint64(l.slots.len()) <= seq {
		l.slots.push(slot{})
	}
}

func (l *ledger) has(seq uint64) bool {
	return seq >= l.base && seq < l.base+uint64(l.slots.len())
}

func (l *ledger) slot(seq uint64) *slot {
	return &l.slots.items[l.slots.head+int(seq-l.base)]
}

// close says how large the entry seq became, and lets go of dead entries in
// front. The newest entry stays.
func (l *ledger) close(seq uint64, size int64) {
	l.slot(seq).size = size
	l.total += size
	for l.slots.len() > 1 && l.slots.at(0).live == 0 {
		s := l.slots.pop()
		l.total -= s.size
		l.freed += s.size
		l.base++
	}
}

func (l *ledger) place(o *message, seq uint64, size int) {
	s := l.slot(seq)
	o.entry, o.size = seq, int32(size)
	o.sibling, s.messages = s.messages, o
	s.live += int64(size)
	l.live += int64(size)
}

func (l *ledger) placeMemo(e *memo, seq uint64, size int) {
	s := l.slot(seq)
	if e.entry != seq {
		l.release(e.entry, e.size)
		e.entry, e.size = seq, 0
		e.sibling, s.memos = s.memos, e
	}
	e.size += int32(size)
	s.live += int64(size)
	l.live += int64(size)
}

func (l *ledger) release(seq uint64, size int32) {
	if size == 0 {
		return
	}
	s := l.slot(seq)
	s.live -= int64(size)
	l.live -= int64(size)
	if s.live == 0 {
		s.messages, s.memos = nil, nil
	}
}

// A Budget bounds the memory that the contents of waiting messages take, for
// all queues that share it. A nil Budget has no bound.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget allows limit bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

func (b *Budget) take(n int) bool {
	if b == nil {
		return true
	}
	if b.used.Add(int64(n)) > b.limit {
		b.used.Add(int64(-n))
		return false
	}
	return true
}

func (b *Budget) give(n int) {
	if b != nil {
		b.used.Add(int64(-n))
	}
}
