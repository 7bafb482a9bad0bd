package queue

// A message as the machine keeps it. A million may wait, so every field is
// there for a reason. Times are Unix nanoseconds, 0 for never.
type message struct {
	number   uint64 // its place among all messages the queue ever had, from 1
	id       [16]byte
	content  Content // "" when the budget has no room for it: it is read back from the log
	sent     int64
	enqueued int64 // retention counts from here
	until    int64 // hidden until then, while delayed or in flight
	first    int64 // its first receive
	at       int64 // its last receive
	place    uint64
	entry    uint64 // the log entry that holds it
	size     int32  // its bytes there
	index    int32  // in the heap of the hidden or of the returned ones, -1 in neither
	receives uint32 // from this queue
	carried  uint32 // from the queues it was moved from
	state    state

	prev, next *message // among the ready ones, or in its FIFO group
	linked     bool     // in such a list
	group      *group   // FIFO only
	attempt    *memo    // the receive, by attempt id, that has it
	sibling    *message // another one in the same entry
}

// A state says where a message is.
type state uint8

const (
	ready    state = iota // may be received, as far as its FIFO group lets it
	delayed               // not yet; standard queues only
	inFlight              // received, until its visibility ends
	leaving               // on its way to the dead-letter queue
	over                  // deleted, expired, purged or moved
)

// A list is a chain of messages through prev and next.
type list struct{ head, tail *message }

// insert puts o after every message that before says comes first, looking from
// the end, where most go.
func (l *list) insert(o *message, before func(a, b *message) bool) {
	p := l.tail
	for p != nil && before(o, p) {
		p = p.prev
	}
	o.prev, o.linked = p, true
	if p == nil {
		o.next, l.head = l.head, o
	} else {
		o.next, p.next = p.next, o
	}
	if o.next == nil {
		l.tail = o
	} else {
		o.next.prev = o
	}
}

func (l *list) remove(o *message) {
	if o.prev == nil {
		l.head = o.next
	} else {
		o.prev.next = o.next
	}
	if o.next == nil {
		l.tail = o.prev
	} else {
		o.next.prev = o.prev
	}
	o.prev, o.next, o.linked = nil, nil, false
}

// A shelf holds the ready messages of a standard queue by place. Those that
// come in order are in a list, however many there are; those that come back are
// in a heap.
type shelf struct {
	inOrder  list
	returned heap[*message]
}

func byPlace(a, b *message) bool {
	return a.place < b.place || a.place == b.place && a.number < b.number
}

func byUntil(a, b *message) bool {
	return a.until < b.until || a.until == b.until && a.number < b.number
}

func byNumber(a, b *message) bool { return a.number < b.number }

func setIndex(o *message, i int) { o.index = int32(i) }

func newShelf() shelf {
	return shelf{returned: heap[*message]{less: byPlace, moved: setIndex}}
}

func (s *shelf) put(o *message) {
	if s.inOrder.tail == nil || byPlace(s.inOrder.tail, o) {
		s.inOrder.insert(o, byPlace)
		return
	}
	o.linked = true
	s.returned.push(o)
}

func (s *shelf) remove(o *message) {
	if o.index < 0 {
		s.inOrder.remove(o)
		return
	}
	s.returned.remove(int(o.index))
	o.linked = false
}

func (s *shelf) first() *message {
	switch o := s.inOrder.head; {
	case s.returned.len() == 0:
		return o
	case o == nil || byPlace(s.returned.top(), o):
		return s.returned.top()
	default:
		return o
	}
}
