package queue

import "time"

// A Clock is the time of a machine. It goes on at the pace of the monotonic
// clock, whatever the wall clock does: what is hidden for three seconds is so for
// three seconds of running time. The wall clock counts only where nothing else
// can: how long a queue was closed. The zero Clock has not been started.
type Clock struct {
	base  time.Time // the machine's time
	epoch time.Time // the process's time at that moment
}

// Resume returns the clock of a machine that was just replayed. now is the
// process's time, with its monotonic reading, and wall what the wall clock says.
// A clock that was started before goes on, since monotonic time passed for it.
// A zero Clock adds what the wall clock says passed since the last entry, and
// nothing when that is negative. Neither goes back behind the last entry.
func (c Clock) Resume(m *Machine, now, wall time.Time) Clock {
	base := wall
	if c != (Clock{}) {
		base = c.MachineTime(now)
	}
	if m.now != 0 {
		last := time.Unix(0, m.now)
		if c == (Clock{}) {
			base = last.Add(wall.Sub(m.WallTime(last)))
		}
		if base.Before(last) {
			base = last
		}
	}
	return Clock{base.Round(0), now}
}

// MachineTime is the machine's time at a moment of the process.
func (c Clock) MachineTime(now time.Time) time.Time { return c.base.Add(now.Sub(c.epoch)) }

// ProcessTime is the inverse of At. The zero time stays what it is.
func (c Clock) ProcessTime(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return c.epoch.Add(t.Sub(c.base))
}

// slack is how far the wall clock may be from what is expected of it and counts
// as there: two clocks are never read at the same moment.
const slack = int64(100 * time.Millisecond)

// WallTime is what the wall clock says at a moment of the machine's time, as far as
// is known now.
func (m *Machine) WallTime(t time.Time) time.Time { return t.Add(time.Duration(m.offset)) }

// look takes in what the wall clock says now.
func (m *Machine) look(wall int64) {
	switch offset := wall - m.now; {
	case -slack < offset && offset < slack:
		m.offset = 0
	case offset-m.offset <= -slack || slack <= offset-m.offset:
		m.offset = offset
		if m.messages.count == 0 {
			m.eras = eras{}
		}
	}
}

// Most queues have one era, in which the wall clock is the machine's. Another
// begins when the wall clock jumps. Messages say in which one they were sent, so
// that their send time stays what it was.
type eras struct {
	offsets []int64 // of the wall clock from the machine's time
	last    uint32  // the one used last
}

// of returns the index of the era with an offset.
func (e *eras) of(offset int64) uint32 {
	if int(e.last) < len(e.offsets) && e.offsets[e.last] == offset {
		return e.last
	}
	for i, o := range e.offsets {
		if o == offset {
			e.last = uint32(i)
			return e.last
		}
	}
	e.offsets = append(e.offsets, offset)
	e.last = uint32(len(e.offsets) - 1)
	return e.last
}

// sentAt is when a message was sent, as the wall clock said then.
func (m *Machine) sentAt(o *message) int64 { return o.sent + m.eras.offsets[o.era] }
