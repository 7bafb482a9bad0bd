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
	looseOr    bool     // an "$or" that is no array of two objects is a field
	flat       bool     // fields have no fields
	maxNumber  float64  // numbers beyond it compare by their text alone

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
		operators: snsAll, excludable: []string{"prefix", "wildcard"}, looseOr: true, maxNumber: 1e9,
		maxBytes: 256 << 10, maxKeys: 5, combinations: 150, deep: true, maxStars: 3, maxPoints: 100,
	}
)

// The dialects. Lambda documents its own as EventBridge's less wildcard and cidr,
// and for SQS promises filters on the body alone; here those operators, and all
// fields of a record, are understood too.
var (
	Lambda      = &Dialect{operators: all, excludable: texts, folded: true, maxNumber: 5e9, maxRunes: MaxPattern}
	EventBridge = &Dialect{operators: all, excludable: texts, folded: true, maxNumber: 5e9, maxBytes: MaxPattern}

	// SNSBody is of the scope MessageBody, for bodies that are JSON objects.
	SNSBody = &snsBody

	// SNSAttributes is of the scope MessageAttributes. See Attribute.
	SNSAttributes = snsBody.attributes()
)

func (d Dialect) attributes() *Dialect {
	d.flat, d.deep = true, false
	return &d
}

// Why SNS refuses a filter policy for its size or shape.
var (
	ErrNested     error = &Error{"Filter policy scope MessageAttributes does not support nested filter policy"}
	ErrKeys       error = &Error{"Filter policy can not have more than 5 keys"}
	ErrTooComplex error = &Error{"Filter policy is too complex"}
)

// checkSize sees that a pattern is within the dialect's limits.
func (d *Dialect) checkSize(o object) error {
	if d.maxKeys == 0 {
		return nil
	}
	s := d.measure(o, 1)
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
func (d *Dialect) measure(o object, depth int) size {
	total := size{combinations: 1}
	and := func(s size) {
		total.keys += s.keys
		total.points += s.points
		total.combinations = min(tooMany, total.combinations*s.combinations)
	}
	for _, f := range o.fields {
		if f.inner != nil {
			and(d.measure(*f.inner, depth+1))
			continue
		}
		n := f.items
		if d.deep {
			n *= depth
		}
		and(size{1, min(tooMany, n), f.points * f.wildcards})
	}
	for _, alternatives := range o.or {
		either := size{}
		for _, a := range alternatives {
			s := d.measure(a, depth)
			either.keys += s.keys
			either.points += s.points
			either.combinations = min(tooMany, either.combinations+s.combinations)
		}
		and(either)
	}
	return total
}

// wildcardPoints counts the points of the wildcards in an item, as SNS does: of one
// with a star 1, of one with more 3 each, of an excluded one 1. One with too many
// stars is ErrTooComplex.
func (d *Dialect) wildcardPoints(item map[string]any) (points int, err error) {
	one := func(pattern string, each int) error {
		stars := strings.Count(pattern, "*") - strings.Count(pattern, `\*`)
		if d.maxStars > 0 && stars > d.maxStars {
			return ErrTooComplex
		}
		if each == 0 {
			if each = 1; stars > 1 {
				each = 3 * stars
			}
		}
		points += each
		return nil
	}
	if w, ok := item["wildcard"].(string); ok {
		return points, one(w, 0)
	}
	not, _ := item["anything-but"].(map[string]any)
	switch w := not["wildcard"].(type) {
	case string:
		err = one(w, 1)
	case []any:
		for _, e := range w {
			if s, ok := e.(string); ok && err == nil {
				err = one(s, 1)
			}
		}
	}
	return points, err
}
