package queue

// A timeQueue keeps items in the order of a time. Most arrive in order and are
// appended; the others go to a heap. Items that are no longer live are dropped when
// they reach the front.
type timeQueue[T any] struct {
	key        func(T) int64
	isLive     func(T) bool
	inOrder    deque[T]
	outOfOrder heap[T]
	last       int64 // the key of the last item in order
}

func newTimeQueue[T any](key func(T) int64, stays func(T) bool) timeQueue[T] {
	less := func(a, b T) bool { return key(a) < key(b) }
	return timeQueue[T]{key: key, isLive: stays, outOfOrder: heap[T]{less: less, moved: func(T, int) {}}}
}

func (l *timeQueue[T]) push(v T) {
	if k := l.key(v); l.inOrder.len() == 0 || l.last <= k {
		l.inOrder.push(v)
		l.last = k
		return
	}
	l.outOfOrder.push(v)
}

// first returns the item with the lowest key, without removing it.
func (l *timeQueue[T]) first() (v T, ok bool) {
	for l.inOrder.len() > 0 && !l.isLive(l.inOrder.at(0)) {
		l.inOrder.pop()
	}
	for l.outOfOrder.len() > 0 && !l.isLive(l.outOfOrder.top()) {
		l.outOfOrder.pop()
	}
	switch {
	case l.outOfOrder.len() > 0 && (l.inOrder.len() == 0 || l.key(l.outOfOrder.top()) < l.key(l.inOrder.at(0))):
		return l.outOfOrder.top(), true
	case l.inOrder.len() > 0:
		return l.inOrder.at(0), true
	}
	return v, false
}

// compact rebuilds the queue when most of it is dead items: one old item at the
// front must not keep all dead items behind it.
func (l *timeQueue[T]) compact(messages int) {
	if l.inOrder.len()+l.outOfOrder.len() <= 2*messages+1024 {
		return
	}
	fresh := newTimeQueue(l.key, l.isLive)
	for _, some := range [][]T{l.inOrder.all(), l.outOfOrder.items} {
		for _, v := range some {
			if l.isLive(v) {
				fresh.push(v)
			}
		}
	}
	*l = fresh
}
