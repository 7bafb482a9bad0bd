package delivery

import "time"

// A progress is how far the delivery of an event has come. It is a machine without
// a clock or a die: ages and chances come in, pauses go out.
type progress struct {
	Age      time.Duration `json:",omitempty"` // when the event was stored; what it waits there comes on top
	Attempts int           `json:",omitempty"` // that reached the target
	Failures int           `json:",omitempty"` // attempts that count against MaxAttempts
	Refusals int           `json:",omitempty"` // in a row, where they do not count
}

// A verdict is what follows from an attempt: another one after a pause, or the end.
type verdict struct {
	pause time.Duration
	ended Condition // "" for another attempt
}

// expired reports whether an event is too old for an attempt to begin.
func (p Policy) expired(age time.Duration) bool { return p.MaxAge > 0 && age > p.MaxAge }

// next counts an attempt that ended at the given age, and says what follows. chance, from
// 0 to 1, is for the jitter of pauses.
func (pr *progress) next(p Policy, s Sender, reply Reply, err error, age time.Duration, chance float64) verdict {
	pr.Age = age
	if pause, ok := later(err); ok {
		return pr.after(p, pause)
	}
	if err == nil {
		pr.Attempts++
		if reply.Failure == "" {
			return verdict{ended: Success}
		}
	}
	if IsFinal(err) {
		return verdict{ended: Rejected}
	}
	if err != nil && s.Refused != nil {
		pr.Refusals++
		return pr.again(p, s.Refused, pr.Refusals, chance)
	}
	if err != nil {
		pr.Attempts++ // where refusals count, an attempt is one that was made
	}
	pr.Failures++
	pr.Refusals = 0
	if p.MaxAttempts > 0 && pr.Failures >= p.MaxAttempts {
		return verdict{ended: RetriesExhausted}
	}
	failed := p.Failed
	if failed == nil {
		failed = s.Failed
	}
	return pr.again(p, failed, pr.Failures, chance)
}

// again pauses before the next attempt, if there is to be one.
func (pr *progress) again(p Policy, b Backoff, n int, chance float64) verdict {
	pause, ok := b.Pause(n, chance)
	if !ok {
		return verdict{ended: RetriesExhausted}
	}
	return pr.after(p, pause)
}

// after is another attempt after a pause, unless the event is too old by then.
func (pr *progress) after(p Policy, pause time.Duration) verdict {
	if p.expired(pr.Age + pause) {
		return verdict{ended: EventAgeExceeded}
	}
	return verdict{pause: pause}
}
