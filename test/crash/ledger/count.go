package ledger

import "time"

// Counts are what a queue and its dead-letter queue say they hold, together.
type Counts struct {
	Visible, InFlight, Delayed int
}

func (c Counts) total() int { return c.Visible + c.InFlight + c.Delayed }

// stock is what must and what may be there.
type stock struct {
	certain  int // there for sure
	possible int // there, or perhaps there
	hidden   int // of the certain ones, those surely not visible
	away     int // of all possible ones, those that a deadline may still keep away
}

func (f *family) stock(now time.Time) (s stock) {
	for _, m := range f.messages {
		if m.deleted > 0 {
			continue
		}
		s.possible++
		if now.Before(m.until) {
			s.away++
		}
		if m.there() {
			s.certain++
			if now.Before(m.until) {
				s.hidden++
			}
		}
	}
	return s
}

// there tells that a message exists for sure.
func (m *message) there() bool { return m.known && m.deleting == 0 }

// Counted holds a queue's counts against the books. They were taken while no
// request was on its way, and answered by now.
func (l *Ledger) Counted(queue string, c Counts, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.families[queue].stock(now)
	if n := c.total(); n < s.certain || n > s.possible {
		l.breaks(nil, "%s: it holds %d messages, yet %d to %d were sent and not deleted", queue, n, s.certain, s.possible)
	}
	if n := c.InFlight + c.Delayed; n < s.hidden {
		l.breaks(nil, "%s: %d messages are hidden, yet %d must be", queue, n, s.hidden)
	}
}

// Settled tells that a queue which is being drained has nothing more to give:
// what it still holds is hidden, and the books say why.
func (l *Ledger) Settled(queue string, c Counts, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.families[queue].stock(now)
	return c.Visible == 0 && s.certain == s.hidden && c.total() >= s.hidden && c.total() <= s.away
}

// Drained holds a queue's counts against the books when all that it gave was
// received and deleted, and all that was hidden by unanswered receives had time
// to come back.
func (l *Ledger) Drained(queue string, c Counts, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.families[queue]
	s := f.stock(now)
	if c.Visible > 0 {
		l.breaks(nil, "%s: %d messages are visible and not delivered", queue, c.Visible)
	}
	switch n := c.total(); {
	case n < s.certain:
		l.breaks(nil, "%s: %d messages were lost", queue, s.certain-n)
	case n > s.away:
		l.breaks(nil, "%s: %d messages stay and nobody hid them", queue, n-s.away)
	}
	for _, m := range f.messages {
		if m.there() && !now.Before(m.until) {
			l.breaks(m, "it is missing; received %d times", m.latest)
		}
	}
}
