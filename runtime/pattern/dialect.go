package pattern

import (
	"slices"
	"strings"
)

// A Dialect is what one service understands of the language.
type Dialect struct {
	operators  []string // of one field
	excludable []string // inside anything-but
	folded     bool     // prefix and suffix take equals-ignore-case
	flat       bool     // fields have no fields
	dotted     bool     // "a.b" is the field b of a, in patterns and events
	maxNumber  float64  // numbers beyond it compare by their text alone
	steps      float64  // numbers compare in so many steps of 1; 0 for as they are

	looseOr     bool // an "$or" that is no array of two objects is a field
	looseBounds bool // only ranges need their bounds in order: a text of a refusal
	parserTexts bool // what is no JSON is refused in the words of AWS's parser
	solidExists bool // null and the empty text do not exist

	// Limits; 0 for none.
	maxRunes     int // characters of a pattern
	maxBytes     int // of a pattern
	maxKeys      int // fields with leaves
	combinations int // of values
	deep         bool
	maxStars     int // of one wildcard
	maxPoints    int // of all wildcards together
}

var (
	all     = []string{"exactly", "exists", "anything-but", "numeric", "cidr", "prefix", "suffix", "equals-ignore-case", "wildcard"}
	texts   = []string{"prefix", "suffix", "equals-ignore-case", "wildcard"}
	snsAll  = slices.DeleteFunc(slices.Clone(all), func(op string) bool { return op == "exactly" })
	snsBody = Dialect{
		operators: snsAll, excludable: []string{"prefix", "wildcard"}, dotted: true, maxNumber: 1e9, steps: 1e5,
		looseOr: true, parserTexts: true, solidExists: true,
		maxBytes: 256 << 10, maxKeys: 5, combinations: 150, deep: true, maxStars: 3, maxPoints: 100,
	}
)

// The dialects. Lambda documents its own as EventBridge's less wildcard and cidr,
// and for SQS promises filters on the body alone; here those operators, and all
// fields of a record, are understood too.
var (
	Lambda      = &Dialect{operators: all, excludable: texts, folded: true, maxNumber: 5e9, looseBounds: true, maxRunes: MaxPattern}
	EventBridge = &Dialect{operators: all, excludable: texts, folded: true, maxNumber: 5e9, looseBounds: true, maxBytes: MaxPattern}

	// SNSBody is of the scope MessageBody, for bodies that are JSON objects. See Body.
	SNSBody = &snsBody

	// SNSAttributes is of the scope MessageAttributes. See Attribute.
	SNSAttributes = snsBody.attributes()
)

func (d Dialect) attributes() *Dialect {
	d.flat, d.deep, d.dotted = true, false, false
	return &d
}

// Why SNS refuses a filter policy for its size or shape.
var (
	ErrNested     error = &Error{Reason: "Filter policy scope MessageAttributes does not support nested filter policy"}
	ErrKeys       error = &Error{Reason: "Filter policy can not have more than 5 keys"}
	ErrTooComplex error = &Error{Reason: "Filter policy is too complex"}
)

// checkSize sees that a pattern is within the dialect's limits.
func (d *Dialect) checkSize(o *object) error {
	if d.maxKeys == 0 {
		return nil
	}
	s := d.measure(o)
	switch {
	case s.keys > d.maxKeys:
		return ErrKeys
	case s.combinations > d.combinations || s.points > d.maxPoints:
		return ErrTooComplex
	}
	return nil
}

// A size is what a pattern, or a part of one, counts for.
type size struct{ keys, combinations, points int }

// tooMany is where counting stops to matter, long before an int is full.
const tooMany = 1 << 20

// measure counts as SNS does: the values of each field, by the depth of the field
// where bodies are matched, multiplied over fields; alternatives of "$or" add up.
func (d *Dialect) measure(o *object) size {
	total := size{combinations: 1}
	and := func(s size) {
		total.keys += s.keys
		total.points += s.points
		total.combinations = min(tooMany, total.combinations*s.combinations)
	}
	for i := range o.fields {
		f := &o.fields[i]
		if f.inner != nil {
			and(d.measure(f.inner))
			continue
		}
		n := int(f.items)
		if d.deep {
			n *= int(f.depth)
		}
		and(size{1, min(tooMany, n), int(f.points * f.wildcards)})
	}
	for _, alternatives := range o.or {
		either := size{}
		for _, a := range alternatives {
			s := d.measure(a)
			either.keys += s.keys
			either.points += s.points
			either.combinations = min(tooMany, either.combinations+s.combinations)
		}
		and(either)
	}
	return total
}

// wildcardPoints counts the points of the wildcards in a match expression, as SNS
// does: of one with a star 1, of one with more 3 each, of an excluded one 1. One with
// too many stars is ErrTooComplex.
func (d *Dialect) wildcardPoints(op *member) (points int, err error) {
	one := func(n *node, excluded bool) {
		pattern, _ := n.value.(string)
		stars := strings.Count(pattern, "*") - strings.Count(pattern, `\*`)
		switch {
		case d.maxStars > 0 && stars > d.maxStars:
			err = ErrTooComplex
		case stars > 1 && !excluded:
			points += 3 * stars
		default:
			points++
		}
	}
	switch {
	case op.key == "wildcard":
		one(&op.node, false)
	case op.key == "anything-but" && len(op.members) == 1 && op.members[0].key == "wildcard":
		w := &op.members[0]
		if !w.isArray() {
			one(&w.node, true)
		}
		for i := range w.items {
			one(&w.items[i], true)
		}
	}
	return points, err
}
