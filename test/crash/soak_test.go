package crash

import (
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/test/crash/ledger"
	"millrace/test/needs"
)

var soakFor = flag.Duration("crash.soak", 0, "how long TestSoak runs; 0 means one short life")

// lifetime is how many rounds a life has: few where others kill beside it.
func lifetime() int {
	if *soakFor == 0 {
		return 4
	}
	return 10
}

// TestSoak has every adversary at one runtime at a time: senders, receivers, dead
// letters, move tasks, purges, changes of settings, functions and a mapped queue,
// while the runtime is killed, killed as it starts, and stopped in order. After a
// few rounds everything is drained and held against the books, and a new life begins
// over an empty folder: so books stay small, however long it runs. It says what it
// did, after each life and in the end.
//
//	make soak T=1h
func TestSoak(t *testing.T) {
	needs.Long(t)
	tellSeed(t)
	var all tally
	began := time.Now()
	for life := 1; life == 1 || time.Since(began) < *soakFor && !t.Failed(); life++ {
		t.Run(fmt.Sprint("life ", life), func(t *testing.T) { live(t, min(*rounds, lifetime()), &all) })
		t.Logf("after %v and %d lives: %s", time.Since(began).Round(time.Second), life, &all)
	}
	if !t.Failed() && (all.kills+all.restarts == 0 || all.sent == 0 || all.received == 0) {
		t.Errorf("nothing was put to the test: %s", &all)
	}
}

// A tally is what was done, for who watches.
type tally struct {
	sent, received, events, tasks, purges, changes int
	kills, startKills, restarts                    int
	outage                                         time.Duration // the longest, from a kill to the first answer
}

func (a *tally) add(b tally) {
	a.sent, a.received, a.events = a.sent+b.sent, a.received+b.received, a.events+b.events
	a.tasks, a.purges, a.changes = a.tasks+b.tasks, a.purges+b.purges, a.changes+b.changes
	a.kills, a.startKills, a.restarts = a.kills+b.kills, a.startKills+b.startKills, a.restarts+b.restarts
	a.outage = max(a.outage, b.outage)
}

func (a *tally) String() string {
	return fmt.Sprintf("%d messages sent and acknowledged, %d received, %d events and mapped messages, %d move tasks, %d purges, %d changes of settings; "+
		"%d kills, %d kills while it started, %d restarts in order; the longest outage %v",
		a.sent, a.received, a.events, a.tasks, a.purges, a.changes, a.kills, a.startKills, a.restarts, a.outage.Round(time.Millisecond))
}

// live is one life of a runtime: rounds of traffic that a kill or a stop ends, and
// then the account.
func live(t *testing.T, rounds int, all *tally) {
	s := newServer(t, "1s")
	d := dice(t, "kill")
	ran := newObserver(t)
	f := deploy(t, s, ran)
	c := newClient(t, s)
	w := newWanderers(t, s, "-moved")
	p := &purgers{queue: "pool.fifo", census: ledger.NewCensus()}
	p.client = &client{t: t, sdk: sqs.NewFromConfig(s.config()), urls: map[string]*string{}, killed: &p.killed}
	p.create(p.queue, nil)
	x := &client{t: t, sdk: sqs.NewFromConfig(s.config()), urls: map[string]*string{}, killed: &atomic.Bool{}}
	settings := x.settings()
	var did tally
	defer func() { // also when something is wrong
		for _, q := range queues {
			sent, _ := c.books.Sent(q.Name)
			did.sent += len(sent)
			did.received += c.books.Received(q.Name)
		}
		for _, one := range settings {
			did.changes += one.changes
		}
		did.events, did.tasks, did.purges, did.startKills = len(f.accepted), w.tasks, int(p.purged.Load()), s.starts
		all.add(did)
	}()
	killed := []*atomic.Bool{f.killed, c.killed, &w.killed, &p.killed, x.killed}
	set := func(to bool) {
		for _, k := range killed {
			k.Store(to)
		}
	}
	for round := 1; round <= rounds && !t.Failed(); round++ {
		crowds := []*sync.WaitGroup{f.crowd(round), c.crowd(t, round), w.crowd(round), p.crowd(round), changing(t, settings, round)}
		time.Sleep(100*time.Millisecond + time.Duration(d.Int64N(int64(time.Second))))
		set(true)
		down := time.Now()
		if d.IntN(4) == 0 {
			s.stop() // requests may be cut off once the time to drain is over
			did.restarts++
		} else {
			s.kill()
			did.kills++
		}
		for _, crowd := range crowds {
			crowd.Wait()
		}
		set(false)
		ran.awaitNobody()
		for d.IntN(3) == 0 {
			s.killStarting(d)
		}
		s.start()
		f.check()
		did.outage = max(did.outage, time.Since(down))
		c.books.Restarted()
		w.census.Restarted()
		p.census.Restarted()
		c.count()
		p.count()
		for _, one := range settings {
			one.check(t)
		}
		c.useOldHandles(d)
		c.repeatSends(d, round)
		if err := c.books.Err(); err != nil {
			t.Errorf("after round %d: %v", round, err)
		}
		if !t.Failed() { // this waits for what is on its way
			w.count()
			w.checkTasks()
		}
	}
	if t.Failed() { // what is missing would be waited for
		return
	}
	for _, q := range queues {
		c.drain(q)
	}
	w.drain()
	p.drain()
	ran.await(f.accepted, f.attempted)
	for what, err := range map[string]error{"the queues": c.books.Err(), "the moves": w.census.Err(), "the purges": p.census.Err()} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
