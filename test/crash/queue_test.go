package crash

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/test/crash/ledger"
	"millrace/test/needs"
	"millrace/test/patience"
)

const (
	briefly = 3 * time.Second  // a receive hides for this long
	long    = time.Hour        // what is kept is hidden for this long, unless put back
	delayed = 15 * time.Minute // a delayed send
)

// queues are the kinds that are put to the test, all in one server.
var queues = []ledger.Queue{
	{Name: "jobs"},
	{Name: "line.fifo"},
	{Name: "tries", Dead: "tries-dead", MaxReceives: 2},
	{Name: "tries.fifo", Dead: "tries-dead.fifo", MaxReceives: 2},
}

func fifo(queue string) bool { return strings.HasSuffix(queue, ".fifo") }

// names are those of a queue and its dead-letter queue.
func names(q ledger.Queue) []string {
	if q.Dead == "" {
		return []string{q.Name}
	}
	return []string{q.Name, q.Dead}
}

// What was acknowledged is there after a kill, what was deleted is not, hidden
// is hidden, handles work, groups are in order, duplicates are known, and a dead
// letter is in one place.
func TestQueues(t *testing.T) {
	needs.Long(t)
	t.Run("sync=1s", func(t *testing.T) { t.Parallel(); queueRounds(t, "1s", *rounds) })
	t.Run("sync=always", func(t *testing.T) { t.Parallel(); queueRounds(t, "always", (*rounds+2)/3) })
}

func queueRounds(t *testing.T, mode string, rounds int) {
	tellSeed(t)
	s := newServer(t, mode)
	c := newClient(t, s)
	d := dice(t, "use")
	survive(t, s, c.killed, rounds, func(round int) *sync.WaitGroup { return c.crowd(t, round) }, func(round int) {
		c.books.Restarted()
		c.count()
		c.useOldHandles(d)
		c.repeatSends(d, round)
		if err := c.books.Err(); err != nil {
			t.Errorf("after kill %d: %v", round, err)
		}
	})
	for _, q := range queues {
		c.drain(q)
	}
	if err := c.books.Err(); err != nil {
		t.Errorf("in the end: %v", err)
	}
	known := 0
	for _, q := range queues {
		sent, _ := c.books.Sent(q.Name)
		known += len(sent)
	}
	t.Logf("%d kills, and %d while it started; %d messages, ready after %v at most", rounds, s.starts, known, s.starting)
}

// newClient makes the queues, and a client of them.
func newClient(t *testing.T, s *server) *client {
	c := &client{t: t, sdk: sqs.NewFromConfig(s.config()), books: ledger.New(queues...), urls: map[string]*string{}, killed: &atomic.Bool{}}
	for _, q := range queues {
		var attributes map[string]string
		if q.Dead != "" {
			c.create(q.Dead, nil)
			attributes = redrive(q.Dead, q.MaxReceives)
		}
		c.create(q.Name, attributes)
	}
	return c
}

// crowd lets senders and receivers loose on every queue, until they are cut off.
func (c *client) crowd(t *testing.T, round int) *sync.WaitGroup {
	var all sync.WaitGroup
	for _, q := range queues {
		for i := range 2 {
			name := fmt.Sprintf("%s-%d-%d", q.Name, round, i)
			all.Go(func() { c.keepSending(dice(t, "send "+name), q.Name, name) })
			all.Go(func() { c.keepReceiving(dice(t, "receive "+name), q.Name, q.Dead != "") })
		}
		if q.Dead != "" {
			all.Go(func() { c.keepReceiving(dice(t, fmt.Sprintf("bury %s %d", q.Dead, round)), q.Dead, true) })
		}
	}
	return &all
}

