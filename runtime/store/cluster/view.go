package cluster

import (
	"hash/fnv"
	"slices"
)

// A View is the set of live nodes at one moment, as one node sees it.
type View struct {
	Self    string
	Live    []string // in order; without Self while this node is disconnected or has not joined
	hashes  []uint64 // of Live
	changed chan struct{}
}

func newView(self string, live []string) *View {
	v := &View{Self: self, Live: live, changed: make(chan struct{})}
	for _, node := range live {
		h := fnv.New64a()
		h.Write([]byte(node))
		v.hashes = append(v.hashes, h.Sum64())
	}
	return v
}

// Changed is closed when there is a newer view.
func (v *View) Changed() <-chan struct{} { return v.changed }

// Has reports whether a node is live.
func (v *View) Has(node string) bool { return slices.Contains(v.Live, node) }

// Owner is the node that a key belongs to; "" when nobody is live.
func (v *View) Owner(key uint64) string { return v.best(key, "") }

// Successor is the node that would own a key without its owner, and so the one that
// owned it before the owner joined; "" when there is no other.
func (v *View) Successor(key uint64) string { return v.best(key, v.Owner(key)) }

// best is the node with the highest score for a key, leaving one out.
func (v *View) best(key uint64, without string) (node string) {
	var high uint64
	for i, h := range v.hashes {
		if s := mix(h ^ mix(key)); v.Live[i] != without && (node == "" || s > high) {
			node, high = v.Live[i], s
		}
	}
	return node
}

// mix spreads a number over 64 bits: the finalizer of SplitMix64 (Steele, Lea,
// Flood 2014).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
