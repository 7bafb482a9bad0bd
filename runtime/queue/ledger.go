package queue

import "sync/atomic"

// A ledger knows which entries of the log still hold something that counts: a
// message that lives, or a memo. It keeps their contents, as far as the budget
// goes.
type ledger struct {
	slots  deque[slot]
	base   uint64 // the sequence of the first slot
	live   int64  // bytes that count, in all slots, about
	total  int64  // bytes of all slots
	freed  int64  // bytes of entries before the first slot, still in the log
	budget *Budget
}

// A slot is one entry.
type slot struct {
	size     int64
	live     int64
	first    uint64 // the number of the first message sent in it
	sent     uint32 // and how many, consecutively
	alive    uint32 // messages that have their content here
	contents string // "" when they are to be read from the log
	key      string // of the contents that are here
	more     *extra // nil in most
}

// An extra is what copies and FIFO queues need beside.
type extra struct {
	kept  []uint64 // messages copied here
	memos []*memo
}

// messageOverhead is what a message takes in the log beside its content, about.
const messageOverhead = 32

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

// close says how large the entry seq became and what its contents are, and lets
// go of dead entries in front. The newest entry stays.
func (l *ledger) close(seq uint64, size int64, contents, key string) {
	s := l.slot(seq)
	s.size = size
	l.total += size
	if contents != "" && s.alive > 0 && l.budget.take(len(contents)) {
		s.contents, s.key = contents, key
	}
	for l.slots.len() > 1 && l.slots.at(0).live == 0 {
		s := l.slots.pop()
		l.total -= s.size
		l.freed += s.size
		l.base++
	}
}

// place says that a message is in the entry seq: sent there, or copied.
func (l *ledger) place(o *message, seq uint64, r *record) {
	s := l.slot(seq)
	o.entry, o.offset, o.length = seq, uint32(r.offset), uint32(r.length)
	switch {
	case r.kind == sent && s.sent == 0:
		s.first, s.sent = o.number, 1
	case r.kind == sent && o.number == s.first+uint64(s.sent):
		s.sent++
	default:
		s.extra().kept = append(s.extra().kept, o.number)
	}
	s.alive++
	l.count(s, o.bytes())
}

func (o *message) bytes() int64 { return int64(o.length) + messageOverhead }

func (s *slot) extra() *extra {
	if s.more == nil {
		s.more = &extra{}
	}
	return s.more
}

func (l *ledger) count(s *slot, bytes int64) {
	s.live += bytes
	l.live += bytes
}

// release says that a message is not in its entry anymore.
func (l *ledger) release(o *message) {
	s := l.slot(o.entry)
	l.count(s, -o.bytes())
	if s.alive--; s.alive == 0 {
		l.budget.give(len(s.contents))
		s.contents, s.key = "", ""
		if s.more != nil {
			s.more.kept = nil
		}
	}
}

// numbers are those of the messages that came with an entry, in their order.
func (l *ledger) numbers(seq uint64) (all []uint64) {
	s := l.slot(seq)
	if s.alive == 0 {
		return nil
	}
	for i := range uint64(s.sent) {
		all = append(all, s.first+i)
	}
	if s.more != nil {
		all = append(all, s.more.kept...)
	}
	return all
}

// content is what a message holds; "" when it is to be read from the log.
func (l *ledger) content(o *message) Content {
	s := l.slot(o.entry)
	if s.contents == "" {
		return ""
	}
	return Content(s.contents[o.offset : o.offset+o.length])
}

func (l *ledger) placeMemo(e *memo, seq uint64, size int) {
	s := l.slot(seq)
	if e.entry != seq {
		l.releaseMemo(e)
		e.entry, e.size = seq, 0
		s.extra().memos = append(s.extra().memos, e)
	}
	e.size += int64(size)
	l.count(s, int64(size))
}

func (l *ledger) releaseMemo(e *memo) {
	if e.size == 0 {
		return
	}
	s := l.slot(e.entry)
	l.count(s, -e.size)
	e.size = 0
	if s.live == 0 && s.more != nil {
		s.more.memos = nil
	}
}

// clear gives all contents back to the budget.
func (l *ledger) clear() {
	for i := range l.slots.all() {
		s := l.slots.all()[i]
		l.budget.give(len(s.contents))
	}
	l.slots = deque[slot]{}
}

// A Budget bounds the memory that the contents of waiting messages take, for
// all queues that share it. A nil Budget has no bound.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget allows limit bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Full tells whether there is no room for n bytes more.
func (b *Budget) Full(n int) bool { return b != nil && b.used.Load()+int64(n) > b.limit }

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
