// Package memory bounds what the runtime keeps in memory: by the limit of its
// cgroup (v1 or v2), which its functions share, by a GOMEMLIMIT that the user has
// set, and by what the machine has.
//
// A process that runs out of memory is killed by the kernel. So a [Limit] refuses
// sends before that, while there is still room for garbage and for the next start
// to read everything that is stored.
package memory

import (
	"log/slog"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"golang.org/x/sync/semaphore"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
)

const (
	// The share of Go's memory that may be live before sends are refused. The rest is
	// for garbage, for receives and deletes, and for a start, which needs
	// the most: 20 %, measured in test/limits, TestMemory.
	liveShare = 0.6
	// The share before receives and deletes are refused too: beyond it the collector
	// could not keep up.
	drainShare = 0.8
	// Refusals end when so much of that is free again: more than the block or two
	// that JetStream takes for a moment.
	ease = 16 << 20

	// Beside Go's memory the kernel keeps some for the process: stacks, page tables,
	// sockets, and the pages of the program and its files that are in use.
	kernelShare = 1.0 / 10
	kernelLeast = 12 << 20

	// How many bytes may be admitted before the next reading.
	trustBytes = 1 << 20

	// A full heap is collected, to see what deletes have freed, but at most this
	// often, and for at most a twentieth of the time.
	collectEvery = 500 * time.Millisecond
	collectPause = 20

	arrives = 3 * time.Second // how long bytes that Drain was told of are expected

	maxBodies = 64 << 20
	maxLoads  = 64
	perLoad   = 32 << 20
	maxPages  = 1 << 20
	allPages  = 256 // queues' pages may take all that may live
)

// A Limit implements capacity.Limit. It costs nothing while nobody calls Admit.
type Limit struct {
	sends  capacity.Gauge
	drains capacity.Gauge
	bytes  uint64 // that everything together may take
	named  string // where that is from
	user   uint64 // GOMEMLIMIT, when pinned
	pinned bool   // the user has set it

	log     *slog.Logger
	read    func() reading
	collect func()
	set     func(int64) int64 // debug.SetMemoryLimit

	room     int64 // what might live at the start
	requests int64 // bytes that requests being served may take
	held     *semaphore.Weighted

	admitted atomic.Int64 // bytes since the last reading

	mu        sync.Mutex // guards what follows
	last      reading
	since     int64         // bytes admitted since the collection that last counted what lives
	coming    []arrival     // the earliest first
	expected  uint64        // the sum of them
	goLimit   uint64        // what Go was last told
	collected time.Time     // when a full heap was collected
	took      time.Duration // that
}

// A reading is what is used, in bytes.
type reading struct {
	live   uint64 // found alive by the last collection
	cycles uint64 // collections so far
	own    uint64 // what Go has from the system
	all    uint64 // what the cgroup uses and cannot give back; 0 when there is none
}

// Find returns the limit that holds for this process, and has Go's collector keep
// to it unless the user has set GOMEMLIMIT.
func Find(log *slog.Logger) *Limit {
	l := &Limit{log: log, set: debug.SetMemoryLimit, collect: runtime.GC, pinned: os.Getenv("GOMEMLIMIT") != ""}
	l.user = uint64(debug.SetMemoryLimit(-1))
	var meter func() uint64
	var err error
	if l.bytes, err = memlimit.FromCgroup(); err == nil {
		l.named, meter = "the limit of its cgroup", cgroupMeter(l.bytes)
	} else if l.bytes, err = memlimit.FromSystem(); err == nil {
		// Others come and go on the machine, and it may swap: what they use is not
		// counted.
		l.named = "the memory of the machine"
	} else {
		l.bytes = math.MaxInt64
	}
	if l.user < l.bytes {
		l.named = "GOMEMLIMIT"
	}
	l.read = reader(meter)
	l.init()
	return l
}

func (l *Limit) init() {
	l.sends = capacity.Gauge{Log: l.log, Measure: l.measureSends, Recovered: "there is memory again: sends are accepted"}
	l.drains = capacity.Gauge{Log: l.log, Measure: l.measureDrains, Recovered: "there is memory again: receives and deletes are accepted"}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.takeReading()
	l.setGoLimit()
	l.room = int64(l.mayLive(liveShare))
	l.openRequests()
}

// reader reads Go's metrics, and the meter, which may be nil.
func reader(meter func() uint64) func() reading {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	return func() reading {
		metrics.Read(samples)
		value := func(i int) uint64 { return samples[i].Value.Uint64() }
		r := reading{live: value(0), cycles: value(1), own: value(2) - value(3)}
		if meter != nil {
			r.all = meter()
		}
		return r
	}
}

// BodyCacheBytes is how many bytes the contents of waiting messages may take in memory,
// beyond which they are read back from the log: 64 MiB, or less under a small limit.
// A nil Limit has 64 MiB.
func (l *Limit) BodyCacheBytes() int64 {
	if l == nil {
		return maxBodies
	}
	return min(maxBodies, l.room/8)
}

// ConcurrentLoads is how many logs may be read at the same time, of which each takes up to
// 10 MiB: 64, or fewer under a small limit. A nil Limit leaves it to who reads: 0.
func (l *Limit) ConcurrentLoads() int {
	if l == nil {
		return 0
	}
	return int(min(maxLoads, max(l.room/perLoad, 1)))
}

