package queue

// An ageIndex keeps messages in the order in which they were enqueued. Most arrive
// in that order and are kept as ranges of numbers; the others go to a heap. Messages
// that are no longer queued are dropped when they reach the front.
type ageIndex struct {
	messages   *slab
	inOrder    rangeQueue
	outOfOrder heap[ageKey]
	last       ageKey // the newest of inOrder
}

// An ageKey orders messages by enqueue time, and those of one moment by number.
type ageKey struct {
	enqueued int64
	number   uint64
}

func (a ageKey) before(b ageKey) bool {
	return a.enqueued < b.enqueued || a.enqueued == b.enqueued && a.number < b.number
}

func newAgeIndex(s *slab) ageIndex {
	return ageIndex{messages: s, outOfOrder: heap[ageKey]{less: ageKey.before, moved: func(ageKey, int) {}}}
}

// push adds a message, unless it is in the index already.
func (a *ageIndex) push(msg *message) {
	if msg.inAgeIndex {
		return
	}
	msg.inAgeIndex = true
	t := ageKey{msg.enqueuedAt(), msg.number}
	if a.inOrder.empty() || a.last.before(t) {
		a.inOrder.push(msg.number)
		a.last = t
		return
	}
	a.outOfOrder.push(t)
}

// keepInAgeIndex reports whether a message belongs in the index. It also updates
// inAgeIndex: a message for which it is false is about to be dropped.
func keepInAgeIndex(msg *message) bool {
	msg.inAgeIndex = msg.isQueued()
	return msg.inAgeIndex
}

// first returns the oldest message, nil for none.
func (a *ageIndex) first() *message {
	msg := a.inOrder.firstKept(a.messages, keepInAgeIndex)
	for a.outOfOrder.len() > 0 {
		top := a.outOfOrder.top()
		late := a.messages.get(top.number)
		if late == nil || !keepInAgeIndex(late) {
			a.outOfOrder.pop()
			continue
		}
		if msg == nil || top.before(ageKey{msg.enqueuedAt(), msg.number}) {
			return late
		}
		break
	}
	return msg
}

// compact rebuilds the index when most of it is messages that are no longer queued.
func (a *ageIndex) compact(messages int) {
	if a.inOrder.ranges.len()+a.outOfOrder.len() <= 2*messages+1024 {
		return
	}
	old := *a
	*a = newAgeIndex(old.messages)
	again := func(msg *message) {
		if keepInAgeIndex(msg) {
			msg.inAgeIndex = false
			a.push(msg)
		}
	}
	for msg := range old.inOrder.all(old.messages) {
		again(msg)
	}
	for _, late := range old.outOfOrder.items {
		if msg := old.messages.get(late.number); msg != nil {
			again(msg)
		}
	}
}
