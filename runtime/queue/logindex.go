package queue

import "sync/atomic"

// A logIndex knows which entries of the log still hold something live: a message, a
// deduplication id or a receive attempt. It also keeps the contents of messages in
// memory, as far as the budget allows, and the queue's own limit.
type logIndex struct {
	entries        deque[entryUsage]
	base           uint64 // the sequence of the first of entries
	liveBytes      int64  // live bytes in all entries, estimated
	totalBytes     int64  // bytes of all entries
	trimmableBytes int64  // bytes of entries before the first one, which are still in the log
	budget         *Budget
	maxCached      int // bytes of contents in memory; 0 for what the budget allows
	cached         int
}

// An entryUsage says what is live in one entry.
type entryUsage struct {
	size         int64
	liveBytes    int64
	firstNumber  uint64      // the number of the first message sent in it
	sentCount    uint32      // how many messages were sent in it, with consecutive numbers
	liveMessages uint32      // messages whose content is in this entry
	contents     string      // in memory; "" when they have to be read from the log
	keyName      string      // of the key that the contents were stored under
	extra        *usageExtra // nil in most entries
}

// A usageExtra is what only entries with copies, and those of FIFO queues, need.
type usageExtra struct {
	copied   []uint64 // numbers of the messages copied into this entry
	dedups   []*dedupEntry
	attempts []*receiveAttempt
}

// messageOverhead is about what a message takes in the log beside its content, in
// bytes.
const messageOverhead = 32

// addEntry makes room for the entry seq. Entries come in order; the log may have
// gaps.
func (l *logIndex) addEntry(seq uint64) {
	if l.entries.len() == 0 {
		l.base = seq
	}
	for l.base+uint64(l.entries.len()) <= seq {
		l.entries.push(entryUsage{})
	}
}

func (l *logIndex) has(seq uint64) bool {
	return seq >= l.base && seq < l.base+uint64(l.entries.len())
}

func (l *logIndex) entry(seq uint64) *entryUsage {
	return &l.entries.items[l.entries.head+int(seq-l.base)]
}

// finishEntry sets the size and contents of the entry seq, and drops dead entries at
// the front. The newest entry stays.
func (l *logIndex) finishEntry(seq uint64, size int64, contents, key string) {
	s := l.entry(seq)
	s.size = size
	l.totalBytes += size
	if contents != "" && s.liveMessages > 0 && l.reserve(len(contents)) {
		s.contents, s.keyName = contents, key
	}
	for l.entries.len() > 1 && l.entries.at(0).liveBytes == 0 {
		s := l.entries.pop()
		l.totalBytes -= s.size
		l.trimmableBytes += s.size
		l.base++
	}
}

// reserve takes memory for contents; false when there is none.
func (l *logIndex) reserve(n int) bool {
	if l.maxCached > 0 && l.cached+n > l.maxCached || !l.budget.reserve(n) {
		return false
	}
	l.cached += n
	return true
}

func (l *logIndex) release(n int) {
	l.cached -= n
	l.budget.release(n)
}

// placeMessage notes that a message is in the entry seq: sent there, or copied
// there.
func (l *logIndex) placeMessage(msg *message, seq uint64, r *record) {
	s := l.entry(seq)
	msg.entry, msg.offset, msg.length = seq, uint32(r.offset), uint32(r.length)
	switch {
	case r.kind == kindSent && s.sentCount == 0:
		s.firstNumber, s.sentCount = msg.number, 1
	case r.kind == kindSent && msg.number == s.firstNumber+uint64(s.sentCount):
		s.sentCount++
	default:
		s.mutableExtra().copied = append(s.mutableExtra().copied, msg.number)
	}
	s.liveMessages++
	l.addLiveBytes(s, msg.logBytes())
}

func (msg *message) logBytes() int64 { return int64(msg.length) + messageOverhead }

func (s *entryUsage) mutableExtra() *usageExtra {
	if s.extra == nil {
		s.extra = &usageExtra{}
	}
	return s.extra
}

func (l *logIndex) addLiveBytes(s *entryUsage, bytes int64) {
	s.liveBytes += bytes
	l.liveBytes += bytes
}

// releaseMessage notes that a message is no longer in its entry.
func (l *logIndex) releaseMessage(msg *message) {
	s := l.entry(msg.entry)
	l.addLiveBytes(s, -msg.logBytes())
	if s.liveMessages--; s.liveMessages == 0 {
		l.release(len(s.contents))
		s.contents, s.keyName = "", ""
		if s.extra != nil {
			s.extra.copied = nil
		}
	}
}

// messagesIn returns the numbers of the messages placed in an entry, in their order.
func (l *logIndex) messagesIn(seq uint64) (all []uint64) {
	s := l.entry(seq)
	if s.liveMessages == 0 {
		return nil
	}
	for i := range uint64(s.sentCount) {
		all = append(all, s.firstNumber+i)
	}
	if s.extra != nil {
		all = append(all, s.extra.copied...)
	}
	return all
}

// content returns the content of a message; "" when it has to be read from the log.
func (l *logIndex) content(msg *message) Content {
	s := l.entry(msg.entry)
	if s.contents == "" {
		return ""
	}
	return Content(s.contents[msg.offset : msg.offset+msg.length])
}

// A logShare is how much of the log a deduplication id or a receive attempt keeps
// live.
type logShare struct {
	entry uint64 // the log entry that has it
	size  int64  // bytes of that entry
}

// placeShare adds size bytes of the entry seq to a share. moved is true when the
// share was in another entry before, or in none.
func (l *logIndex) placeShare(s *logShare, seq uint64, size int) (moved bool) {
	if moved = s.entry != seq; moved {
		l.releaseShare(s)
		s.entry, s.size = seq, 0
	}
	s.size += int64(size)
	l.addLiveBytes(l.entry(seq), int64(size))
	return moved
}

func (l *logIndex) releaseShare(s *logShare) {
	if s.size == 0 {
		return
	}
	e := l.entry(s.entry)
	l.addLiveBytes(e, -s.size)
	s.size = 0
	if e.liveBytes == 0 && e.extra != nil {
		e.extra.dedups, e.extra.attempts = nil, nil
	}
}

// releaseContents gives the memory of all contents back to the budget.
func (l *logIndex) releaseContents() {
	for i := range l.entries.all() {
		s := l.entries.all()[i]
		l.release(len(s.contents))
	}
	l.entries = deque[entryUsage]{}
}

// A Budget limits the memory for the contents of waiting messages, for all queues
// that share it. A nil Budget has no limit.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget makes a budget of limit bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Full reports whether there is no room for n more bytes.
func (b *Budget) Full(n int) bool { return b != nil && b.used.Load()+int64(n) > b.limit }

func (b *Budget) reserve(n int) bool {
	if b == nil {
		return true
	}
	if b.used.Add(int64(n)) > b.limit {
		b.used.Add(int64(-n))
		return false
	}
	return true
}

func (b *Budget) release(n int) {
	if b != nil {
		b.used.Add(int64(-n))
	}
}
