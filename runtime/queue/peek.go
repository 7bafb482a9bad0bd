package queue

import (
	"time"
)

const peekAtMost = 1000

// A PeekedDelivery is one message looked at.
type PeekedDelivery struct {
	Delivery
	State     string
	VisibleAt time.Time // by the wall clock, as it is now; zero when it is visible
}

// Peek looks at messages in the order in which they came and changes nothing.
func (m *Machine) Peek(r PeekRequest) (all []PeekedDelivery) {
	most := r.Max
	if most == 0 {
		most = peekAtMost
	}
	for o := range m.messages.all() {
		if len(all) == most {
			break
		}
		s := PeekedDelivery{Delivery: m.delivery(o)}
		switch {
		case o.state == delayed && r.Delayed:
			s.State, s.VisibleAt = "delayed", m.WallTime(time.Unix(0, o.life.until))
		case o.state == inFlight && r.Invisible:
			s.State, s.VisibleAt = "inflight", m.WallTime(time.Unix(0, o.life.until))
		case o.state == ready && m.fifo && o.ripe()+int64(m.config.Delay) > m.now:
			if !r.Delayed {
				continue
			}
			s.State, s.VisibleAt = "delayed", m.WallTime(time.Unix(0, o.ripe()+int64(m.config.Delay)))
		case o.state == ready:
			s.State = "visible"
		default:
			continue
		}
		all = append(all, s)
	}
	return all
}
