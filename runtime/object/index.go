package object

import (
	"encoding/binary"
	"math"

	"github.com/tidwall/btree"
)

// An index keeps items ordered by their key and, within a key, by their order.
type index struct{ *btree.BTreeG[item] }

func newIndex() *index {
	// The machine's owner locks.
	return &index{btree.NewBTreeGOptions(item.before, btree.Options{NoLocks: true})}
}

// position is an item to look for others by.
func position(key string, order uint64) item {
	b := make([]byte, 0, len(key)+orderBytes)
	return item{string(binary.BigEndian.AppendUint64(append(b, key...), order)), len(key)}
}

// get returns the item of a key and an order.
func (x *index) get(key string, order uint64) (item, bool) {
	return x.Get(position(key, order))
}

// first returns the first item of a key.
func (x *index) first(key string) (it item, ok bool) {
	x.of(key, 0, func(found item) bool {
		it, ok = found, true
		return false
	})
	return it, ok
}

// of calls yield with the items of a key, from an order on.
func (x *index) of(key string, from uint64, yield func(item) bool) {
	x.Ascend(position(key, from), func(it item) bool { return it.name() == key && yield(it) })
}

// behindKey is the position behind all items of a key.
func behindKey(key string) item { return position(key+"\x00", 0) }

// behindPrefix is the position behind all items whose key has a prefix; ok is false when
// there can be none.
func behindPrefix(prefix string) (at item, ok bool) {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < math.MaxUint8 {
			return position(prefix[:i]+string([]byte{prefix[i] + 1}), 0), true
		}
	}
	return item{}, false
}

// partKey is the key of an upload's parts in their index.
func partKey(upload uint64) string {
	return string(binary.BigEndian.AppendUint64(nil, upload))
}

func (x *index) copy() *index { return &index{x.Copy()} }

type iterator = btree.IterG[item]

func (x *index) walk(prefix, delimiter, after string) *walk {
	w := &walk{prefix: prefix, delimiter: delimiter, after: after}
	w.Init(x.BTreeG, false)
	return w
}
