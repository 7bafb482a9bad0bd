package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// What waits in queues is most of the heap, and stays. A million waiting messages would
// need half a gigabyte if their heap could double before it is collected, so a large one
// gets less room. More room for a small one costs more than it saves: memory is
// touched that no cache and, in a virtual machine, no page table has yet. Five
// times what lives, as it was once, took a tenth of what is sent and a fifth of what is
// received one by one; see test/bench.
const (
	smallHeap = 64 << 20
	roomMost  = 100 // percent of what lives, while that is small
	roomLeast = 50
)

// tuneGC sets how much the heap may grow, anew after each collection. It costs no
// goroutine and no timer: a finalizer runs when a collection is over.
func tuneGC() {
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
