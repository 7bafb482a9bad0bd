package queue

// A shelf holds the ready messages of a standard queue, or of one tenant, by
// place. Each message stands in line once, where it was sent; taking goes along
// the line and passes those that are not ready. Those that come back are in a
// heap.
type shelf struct {
	line     deque[*message]
	end      uint64 // numbers below may not join the line anymore
	returned heap[*message]
}

func newShelf() shelf {
	return shelf{returned: heap[*message]{less: byPlace, moved: setSpot}}
}

// join gives a message its place in line when it is admitted, ready or not. A
// copy of an old one may come too late for that: it is put when it is ready.
func (s *shelf) join(o *message) {
	if o.number >= s.end {
		o.inLine = true
		s.line.push(o)
		s.end = o.number + 1
	}
}

// put makes a message that became ready available.
func (s *shelf) put(o *message) {
	if !o.inLine || o.place() != o.number {
		o.live()
		s.returned.push(o)
	}
}

// remove takes a ready message out.
func (s *shelf) remove(o *message) {
	if o.was().spot > 0 {
		s.returned.remove(int(o.life.spot) - 1)
	} else if s.line.len() > 0 && s.line.at(0) == o {
		s.pass()
	}
}

func (s *shelf) pass() { s.line.pop().inLine = false }

// trim passes those at the front that are over.
func (s *shelf) trim() {
	for s.line.len() > 0 && s.line.at(0).state == over {
		s.pass()
	}
}

// first returns the message to be taken next, nil for none.
func (s *shelf) first() *message {
	for s.line.len() > 0 {
		if o := s.line.at(0); o.state == ready && o.was().spot == 0 {
			break
		}
		s.pass()
	}
	switch {
	case s.returned.len() == 0 && s.line.len() == 0:
		return nil
	case s.returned.len() == 0:
		return s.line.at(0)
	case s.line.len() == 0 || byPlace(s.returned.top(), s.line.at(0)):
		return s.returned.top()
	}
	return s.line.at(0)
}
