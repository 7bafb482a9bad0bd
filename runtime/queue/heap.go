package queue

// A heap keeps its least item on top. It tells items their index whenever that
// changes, -1 when they are removed, so that they can be fixed and removed.
type heap[T any] struct {
	items []T
	less  func(a, b T) bool
	moved func(item T, index int)
}

func (h *heap[T]) len() int { return len(h.items) }
func (h *heap[T]) top() T   { return h.items[0] }
func (h *heap[T]) pop() T   { return h.remove(0) }

func (h *heap[T]) push(v T) {
	h.items = append(h.items, v)
	h.up(len(h.items) - 1)
}

func (h *heap[T]) remove(i int) T {
	v, last := h.items[i], len(h.items)-1
	h.items[i] = h.items[last]
	var zero T
	h.items[last] = zero
	h.items = h.items[:last]
	h.moved(v, -1)
	if i < last {
		h.fix(i)
	}
	return v
}

// fix restores the order after the item at i has changed.
func (h *heap[T]) fix(i int) { h.down(h.up(i)) }

func (h *heap[T]) up(i int) int {
	v := h.items[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(v, h.items[parent]) {
			break
		}
		h.put(i, h.items[parent])
		i = parent
	}
	h.put(i, v)
	return i
}

func (h *heap[T]) down(i int) {
	v := h.items[i]
	for {
		child := 2*i + 1
		if child >= len(h.items) {
			break
		}
		if r := child + 1; r < len(h.items) && h.less(h.items[r], h.items[child]) {
			child = r
		}
		if !h.less(h.items[child], v) {
			break
		}
		h.put(i, h.items[child])
		i = child
	}
	h.put(i, v)
}

func (h *heap[T]) put(i int, v T) {
	h.items[i] = v
	h.moved(v, i)
}