// PageBytes is how many bytes of a log are read at once, and kept for who asks for what
// is beside: a MiB for each queue, or less under a small limit. A nil Limit leaves
// it to who reads: 0.
func (l *Limit) PageBytes() int {
	if l == nil {
		return 0
	}
	return int(min(maxPages, l.room/allPages))
}

// Admit implements capacity.Limit.
func (l *Limit) Admit(bytes int) error {
	l.admitted.Add(int64(bytes)) // first: others who ask at the same moment see it
	err := l.sends.Admit(bytes)
	if err != nil {
		l.admitted.Add(-int64(bytes))
	}
	return err
}

// Drain is asked before anything is written that Admit was not asked for, and told
// how many bytes that will take soon. A nil Limit has room.
func (l *Limit) Drain(bytes int) error {
	if l == nil {
		return nil
	}
	if err := l.drains.Admit(0); err != nil || bytes == 0 {
		return err
	}
	return l.expect(bytes)
}

// An arrival is memory that will be taken.
type arrival struct {
	bytes uint64
	until time.Time // it counts so long: a collection may end before it is there
}

// expect makes sure that there is room for what will be taken soon, beside what
// others were told that they may take. One at a time may, whatever it takes.
func (l *Limit) expect(bytes int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for len(l.coming) > 0 && !l.coming[0].until.After(now) {
		l.expected -= l.coming[0].bytes
		l.coming = l.coming[1:]
	}
	l.takeReading()
	if len(l.coming) > 0 && l.lives()+l.expected+uint64(bytes) > l.mayLive(drainShare) {
		return l.full()
	}
	l.coming = append(l.coming, arrival{uint64(bytes), now.Add(arrives)})
	l.expected += uint64(bytes)
	return nil
}

// measureSends implements a Gauge.
func (l *Limit) measureSends(refused bool) (credit int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if credit := l.measure(liveShare, refused); credit > 0 {
		return credit, nil
	}
	return 0, fault.State(nil, "Memory is nearly full: what is stored takes %s of the %s that it may take of %s, which is %s. "+
		"Receive and delete messages, or give the runtime more memory; until then sends are refused.",
		size(l.lives()), size(l.mayLive(liveShare)), size(min(l.bytes, l.user)), l.named)
}

// measureDrains implements a Gauge.
func (l *Limit) measureDrains(refused bool) (credit int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if credit := l.measure(drainShare, refused); credit > 0 {
		return credit, nil
	}
	return 0, l.full()
}

// full is why there is no room even for what gives room back.
func (l *Limit) full() error {
	return fault.State(nil, "Memory is full: %s are in use of the %s that may be of %s, which is %s. "+
		"Too many queues are used at once: each takes up to 8 MB until it has rested for ten seconds. Use fewer, or give the runtime more memory.",
		size(l.lives()), size(l.mayLive(drainShare)), size(min(l.bytes, l.user)), l.named)
}

// measure takes a reading, tells Go what it leaves, and returns how many bytes may
// come before the next; none when what lives takes its share of what Go may use.
func (l *Limit) measure(share float64, refused bool) (credit int64) {
	l.takeReading()
	full := func() bool { return l.lives() > l.most(share, refused) }
	if began := time.Now(); full() && began.Sub(l.collected) > max(collectEvery, collectPause*l.took) {
		l.collect()
		l.collected, l.took = time.Now(), time.Since(began)
		l.takeReading()
	}
	l.setGoLimit()
	if full() {
		return 0
	}
	return int64(min(l.most(share, refused)-l.lives()+1, trustBytes))
}

func size(bytes uint64) string { return capacity.Size(int64(bytes)) }

// takeReading takes a reading. What was admitted before a collection counted is in what it
// found alive.
func (l *Limit) takeReading() {
	r, admitted := l.read(), l.admitted.Swap(0)
	if l.since += admitted; r.cycles != l.last.cycles {
		l.since = 0
	}
	l.last = r
}

// lives is how much lives now, at most.
func (l *Limit) lives() uint64 { return l.last.live + uint64(max(l.since, 0)) }

// most is how much may live; less, to end an episode of refusals.
func (l *Limit) most(share float64, refused bool) uint64 {
	may := l.mayLive(share)
	if refused {
		may -= min(may/4, ease)
	}
	return may
}

func (l *Limit) mayLive(share float64) uint64 { return uint64(float64(min(l.forGo(), l.user)) * share) }

// forGo is what the limit leaves to Go: the others in the cgroup have theirs
// already.
func (l *Limit) forGo() uint64 {
	taken := max(uint64(float64(l.bytes)*kernelShare), kernelLeast)
	if l.last.all > l.last.own {
		taken += l.last.all - l.last.own
	}
	return l.bytes - min(taken, l.bytes)
}

// setGoLimit sets Go's limit anew when it has changed by a 32nd: it stops the world.
func (l *Limit) setGoLimit() {
	left := l.forGo()
	if l.pinned || max(left, l.goLimit)-min(left, l.goLimit) <= l.bytes/32 {
		return
	}
	l.goLimit = left
	l.set(int64(left))
}
