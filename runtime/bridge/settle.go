package bridge

import "slices"

// A tracker knows what became of the deliveries of one connection. It is a machine: it
// talks to nobody. Tags count from 1, and entries come back in the order of their tags.
type tracker struct {
	first      uint64 // tag of unsettled[0]
	deliveries []tracked
	arrived    int // how many of the deliveries have come back, from the front
	waiting    int // bytes of those that have not
	held       int // bytes of those that are not settled
}

type tracked struct {
	sequence uint64 // of its entry; 0 until that has come back
	bytes    int
	settled  bool
}

// A settlement is one basic.ack or basic.nack.
type settlement struct {
	tag      uint64
	multiple bool // with all before it that are not settled yet
}

func newTracker() tracker { return tracker{first: 1} }

// send notes the next delivery, whose entry is being sent, and returns its tag.
func (t *tracker) send(bytes int) (tag uint64) {
	t.deliveries = append(t.deliveries, tracked{bytes: bytes})
	t.waiting += bytes
	t.held += bytes
	return t.first + uint64(len(t.deliveries)) - 1
}

// skip notes that the next delivery is settled without having had an entry. All that
// were sent have come back or not: it counts as one that has, when it is its turn.
func (t *tracker) skip() (tag uint64) {
	t.deliveries = append(t.deliveries, tracked{settled: true})
	tag = t.first + uint64(len(t.deliveries)) - 1
	t.pass()
	return tag
}

// pass goes on to the next delivery whose entry has to come back, and forgets those at
// the front that are settled.
func (t *tracker) pass() {
	for t.arrived < len(t.deliveries) && t.deliveries[t.arrived].settled {
		t.arrived++
	}
	n := 0
	for n < t.arrived && t.deliveries[n].settled {
		n++
	}
	t.deliveries = t.deliveries[n:]
	t.first += uint64(n)
	t.arrived -= n
}

// unread is how many entries have not come back.
func (t *tracker) unread() int { return len(t.deliveries) - t.arrived }

// An arrival is what the tracker makes of an entry that comes back.
type arrival int

const (
	expected arrival = iota // the next one
	repeated                // it was there before, or was never sent
	gap                     // one before it is missing: it will not come anymore
)

// arrive notes that an entry has come back.
func (t *tracker) arrive(tag, sequence uint64) arrival {
	switch next := t.first + uint64(t.arrived); {
	case tag < next || tag >= t.first+uint64(len(t.deliveries)):
		return repeated
	case tag > next:
		return gap
	}
	d := &t.deliveries[t.arrived]
	d.sequence = sequence
	t.waiting -= d.bytes
	t.arrived++
	t.pass()
	return expected
}

// settle settles deliveries that have come back, in whatever order, and returns what has
// to be said to the broker, in this order, and how many bytes are free again. Those that
// are settled already, or unknown, are left out. It orders tags.
func (t *tracker) settle(tags []uint64) (say []settlement, bytes int) {
	slices.Sort(tags)
	lowest := t.first // not settled yet
	multiple := 0     // how many from the lowest on are being settled, without a gap
	for _, tag := range tags {
		i := tag - t.first
		if tag < t.first || i >= uint64(t.arrived) || t.deliveries[i].settled {
			continue
		}
		for lowest < tag && t.deliveries[lowest-t.first].settled {
			lowest++
		}
		t.deliveries[i].settled = true
		bytes += t.deliveries[i].bytes
		if lowest != tag {
			say = append(say, settlement{tag: tag})
			continue
		}
		multiple++
		if multiple == 1 {
			say = append(say, settlement{})
		}
		say[0] = settlement{tag, multiple > 1}
	}
	t.held -= bytes
	t.pass()
	return say, bytes
}

// floor is the sequence of the first entry that is still needed; ok is false when none
// is that has come back.
func (t *tracker) floor() (sequence uint64, ok bool) {
	if t.arrived == 0 {
		return 0, false
	}
	return t.deliveries[0].sequence, true
}
