package queue

import "slices"

// A deque is a list that grows at the back and shrinks at the front.
type deque[T any] struct {
	items []T
	head  int
}

func (d *deque[T]) len() int   { return len(d.items) - d.head }
func (d *deque[T]) at(i int) T { return d.items[d.head+i] }
func (d *deque[T]) all() []T   { return d.items[d.head:] }
func (d *deque[T]) push(v T)   { d.items = append(d.items, v) }

func (d *deque[T]) pop() T {
	var zero T
	v := d.items[d.head]
	d.items[d.head] = zero
	d.head++
	if d.head >= 64 && d.head*2 >= len(d.items) { // at most one move per popped item
		n := copy(d.items, d.items[d.head:])
		clear(d.items[n:])
		d.items, d.head = d.items[:n], 0
		if cap(d.items) > 4*n+64 {
			d.items = append(make([]T, 0, 2*n), d.items...)
		}
	}
	return v
}

// filter keeps the items for which stays is true.
func (d *deque[T]) filter(stays func(T) bool) {
	*d = deque[T]{items: slices.DeleteFunc(slices.Clone(d.all()), func(v T) bool { return !stays(v) })}
}
