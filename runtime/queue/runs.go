package queue

import "iter"

// Runs are the numbers of messages in the order in which they came. Most follow
// one another: a million waiting messages are one run, and nothing that the
// garbage collector has to look at.
type runs struct{ spans deque[Range] }

func (r *runs) empty() bool   { return r.spans.len() == 0 }
func (r *runs) first() uint64 { return r.spans.at(0).From }

func (r *runs) push(n uint64) {
	if all := r.spans.all(); len(all) > 0 && all[len(all)-1].To+1 == n {
		all[len(all)-1].To = n
		return
	}
	r.spans.push(Range{n, n})
}

// drop takes the first number off.
func (r *runs) drop() { r.dropTo(r.first() + 1) }

// dropTo takes the numbers of the first run off that are below n.
func (r *runs) dropTo(n uint64) {
	if front := &r.spans.all()[0]; n <= front.To {
		front.From = n
	} else {
		r.spans.pop()
	}
}

// front returns the first message that keep accepts, and drops all before it.
func (r *runs) front(s *slab, keep func(*message) bool) *message {
	for !r.empty() {
		n := r.first()
		if s.chunk(n) == nil {
			r.dropTo(after(n))
			continue
		}
		if o := s.at(n); o != nil && keep(o) {
			return o
		}
		r.drop()
	}
	return nil
}

// all returns the messages that are there.
func (r *runs) all(s *slab) iter.Seq[*message] {
	return func(yield func(*message) bool) {
		for _, run := range r.spans.all() {
			for n := run.From; n <= run.To; n++ {
				if s.chunk(n) == nil {
					n = after(n) - 1
				} else if o := s.at(n); o != nil && !yield(o) {
					return
				}
			}
		}
	}
}

// backward is all from the last to the first.
func (r *runs) backward(s *slab) iter.Seq[*message] {
	return func(yield func(*message) bool) {
		all := r.spans.all()
		for i := range all {
			run := all[len(all)-1-i]
			for n := run.To; n >= run.From; n-- {
				if s.chunk(n) == nil {
					n = max(n-n%chunkSize, run.From)
				} else if o := s.at(n); o != nil && !yield(o) {
					return
				}
			}
		}
	}
}

// after is the first number of the next chunk.
func after(n uint64) uint64 { return (n/chunkSize + 1) * chunkSize }
