package queue

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Range is a range of numbers, both ends included.
type Range struct{ From, To uint64 }

// Ranges are ranges of numbers. String writes them like pages to print: 3,7-9.
type Ranges []Range

// Add appends a range; one that touches the last range extends it.
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

// ParseRanges is the inverse of Ranges.String.
func ParseRanges(text string) (s Ranges, err error) {
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRun := strings.Cut(part, "-")
		if !isRun {
			to = from
		}
		a, errA := strconv.ParseUint(from, 10, 64)
		b, errB := strconv.ParseUint(to, 10, 64)
		if errA != nil || errB != nil || a > b {
			return nil, fmt.Errorf("%q is not a range of numbers", part)
		}
		s = append(s, Range{a, b})
	}
	return s, nil
}

// A LossAudit finds out which messages were in log entries that are lost. Message
// numbers have no gaps. So the numbers between the last one before a missing entry
// and the first one after it were in that entry, unless a later entry deletes such a
// message or holds a copy of it.
//
// The caller goes through the log in the order of [Machine.Replay], with AddEntry
// for each entry and MissingEntries where entries are missing.
type LossAudit struct {
	nextNumber uint64 // above all numbers seen so far
	missing    bool   // entries are missing since nextNumber was set
	ranges     []lostRange
	accounted  map[uint64]bool // numbers in ranges that a later entry deletes or copies
}

type lostRange struct {
	Range
	sentBefore int64 // the time of the first entry after the gap
}

// NewLossAudit starts the audit of a log, before its first entry.
func NewLossAudit() *LossAudit { return &LossAudit{nextNumber: 1, accounted: map[uint64]bool{}} }

// MissingEntries says that entries are missing at this place of the log.
func (a *LossAudit) MissingEntries() { a.missing = true }

// AddEntry takes in the next entry.
func (a *LossAudit) AddEntry(e Entry) {
	for d := e.newRecordReader(); d.more(); {
		if r := readRecord(&d, e.time); d.err == nil {
			a.addRecord(&r, e.time)
		}
	}
}

func (a *LossAudit) addRecord(r *record, now int64) {
	switch r.kind {
	case kindSent:
		a.allocatedBelow(r.number, now)
		a.nextNumber = max(a.nextNumber, r.number+1)
	case kindCounters:
		a.allocatedBelow(r.number, now)
	case kindCopiedMessage, kindDeleted:
		a.account(r.number)
	case kindPurged:
		a.ranges, a.missing = nil, false
	case kindExpired:
		a.ranges = slices.DeleteFunc(a.ranges, func(g lostRange) bool { return g.sentBefore <= r.until })
	}
}

// allocatedBelow notes that all numbers below next were given to messages.
func (a *LossAudit) allocatedBelow(next uint64, now int64) {
	if a.missing && next > a.nextNumber {
		a.ranges = append(a.ranges, lostRange{Range{a.nextNumber, next - 1}, now})
	}
	a.missing = false
	a.nextNumber = max(a.nextNumber, next)
}

func (a *LossAudit) account(number uint64) {
	for _, g := range a.ranges {
		if g.From <= number && number <= g.To {
			a.accounted[number] = true
		}
	}
	// The first entry after a gap may be a copy or a delete of a message in the gap.
	if a.missing && number >= a.nextNumber {
		a.accounted[number] = true
	}
}

// LostMessages returns the numbers of the lost messages. next is the number that the
// next message was to have, 0 when unknown.
func (a *LossAudit) LostMessages(next uint64) (numbers Ranges) {
	if next != 0 {
		a.allocatedBelow(next, 0)
	}
	for _, g := range a.ranges {
		var found Ranges
		for n := range a.accounted {
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
