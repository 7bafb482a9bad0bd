// Package crash kills the runtime with SIGKILL at random instants, starts it
// again over the same folder, and holds what it then says against what it had
// acknowledged. Several clients keep the books, in millrace/test/crash/ledger.
//
//	make test-long                                                          a dozen short rounds of each kind: some 70 kills
//	make soak T=1h                                                          all kinds at one runtime, for as long: see TestSoak
//	MILLRACE_LONG=1 go test ./test/crash -crash.rounds 500 -timeout 1h      many
//	MILLRACE_LONG=1 go test ./test/crash -crash.seed 7 -crash.keep          the same dice again; keeps the data
//
// The dice decide what clients ask and when the kill comes; how far the server
// has got by then is up to the machine, so a seed makes a failure likely to
// come again, not sure.
package crash

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "millrace/cmd/runtime/app" // the tests build it: go test must not answer from its cache when it changes
	"millrace/test/needs"
)

var (
	rounds = flag.Int("crash.rounds", 12, "how often to kill the runtime in each test")
	seed   = flag.Uint64("crash.seed", uint64(time.Now().UnixNano()), "what the dice start from")
	keep   = flag.Bool("crash.keep", false, "keep the data folders")
)

// binaries is the folder of what the tests run.
var binaries string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if !needs.LongRuns() {
		return m.Run() // all of them skip
	}
	var err error
	if binaries, err = os.MkdirTemp("", "millrace-crash-bin-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(binaries)
	if err := build(context.Background(), binaries); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// dice are random, and the same for the same seed, test and name. A failed test
// tells the seed.
func dice(t *testing.T, name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(t.Name() + "/" + name))
	return rand.New(rand.NewPCG(*seed, h.Sum64()))
}

// survive lets clients loose, kills the server at some instant, starts it again,
// which is sometimes cut off by another kill, and checks what it says then: so many times, or until something is wrong.
func survive(t *testing.T, s *server, killed *atomic.Bool, rounds int, crowd func(round int) *sync.WaitGroup, check func(round int)) {
	t.Helper()
	d := dice(t, "kill")
	for round := 1; round <= rounds && !t.Failed(); round++ {
		clients := crowd(round)
		time.Sleep(50*time.Millisecond + time.Duration(d.Int64N(int64(350*time.Millisecond))))
		killed.Store(true)
		s.kill()
		clients.Wait()
		killed.Store(false)
		for d.IntN(3) == 0 {
			s.killStarting(d)
		}
		s.start()
		check(round)
	}
}

// tellSeed says how to throw the same dice again.
func tellSeed(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the dice of this run: -crash.seed %d", *seed)
		}
	})
}
