package queue

import "time"

// A Clock maps the process's time to the machine's time. Machine time advances with
// the monotonic clock, whatever the wall clock does: a message hidden for three
// seconds is hidden for three seconds of running time. The wall clock is used only
// to find out how long a queue was closed. The zero Clock has not been started.
type Clock struct {
	base  time.Time // the machine's time at epoch
	epoch time.Time // the process's time
}

// Resume returns the clock of a machine that was just replayed. now is the process's
// time, with its monotonic reading, and wall what the wall clock says. A started
// clock goes on by the monotonic time that passed. A zero Clock adds what the wall
// clock says passed since the last entry, or nothing when that is negative. Neither
// goes back behind the last entry.
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

// ProcessTime is the inverse of MachineTime. The zero time stays zero.
func (c Clock) ProcessTime(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return c.epoch.Add(t.Sub(c.base))
}

// wallClockTolerance is by how much the wall clock may differ from what is expected
// and count as unchanged: two clocks are never read at the same moment.
const wallClockTolerance = int64(100 * time.Millisecond)

// WallTime converts machine time to wall-clock time, with the present offset.
func (m *Machine) WallTime(t time.Time) time.Time { return t.Add(time.Duration(m.wallOffset)) }

// observeWallClock updates the offset of the wall clock from the machine's time.
func (m *Machine) observeWallClock(wall int64) {
	switch offset := wall - m.now; {
	case -wallClockTolerance < offset && offset < wallClockTolerance:
		m.wallOffset = 0
	case offset-m.wallOffset <= -wallClockTolerance || wallClockTolerance <= offset-m.wallOffset:
		m.wallOffset = offset
		if m.messages.count == 0 {
			m.sendOffsets = offsetTable{}
		}
	}
}

// An offsetTable lists the wall-clock offsets under which messages were sent. Most
// queues have one, 0; each jump of the wall clock adds one. Messages keep an index,
// so that their send time stays what the wall clock said then.
type offsetTable struct {
	offsets  []int64 // of the wall clock from the machine's time
	lastUsed uint32  // the one used last
}

// indexOf returns the index of an offset, and adds it if it is new.
func (e *offsetTable) indexOf(offset int64) uint32 {
	if int(e.lastUsed) < len(e.offsets) && e.offsets[e.lastUsed] == offset {
		return e.lastUsed
	}
	for i, o := range e.offsets {
		if o == offset {
			e.lastUsed = uint32(i)
			return e.lastUsed
		}
	}
	e.offsets = append(e.offsets, offset)
	e.lastUsed = uint32(len(e.offsets) - 1)
	return e.lastUsed
}

// wallSentAt is when a message was sent, by the wall clock of then.
func (m *Machine) wallSentAt(msg *message) int64 {
	return msg.sentAt + m.sendOffsets.offsets[msg.sendOffset]
}
