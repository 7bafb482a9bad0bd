package queue

import (
	"time"
)

const defaultPeekMax = 1000

// A PeekedDelivery is one message that was looked at.
type PeekedDelivery struct {
	Delivery
	State     string
	VisibleAt time.Time // by the present wall clock; zero when it is visible
}

// Peek returns messages in the order of their numbers, and changes nothing.
func (m *Machine) Peek(r PeekRequest) (all []PeekedDelivery) {
	most := r.Max
	if most == 0 {
		most = defaultPeekMax
	}
	for msg := range m.messages.all() {
		if len(all) == most {
			break
		}
		s := PeekedDelivery{Delivery: m.newDelivery(msg)}
		switch {
		case msg.status == delayed && r.Delayed:
			s.State, s.VisibleAt = "delayed", m.WallTime(time.Unix(0, msg.delivery.hiddenUntil))
		case msg.status == inFlight && r.Invisible:
			s.State, s.VisibleAt = "inflight", m.WallTime(time.Unix(0, msg.delivery.hiddenUntil))
		case msg.status == ready && m.fifo && msg.eligibleAt()+int64(m.config.Delay) > m.now:
			if !r.Delayed {
				continue
			}
			s.State, s.VisibleAt = "delayed", m.WallTime(time.Unix(0, msg.eligibleAt()+int64(m.config.Delay)))
		case msg.status == ready:
			s.State = "visible"
		default:
			continue
		}
		all = append(all, s)
	}
	return all
}
