package queue

// A line keeps things in the order of a time. Most come in order and cost
// nothing to keep; stragglers go to a heap. What has lost its place (stays is
// false) is dropped when it is met.
type line[T any] struct {
	key     func(T) int64
	stays   func(T) bool
	inOrder deque[T]
	late    heap[T]
	last    int64 // the key of the last item in order
}

func newLine[T any](key func(T) int64, stays func(T) bool) line[T] {
	less := func(a, b T) bool { return key(a) < key(b) }
	return line[T]{key: key, stays: stays, late: heap[T]{less: less, moved: func(T, int) {}}}
}

func (l *line[T]) push(v T) {
	if k := l.key(v); l.inOrder.len() == 0 || l.last <= k {
		l.inOrder.push(v)
		l.last = k
		return
	}
	l.late.push(v)
}

// first returns the item of the lowest key, and leaves it there.
func (l *line[T]) first() (v T, ok bool) {
	for l.inOrder.len() > 0 && !l.stays(l.inOrder.at(0)) {
		l.inOrder.pop()
	}
	for l.late.len() > 0 && !l.stays(l.late.top()) {
		l.late.pop()
	}
	switch {
	case l.late.len() > 0 && (l.inOrder.len() == 0 || l.key(l.late.top()) < l.key(l.inOrder.at(0))):
		return l.late.top(), true
	case l.inOrder.len() > 0:
		return l.inOrder.at(0), true
	}
	return v, false
}

// compact drops what has no place anymore when that is most of the line: one
// old item in front must not keep all that came and went behind it.
func (l *line[T]) compact(alive int) {
	if l.inOrder.len()+l.late.len() <= 2*alive+1024 {
		return
	}
	fresh := newLine(l.key, l.stays)
	for _, some := range [][]T{l.inOrder.all(), l.late.items} {
		for _, v := range some {
			if l.stays(v) {
				fresh.push(v)
			}
		}
	}
	*l = fresh
}
