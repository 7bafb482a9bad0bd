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

// What was acknowledged before an acknowledged purge never comes back, and what
// was acknowledged after it is there: once.
func TestPurges(t *testing.T) {
	needs.Long(t)
	for _, queue := range []string{"pool", "pool.fifo"} {
		t.Run(queue, func(t *testing.T) {
			t.Parallel()
			tellSeed(t)
			s := newServer(t, "1s")
			p := &purgers{queue: queue, census: ledger.NewCensus()}
			p.client = &client{t: t, sdk: sqs.NewFromConfig(s.config()), urls: map[string]*string{}, killed: &p.killed}
			p.create(queue, nil)
			survive(t, s, &p.killed, (*rounds+1)/2, p.crowd, func(int) {
				p.census.Restarted()
				p.count()
			})
			p.drain()
			if err := p.census.Err(); err != nil {
				t.Error(err)
			}
			t.Logf("%d purges, ready after %v at most", p.purged.Load(), s.starting)
		})
	}
}

// purgers are clients of one queue.
type purgers struct {
	*client
	queue  string
	census *ledger.Census
	killed atomic.Bool
	purged atomic.Int64
}

func (p *purgers) crowd(round int) *sync.WaitGroup {
	var all sync.WaitGroup
	for i := range 3 {
		name := fmt.Sprintf("%d-%d", round, i)
		all.Go(func() { p.keepSending(dice(p.t, "send "+name), name) })
	}
	all.Go(func() { p.keepDeleting(dice(p.t, fmt.Sprint("delete ", round))) })
	if round%3 != 0 { // else the next purge might hide that one was undone
		all.Go(func() { p.keepPurging(dice(p.t, fmt.Sprint("purge ", round))) })
	}
	return &all
}

func (p *purgers) keepSending(d *rand.Rand, name string) {
	for i := 0; ; i++ {
		body := fmt.Sprintf("%s-%d %s", name, i, strings.Repeat("x", d.IntN(500)))
		sent := p.census.Sending(body)
		if !p.post(p.queue, name, body) {
			return
		}
		sent()
	}
}

// keepDeleting keeps some of what it receives hidden, for a purge to find.
func (p *purgers) keepDeleting(d *rand.Rand) {
	for {
		began := time.Now()
		got, ok := p.take(p.queue, briefly, time.Second)
		if !ok {
			return
		}
		for _, m := range got {
			if d.IntN(2) == 0 {
				continue
			}
			deleted := p.census.Deleting(*m.Body)
			done, ok := p.remove(p.queue, m)
			if !ok {
				return
			}
			deleted(done && time.Since(began) < briefly)
		}
	}
}

func (p *purgers) keepPurging(d *rand.Rand) {
	for {
		time.Sleep(time.Duration(d.IntN(60)) * time.Millisecond)
		purge := p.census.Purging()
		_, err := p.sdk.PurgeQueue(p.t.Context(), &sqs.PurgeQueueInput{QueueUrl: p.urls[p.queue]})
		if !p.must("PurgeQueue", err) {
			return
		}
		purge.Done()
		p.purged.Add(1)
	}
}

func (p *purgers) count() {
	least, most := p.census.Size()
	n := p.counts(p.queue)
	if total := n.Visible + n.InFlight + n.Delayed; total < least || total > most {
		p.t.Errorf("%s holds %d messages, yet %d to %d were sent and neither deleted nor purged", p.queue, total, least, most)
	}
}

func (p *purgers) drain() {
	var left ledger.Counts // what was hidden comes back
	patience.Until(p.t, "an empty "+p.queue, func() bool {
		p.empty(p.queue, p.census.Found)
		left = p.counts(p.queue)
		return left == ledger.Counts{}
	}, func() any { return fmt.Sprintf("%+v", left) })
}
