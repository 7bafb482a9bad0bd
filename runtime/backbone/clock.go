package backbone

import (
	"context"
	"sync/atomic"
	"time"
	_ "unsafe" // for linkname

	"github.com/nats-io/nats-server/v2/server/ats"
)

// The clock of nats-server's file stores, with which they tell what rests. It
// ticks ten times a second, which is most of what an idle runtime costs, and
// nats-server 2.15 has no option for it: hence linkname. If these names should
// not be there in another version, CalmClock leaves things as they are.

//go:linkname accessTime github.com/nats-io/nats-server/v2/server/ats.utime
var accessTime atomic.Int64

//go:linkname endOfClock github.com/nats-io/nats-server/v2/server/ats.done
var endOfClock chan struct{}

const calm = time.Second // a cache rests for ten before it is dropped

// CalmClock lets the access time of all embedded servers of this process be
// told once a second, until ctx ends; after that they may have it late. It is
// for a process that is a runtime, once, before the first Start.
func CalmClock(ctx context.Context) {
	ats.Register() // for good: no store that closes is the last to use the clock
	if !setClock(time.Now()) {
		return
	}
	select {
	case endOfClock <- struct{}{}:
	default:
		return
	}
	go func() {
		tick := time.NewTicker(calm)
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				setClock(now)
			case <-ctx.Done():
				return
			}
		}
	}()
}

// setClock tells whether it is the stores' clock that was set.
func setClock(now time.Time) bool {
	accessTime.Store(now.UnixNano())
	return ats.AccessTime() == now.UnixNano()
}
