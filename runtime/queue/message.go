package queue

import (
	"iter"
	"maps"
	"slices"
)

// A message as the machine keeps it while it waits. A million may wait, so every
// field is there for a reason, and what only some have is in its life. Times are
// Unix nanoseconds by the machine's clock, 0 for never.
type message struct {
	number uint64 // its place among all messages the queue ever had, from 1
	id     [16]byte
	sent   int64
	entry  uint64 // the log entry that holds it
	offset uint32 // of its content in the entry's contents
	length uint32 // of its content
	state  state
	inLine bool   // on its shelf, from when it was sent
	aged   bool   // among the ages
	era    uint32 // in which it was sent
	group  *group // FIFO only
	life   *life  // nil while it waits as it was sent
}

// A life is what a message has been through.
type life struct {
	enqueued int64   // retention counts from here, when that is not when it was sent
	until    int64   // hidden until then, while delayed or in flight
	first    int64   // its first receive, by the wall clock
	at       int64   // its last receive
	arrived  int64   // when it came from another queue
	place    uint64  // in the queue, when that is not its number
	receives uint32  // from this queue
	carried  uint32  // from the queues it was moved from
	spot     int32   // one more than its index among the hidden or the returned ones; 0 in neither
	attempt  *memo   // the receive, by attempt id, that has it
	tenant   *tenant // whose it is; standard queues only
}

// A state says where a message is.
type state uint8

const (
	ready    state = iota // may be received, as far as its FIFO group lets it
	delayed               // not yet; standard queues only
	inFlight              // received, until its visibility ends
	leaving               // on its way to another queue
	over                  // deleted, expired, purged or moved
)

// unlived is the life of a message that has none.
var unlived life

// was reads the life of a message; live is for writing to it.
func (o *message) was() *life {
	if o.life == nil {
		return &unlived
	}
	return o.life
}

func (o *message) live() *life {
	if o.life == nil {
		o.life = &life{}
	}
	return o.life
}

func (o *message) enqueued() int64 {
	if t := o.was().enqueued; t != 0 {
		return t
	}
	return o.sent
}

func (o *message) place() uint64 {
	if p := o.was().place; p != 0 {
		return p
	}
	return o.number
}

func (o *message) tenant() *tenant { return o.was().tenant }

func byPlace(a, b *message) bool {
	p, q := a.place(), b.place()
	return p < q || p == q && a.number < b.number
}

func byUntil(a, b *message) bool {
	return a.life.until < b.life.until || a.life.until == b.life.until && a.number < b.number
}

func setSpot(o *message, i int) { o.life.spot = int32(i) + 1 }

// A slab keeps messages by number, in chunks, so that a waiting message is
// neither an object nor a map entry of its own.
type slab struct {
	chunks map[uint64]*chunk
	count  int
	key    uint64 // of the chunk used last
	last   *chunk
}

const chunkSize = 256

type chunk struct {
	messages [chunkSize]message
	alive    int
}

func newSlab() slab { return slab{chunks: map[uint64]*chunk{}} }

func (s *slab) chunk(number uint64) *chunk {
	key := number / chunkSize
	if s.last == nil || s.key != key {
		s.key, s.last = key, s.chunks[key]
	}
	return s.last
}

// at returns a message, nil when it is not there.
func (s *slab) at(number uint64) *message {
	c := s.chunk(number)
	if c == nil {
		return nil
	}
	if o := &c.messages[number%chunkSize]; o.number != 0 && o.state != over {
		return o
	}
	return nil
}

// add makes room for a message that is not there.
func (s *slab) add(number uint64) *message {
	c := s.chunk(number)
	if c == nil {
		c = &chunk{}
		s.chunks[s.key], s.last = c, c
	}
	c.alive++
	s.count++
	o := &c.messages[number%chunkSize]
	*o = message{number: number}
	return o
}

// remove forgets a message. Who still points to it finds it over.
func (s *slab) remove(o *message) {
	c := s.chunk(o.number)
	o.state, o.group, o.life = over, nil, nil
	s.count--
	if c.alive--; c.alive == 0 {
		delete(s.chunks, s.key)
		s.last = nil
	}
}

// all goes through the messages by number. What is removed on the way is not
// met anymore.
func (s *slab) all() iter.Seq[*message] {
	return func(yield func(*message) bool) {
		for _, key := range slices.Sorted(maps.Keys(s.chunks)) {
			c := s.chunks[key]
			for i := range c.messages {
				if o := &c.messages[i]; o.number != 0 && o.state != over && !yield(o) {
					return
				}
			}
		}
	}
}
