package ledger

import (
	"errors"
	"fmt"
	"sync"
)

// A Census counts messages that wander: between queues and their dead-letter
// queues, and back with message move tasks. On the way they get new ids, so it
// knows them by their bodies alone. Wherever a message is, it is there once.
//
// Like a [Ledger] it is told of each request before it leaves and when its
// answer has come, and allows what is left open when no answer came.
type Census struct {
	mu     sync.Mutex
	tick   int
	people map[string]*person
	purges []*Purge
	broken []error
}

// A person is a message. Ticks are 0 for what has not happened.
type person struct {
	body     string
	sending  int // its send left
	sent     int // its send was acknowledged
	over     int // its send was acknowledged, or a restart has cut it off
	deleting bool
	deleted  bool
	found    int // how often it was found in the end
}

// A Purge is a purge, on its way or acknowledged, of all queues of the census.
type Purge struct {
	c     *Census
	began int
	done  int // 0 until it is acknowledged
	over  int // acknowledged, or cut off by a restart
}

// NewCensus begins a census of nobody.
func NewCensus() *Census { return &Census{people: map[string]*person{}} }

// Sending notes that a message is about to be sent, for the first time. The
// function that it returns notes the answer.
func (c *Census) Sending(body string) (sent func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &person{body: body, sending: c.next()}
	c.people[body] = p
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		p.sent = c.next()
		p.over = p.sent
	}
}

// Deleting notes that a message is about to be deleted by who just received it.
// The function that it returns notes the answer, which is final if the delivery
// was still in force.
func (c *Census) Deleting(body string) (deleted func(inForce bool)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.people[body]
	if p == nil {
		c.broken = append(c.broken, fmt.Errorf("%s was never sent", shorten(body)))
		return func(bool) {}
	}
	if p.deleted {
		c.broken = append(c.broken, fmt.Errorf("%s came back after its delete was acknowledged", shorten(body)))
	}
	p.deleting = true
	return func(inForce bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		p.deleted = p.deleted || inForce
	}
}

// Purging notes that all queues of the census are about to be purged.
func (c *Census) Purging() *Purge {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &Purge{c: c, began: c.next()}
	c.purges = append(c.purges, p)
	return p
}

// Done notes that the purge was acknowledged.
func (p *Purge) Done() {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	p.done = p.c.next()
	p.over = p.done
}

// Restarted notes that the server was killed and is up again: what has no answer
// yet happened before now, or never.
func (c *Census) Restarted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.next()
	for _, p := range c.people {
		if p.over == 0 {
			p.over = now
		}
	}
	for _, p := range c.purges {
		if p.over == 0 {
			p.over = now
		}
	}
}

// Size is how many messages there are for sure, and how many there may be.
func (c *Census) Size() (certain, possible int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.people {
		least, most := c.fate(p)
		certain += least
		possible += most
	}
	return certain, possible
}

// Found notes a message that the final draining of all queues came upon.
func (c *Census) Found(body string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.people[body]; p != nil {
		p.found++
		return
	}
	c.broken = append(c.broken, fmt.Errorf("%s was never sent", shorten(body)))
}

// Err holds what was found, when all queues are empty, against the books.
func (c *Census) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.broken
	for _, p := range c.people {
		switch least, most := c.fate(p); {
		case p.found < least:
			all = append(all, fmt.Errorf("%s was lost", shorten(p.body)))
		case p.found > most && most == 0:
			all = append(all, fmt.Errorf("%s is there, yet it was deleted or purged", shorten(p.body)))
		case p.found > most:
			all = append(all, fmt.Errorf("%s is there %d times", shorten(p.body), p.found))
		}
	}
	return errors.Join(all...)
}

// fate is how often a message is there, at least and at most.
func (c *Census) fate(p *person) (least, most int) {
	if p.deleted {
		return 0, 0
	}
	least, most = 1, 1
	if p.sent == 0 || p.deleting {
		least = 0
	}
	for _, g := range c.purges {
		switch {
		case g.over > 0 && g.over < p.sending: // it was over before
		case g.done > 0 && p.over > 0 && p.over < g.began: // it came after
			return 0, 0
		default: // together, or nobody knows whether it happened
			least = 0
		}
	}
	return least, most
}

func (c *Census) next() int {
	c.tick++
	return c.tick
}
