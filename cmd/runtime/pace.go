package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// What waits in queues is most of the heap, and stays: a small heap is let grow
// to five times its size before it is collected, which gives a tenth more
// messages a second. A large one gets less room, or a million waiting messages
// would need half a gigabyte.
const (
	smallHeap = 32 << 20
	roomMost  = 400 // percent of what lives, while that is small
	roomLeast = 50
)

// pace sets how much the heap may grow, anew after each collection. It costs no
// goroutine and no timer: a finalizer tells that a collection is over.
func pace() {
	set := 0
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var again func(*cycle)
	again = func(mark *cycle) {
		metrics.Read(live)
		if p := room(live[0].Value.Uint64()); math.Abs(float64(p-set)) > float64(set)/10 {
			debug.SetGCPercent(p)
			set = p
		}
		runtime.SetFinalizer(mark, again)
	}
	again(&cycle{})
}

// A cycle is what a collection finds unused. It has a pointer, so that it shares
// its memory with nothing that is used.
type cycle struct{ _ *cycle }

// room is the growth allowed to a heap of which so many bytes live, in percent.
func room(live uint64) int {
	if live <= smallHeap {
		return roomMost
	}
	return max(int(roomMost*smallHeap/live), roomLeast)
}
