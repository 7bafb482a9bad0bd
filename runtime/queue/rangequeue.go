package queue

import "iter"

// A rangeQueue holds message numbers in ascending order. Most follow one another: a
// million waiting messages are one range, and no pointers for the garbage collector.
type rangeQueue struct{ ranges deque[Range] }

func (r *rangeQueue) empty() bool   { return r.ranges.len() == 0 }
func (r *rangeQueue) first() uint64 { return r.ranges.at(0).From }

func (r *rangeQueue) push(n uint64) {
	if all := r.ranges.all(); len(all) > 0 && all[len(all)-1].To+1 == n {
		all[len(all)-1].To = n
		return
	}
	r.ranges.push(Range{n, n})
}

// dropFirst removes the first number.
func (r *rangeQueue) dropFirst() { r.dropBelow(r.first() + 1) }

// dropBelow removes the numbers of the first range that are below n.
func (r *rangeQueue) dropBelow(n uint64) {
	if front := &r.ranges.all()[0]; n <= front.To {
		front.From = n
	} else {
		r.ranges.pop()
	}
}

// firstKept returns the first message for which keep is true, and drops all numbers
// before it.
func (r *rangeQueue) firstKept(s *slab, keep func(*message) bool) *message {
	for !r.empty() {
		n := r.first()
		if s.chunk(n) == nil {
			r.dropBelow(nextChunk(n))
			continue
		}
		if msg := s.get(n); msg != nil && keep(msg) {
			return msg
		}
		r.dropFirst()
	}
	return nil
}

// all returns the messages that exist, in order.
func (r *rangeQueue) all(s *slab) iter.Seq[*message] {
	return func(yield func(*message) bool) {
		for _, run := range r.ranges.all() {
			for n := run.From; n <= run.To; n++ {
				if s.chunk(n) == nil {
					n = nextChunk(n) - 1
				} else if msg := s.get(n); msg != nil && !yield(msg) {
					return
				}
			}
		}
	}
}

// backward is all in the opposite order.
func (r *rangeQueue) backward(s *slab) iter.Seq[*message] {
	return func(yield func(*message) bool) {
		all := r.ranges.all()
		for i := range all {
			run := all[len(all)-1-i]
			for n := run.To; n >= run.From; n-- {
				if s.chunk(n) == nil {
					n = max(n-n%chunkSize, run.From)
				} else if msg := s.get(n); msg != nil && !yield(msg) {
					return
				}
			}
		}
	}
}

// nextChunk is the first number of the next chunk.
func nextChunk(n uint64) uint64 { return (n/chunkSize + 1) * chunkSize }
