package broker

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/fault"
	"millrace/runtime/store/record"
)

// Who waits for a broker hears of each change, whoever makes it.
func TestReach(t *testing.T) {
	in(t, 3*time.Second, func(p *play) {
		elsewhere := record.New(p.js, nil)
		p.must(elsewhere.Start(p.Context()))
		defer elsewhere.Stop(p.Context())
		other := New(Config{Records: elsewhere, Keys: p.ring, Runner: p.stage, Home: "there"})
		for name, bs := range map[string]*Brokers{"its own": p.Brokers, "another": other} {
			b := p.create(name)
			reach := func(state State, endpoint string) <-chan struct{} {
				p.Helper()
				synctest.Wait()
				r, err := bs.Reach(p.Context(), b.Account, b.Region, b.ID)
				if err != nil && (state != "" || !errors.Is(err, fault.NotFound)) || r.State != state || r.Endpoint != endpoint || err == nil && r.Engine != catalog.RabbitMQ {
					p.Errorf("%s: %+v, %v; want %q at %q", name, r, err, state, endpoint)
				}
				select {
				case <-r.Changed:
					p.Errorf("%s: it has changed since", name)
				case <-time.After(time.Second):
				}
				return r.Changed
			}
			<-reach(Creating, "")
			changed := reach(Up, "amqps://127.0.0.1:5671")
			p.must(p.Reboot(p.Context(), b))
			<-changed
			<-reach(Rebooting, "amqps://127.0.0.1:5671")
			changed = reach(Up, "amqps://127.0.0.1:5671")
			p.must(p.Delete(p.Context(), b))
			for now, _ := bs.Reach(p.Context(), b.Account, b.Region, b.ID); now.State != ""; now, _ = bs.Reach(p.Context(), b.Account, b.Region, b.ID) {
				<-changed
				changed = now.Changed
			}
			reach("", "")
		}
		if n := len(p.Brokers.written.waiting) + len(other.written.waiting); n != 2 {
			p.Errorf("%d keys are waited for", n)
		}
	})
}