// keepSending sends, alone and in batches; to FIFO queues in groups that nobody
// else sends to.
func (c *client) keepSending(d *rand.Rand, queue, name string) {
	sent := 0
	next := func() ledger.Message {
		sent++
		m := ledger.Message{Queue: queue, Body: fmt.Sprintf("%s-%d %s", name, sent, strings.Repeat("x", d.IntN(2000)))}
		switch {
		case fifo(queue):
			m.Group = fmt.Sprintf("%s-%d", name, d.IntN(4))
			m.Dedup = fmt.Sprintf("%s-%d", name, sent)
		case d.IntN(20) == 0:
			m.Delay = delayed
		}
		return m
	}
	for ok := true; ok; {
		if d.IntN(3) > 0 {
			ok = c.send(next())
			continue
		}
		batch := make([]ledger.Message, 1+d.IntN(10))
		for i := range batch {
			batch[i] = next()
		}
		ok = c.sendAll(batch)
	}
}

// keepReceiving receives, and deletes, puts back, hides for long or leaves what
// it got. Those who fail put back and leave more than they delete.
func (c *client) keepReceiving(d *rand.Rand, queue string, fails bool) {
	for {
		got, ok := c.receive(queue, 1+d.IntN(10), briefly, time.Duration(d.IntN(2))*time.Second)
		if !ok || len(got) > 0 && !c.treat(d, got, fails) {
			return
		}
	}
}

func (c *client) treat(d *rand.Rand, got []ledger.Delivery, fails bool) bool {
	if !fails && d.IntN(2) == 0 {
		return c.deleteAll(got)
	}
	for _, m := range got {
		ok := true
		switch n := d.IntN(10); {
		case n < 4 && !fails, n < 1:
			ok = c.delete(m)
		case n < 7:
			ok = c.hide(m, 0)
		case n < 8:
			ok = c.hide(m, long)
		}
		if !ok {
			return false
		}
	}
	return true
}

// count compares the counts of the queues with the books.
func (c *client) count() {
	for _, q := range queues {
		c.books.Counted(q.Name, c.counts(names(q)...), time.Now())
	}
}

// useOldHandles deletes and puts back some of what was received before the kill
// and hidden for long, and puts back whatever may be hidden without anybody
// knowing.
func (c *client) useOldHandles(d *rand.Rand) {
	for _, q := range queues {
		for _, m := range c.books.Doubtful(q.Name) {
			c.hide(m, 0)
		}
		for _, m := range c.books.Held(q.Name, time.Now().Add(long/2)) {
			switch d.IntN(3) {
			case 0:
				c.delete(m)
			case 1:
				c.hide(m, 0)
			}
		}
	}
}

// repeatSends sends some of the round's messages to FIFO queues again: those of
// which nothing was heard, as a client would, and some that were acknowledged.
func (c *client) repeatSends(d *rand.Rand, round int) {
	for _, q := range queues {
		if !fifo(q.Name) {
			continue
		}
		known, unknown := c.books.Sent(q.Name)
		for _, m := range unknown {
			c.send(m)
		}
		for _, m := range known {
			if strings.HasPrefix(m.Dedup, fmt.Sprintf("%s-%d-", q.Name, round)) && d.IntN(20) == 0 {
				c.send(m)
			}
		}
	}
}

// drain takes everything out of a queue and its dead-letter queue, what was
// hidden for long included.
func (c *client) drain(q ledger.Queue) {
	for _, m := range c.books.Held(q.Name, time.Now().Add(briefly)) {
		c.hide(m, 0)
	}
	var counts ledger.Counts
	limit := patience.New("all of "+q.Name, func() any { return fmt.Sprintf("%+v", counts) })
	for {
		empty := true
		for _, name := range names(q) {
			got, ok := c.receive(name, 10, long, 0)
			if !ok || len(got) > 0 && !c.deleteAll(got) {
				return
			}
			empty = empty && len(got) == 0
		}
		if !empty {
			continue
		}
		counts = c.counts(names(q)...)
		struck := limit.Struck()
		if struck != nil {
			c.t.Error(struck)
		}
		if c.books.Settled(q.Name, counts, time.Now()) || struck != nil {
			c.books.Drained(q.Name, counts, time.Now())
			return
		}
		<-limit.Turn() // what unanswered receives hid comes back
	}
}
