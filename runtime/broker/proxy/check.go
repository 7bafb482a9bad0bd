package proxy

import (
	"context"
	"sync"
	"time"
)

// check asks all nodes whether they answer, now and then. One that hangs takes
// connections and never serves them: only its silence tells.
func (p *Proxy) check() {
	tick := time.NewTicker(p.config.Every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-p.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(p.ctx, checkTimeout)
		var asked sync.WaitGroup
		for i := range p.nodes {
			asked.Go(func() { p.note(i, p.config.Check(ctx, i)) })
		}
		asked.Wait()
		cancel()
	}
}

// note keeps what a check has found.
func (p *Proxy) note(i int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := &p.nodes[i]
	if n.down || p.ctx.Err() != nil {
		return
	}
	if silent := err != nil; silent != n.silent {
		n.silent = silent
		if silent {
			p.config.Log.Warn("a node of a cluster does not answer; it gets no connections while others do", "node", i+1, "err", err)
		} else {
			p.config.Log.Info("a node of a cluster answers again", "node", i+1)
		}
	}
}
