package queue

import (
	"iter"
	"maps"
	"slices"
)

// A message is a message in the machine. A million may wait, so it has only the
// fields that every message needs; the rest is in its deliveryState. Times are Unix
// nanoseconds by the machine's clock, 0 for never.
type message struct {
	number      uint64 // from 1, in the order of the sends; never used twice
	id          [16]byte
	sentAt      int64
	entry       uint64 // the log entry that holds it
	offset      uint32 // of its content in the entry's contents
	length      uint32 // of its content, in bytes
	status      status
	inSendOrder bool           // in the sendOrder of its ready queue
	inAgeIndex  bool           // in Machine.byAge
	sendOffset  uint32         // index in Machine.sendOffsets
	group       *group         // FIFO only
	delivery    *deliveryState // nil for a message without one yet
}

// A deliveryState is what a message gets when it is delayed, received or
// transferred, or has a tenant.
type deliveryState struct {
	enqueuedAt      int64 // retention counts from here; 0 for the send time
	hiddenUntil     int64 // while delayed or in flight
	firstReceivedAt int64 // by the wall clock
	lastReceivedAt  int64
	arrivedAt       int64           // from another queue
	position        uint64          // that it is received by; 0 for its number
	receives        uint32          // from this queue
	priorReceives   uint32          // from the queues it came from
	heapIndex       int32           // in Machine.hidden or readyQueue.returned, plus one; 0 in neither
	attempt         *receiveAttempt // the receive that has it in flight, when that has an attempt id
	tenant          *tenant         // standard queues only
}

// A status says where a message is in its life.
type status uint8

const (
	ready        status = iota // may be received, unless its FIFO group blocks it
	delayed                    // not receivable yet; standard queues only
	inFlight                   // received, until its visibility ends
	transferring               // on its way to another queue
	removed                    // deleted, expired, purged or moved
)

// initialState is the state of a message without a deliveryState.
var initialState deliveryState

// state returns the deliveryState of a message for reading; mutableState returns it
// for writing.
func (msg *message) state() *deliveryState {
	if msg.delivery == nil {
		return &initialState
	}
	return msg.delivery
}

func (msg *message) mutableState() *deliveryState {
	if msg.delivery == nil {
		msg.delivery = &deliveryState{}
	}
	return msg.delivery
}

func (msg *message) enqueuedAt() int64 {
	if t := msg.state().enqueuedAt; t != 0 {
		return t
	}
	return msg.sentAt
}

func (msg *message) position() uint64 {
	if p := msg.state().position; p != 0 {
		return p
	}
	return msg.number
}

func (msg *message) tenant() *tenant { return msg.state().tenant }

func byPosition(a, b *message) bool {
	p, q := a.position(), b.position()
	return p < q || p == q && a.number < b.number
}

func byHiddenUntil(a, b *message) bool {
	return a.delivery.hiddenUntil < b.delivery.hiddenUntil || a.delivery.hiddenUntil == b.delivery.hiddenUntil && a.number < b.number
}

func setHeapIndex(msg *message, i int) { msg.delivery.heapIndex = int32(i) + 1 }

// A slab stores messages by number, in chunks, so that a waiting message is neither
// a heap object nor a map entry of its own.
type slab struct {
	chunks    map[uint64]*chunk
	count     int
	lastKey   uint64 // of lastChunk
	lastChunk *chunk
}

const chunkSize = 256

type chunk struct {
	messages [chunkSize]message
	live     int
}

func newSlab() slab { return slab{chunks: map[uint64]*chunk{}} }

func (s *slab) chunk(number uint64) *chunk {
	key := number / chunkSize
	if s.lastChunk == nil || s.lastKey != key {
		s.lastKey, s.lastChunk = key, s.chunks[key]
	}
	return s.lastChunk
}

// get returns a message, nil when there is none.
func (s *slab) get(number uint64) *message {
	c := s.chunk(number)
	if c == nil {
		return nil
	}
	if msg := &c.messages[number%chunkSize]; msg.number != 0 && msg.status != removed {
		return msg
	}
	return nil
}

// add adds a message that is not in the slab.
func (s *slab) add(number uint64) *message {
	c := s.chunk(number)
	if c == nil {
		c = &chunk{}
		s.chunks[s.lastKey], s.lastChunk = c, c
	}
	c.live++
	s.count++
	msg := &c.messages[number%chunkSize]
	*msg = message{number: number}
	return msg
}

// remove removes a message. Whoever still points to it finds its status removed.
func (s *slab) remove(msg *message) {
	c := s.chunk(msg.number)
	msg.status, msg.group, msg.delivery = removed, nil, nil
	s.count--
	if c.live--; c.live == 0 {
		delete(s.chunks, s.lastKey)
		s.lastChunk = nil
	}
}

// all goes through the messages by number. Messages removed on the way are skipped.
func (s *slab) all() iter.Seq[*message] {
	return func(yield func(*message) bool) {
		for _, key := range slices.Sorted(maps.Keys(s.chunks)) {
			c := s.chunks[key]
			for i := range c.messages {
				if msg := &c.messages[i]; msg.number != 0 && msg.status != removed && !yield(msg) {
					return
				}
			}
		}
	}
}
