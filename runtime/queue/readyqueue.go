package queue

// A readyQueue holds the ready messages of a standard queue, or of one of its
// tenants, by position. Each message is once in sendOrder, from its send on;
// receives go along it and skip messages that are not ready. Messages that return
// after a receive are in a heap.
type readyQueue struct {
	messages   *slab
	sendOrder  rangeQueue
	nextNumber uint64 // lower numbers can no longer be added to sendOrder
	returned   heap[*message]
}

func newReadyQueue(s *slab) readyQueue {
	return readyQueue{messages: s, returned: heap[*message]{less: byPosition, moved: setHeapIndex}}
}

// addSent adds a new message to sendOrder, ready or not. A copied old message may be
// too late for that: add puts it in the heap when it is ready.
func (s *readyQueue) addSent(msg *message) {
	if msg.number >= s.nextNumber {
		msg.inSendOrder = true
		s.sendOrder.push(msg.number)
		s.nextNumber = msg.number + 1
	}
}

// add makes a message available that became ready.
func (s *readyQueue) add(msg *message) {
	if !msg.inSendOrder || msg.position() != msg.number {
		msg.mutableState()
		s.returned.push(msg)
	}
}

// remove removes a ready message.
func (s *readyQueue) remove(msg *message) {
	if msg.state().heapIndex > 0 {
		s.returned.remove(int(msg.delivery.heapIndex) - 1)
	} else if !s.sendOrder.empty() && s.sendOrder.first() == msg.number {
		msg.inSendOrder = false
		s.sendOrder.dropFirst()
	}
}

// trimRemoved drops removed messages at the front.
func (s *readyQueue) trimRemoved() {
	for !s.sendOrder.empty() && s.messages.get(s.sendOrder.first()) == nil {
		s.sendOrder.dropFirst()
	}
}

// first returns the message to be received next, nil for none.
func (s *readyQueue) first() *message {
	next := s.sendOrder.firstKept(s.messages, func(msg *message) bool {
		msg.inSendOrder = msg.status == ready && msg.state().heapIndex == 0
		return msg.inSendOrder
	})
	if s.returned.len() > 0 && (next == nil || byPosition(s.returned.top(), next)) {
		return s.returned.top()
	}
	return next
}
