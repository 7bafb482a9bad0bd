package queue

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Range is a run of numbers, both ends included.
type Range struct{ From, To uint64 }

// Ranges are runs of numbers. They are written like the pages to print: 3,7-9.
type Ranges []Range

// Add adds a run; one that touches the last one prolongs it.
func (s *Ranges) Add(from, to uint64) {
	if n := len(*s); n > 0 && (*s)[n-1].To+1 == from {
		(*s)[n-1].To = to
		return
	}
	*s = append(*s, Range{from, to})
}

// Len counts the numbers.
func (s Ranges) Len() (n uint64) {
	for _, r := range s {
		n += r.To - r.From + 1
	}
	return n
}

// Without returns the numbers of s that are in none of others, in order.
func (s Ranges) Without(others Ranges) Ranges {
	others = slices.SortedFunc(slices.Values(others), func(a, b Range) int { return cmp.Compare(a.From, b.From) })
	var rest Ranges
	for _, r := range s {
		for _, o := range others {
			if o.To < r.From || o.From > r.To {
				continue
			}
			if o.From > r.From {
				rest.Add(r.From, o.From-1)
			}
			if r.From = o.To + 1; r.From > r.To {
				break
			}
		}
		if r.From <= r.To {
			rest.Add(r.From, r.To)
		}
	}
	return rest
}

func (s Ranges) String() string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(r.From, 10))
		if r.To != r.From {
			b.WriteString("-" + strconv.FormatUint(r.To, 10))
		}
	}
	return b.String()
}

// ParseRanges is the inverse of String.
func ParseRanges(text string) (s Ranges, err error) {
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRun := strings.Cut(part, "-")
		if !isRun {
			to = from
		}
		a, errA := strconv.ParseUint(from, 10, 64)
		b, errB := strconv.ParseUint(to, 10, 64)
		if errA != nil || errB != nil || a > b {
			return nil, fmt.Errorf("%q is no run of numbers", part)
		}
		s = append(s, Range{a, b})
	}
	return s, nil
}

// A LossAudit finds out which messages were in entries that a log has lost. Every
// message has the number after the one before, so what lies between the last
// number before a gap and the first one behind it was in the gap; unless a later
// entry says that it was deleted, or has a copy of it.
//
// The caller goes through the log as for [Machine.Replay] and says where entries
// are missing.
type LossAudit struct {
	next   uint64 // above all numbers that are accounted for
	gap    bool   // entries are missing since then
	ranges []auditRange
	found  map[uint64]bool // in ranges, and known to be deleted or copied
}

type auditRange struct {
	Range
	by int64 // they were sent before this moment
}

// NewLossAudit makes the audit of a log whose first entry is to come.
func NewLossAudit() *LossAudit { return &LossAudit{next: 1, found: map[uint64]bool{}} }

// MissingEntries says that entries are missing here which may have held messages.
func (a *LossAudit) MissingEntries() { a.gap = true }

// AddEntry goes through an entry.
func (a *LossAudit) AddEntry(e Entry) {
	for d := e.all(); d.more(); {
		if r := readRecord(&d, e.time); d.err == nil {
			a.record(&r, e.time)
		}
	}
}

func (a *LossAudit) record(r *record, now int64) {
	switch r.kind {
	case sent:
		a.upTo(r.number, now)
		a.next = max(a.next, r.number+1)
	case counted:
		a.upTo(r.number, now)
	case kept, gone:
		a.find(r.number)
	case purged:
		a.ranges, a.gap = nil, false
	case expired:
		a.ranges = slices.DeleteFunc(a.ranges, func(g auditRange) bool { return g.by <= r.until })
	}
}

// upTo says that all numbers below next were given to messages.
func (a *LossAudit) upTo(next uint64, now int64) {
	if a.gap && next > a.next {
		a.ranges = append(a.ranges, auditRange{Range{a.next, next - 1}, now})
	}
	a.gap = false
	a.next = max(a.next, next)
}

func (a *LossAudit) find(number uint64) {
	for _, g := range a.ranges {
		if g.From <= number && number <= g.To {
			a.found[number] = true
		}
	}
	// A copy or a delete behind a gap may be the first to tell of its numbers.
	if a.gap && number >= a.next {
		a.found[number] = true
	}
}

// LostMessages returns the numbers of the messages that are lost. next is the number
// that the next message was to have, 0 when that is not known.
func (a *LossAudit) LostMessages(next uint64) (numbers Ranges) {
	if next != 0 {
		a.upTo(next, 0)
	}
	for _, g := range a.ranges {
		var found Ranges
		for n := range a.found {
			if g.From <= n && n <= g.To {
				found = append(found, Range{n, n})
			}
		}
		for _, s := range (Ranges{g.Range}).Without(found) {
			numbers.Add(s.From, s.To)
		}
	}
	return numbers
}
