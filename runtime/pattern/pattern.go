// Package pattern is the language in which event source mappings, EventBridge rules
// and SNS subscriptions say which events they want.
//
// A pattern is a JSON object of the shape of an event. Its leaves are arrays of
// what a field may be; different fields must all hold, the items of one array
// are alternatives, and "$or" offers alternatives between fields:
//
//	{"body": {"kind": ["order", {"prefix": "refund-"}], "total": [{"numeric": [">", 0, "<=", 5]}]}}
//
// An item is a string, number, boolean or null, taken literally, or one of
//
//	{"prefix": s}  {"suffix": s}  {"equals-ignore-case": s}  {"wildcard": "a*b"}
//	{"prefix": {"equals-ignore-case": s}}  {"suffix": {"equals-ignore-case": s}}
//	{"anything-but": x}   x a string or number, a list of either, or a prefix,
//	                      suffix, equals-ignore-case or wildcard (each of one text or a list)
//	{"numeric": ["=", n]} also < <= > >=, and ranges such as [">", 0, "<=", 5]
//	{"exists": true}      {"cidr": "10.0.0.0/24"}
//
// A [Dialect] is what one service makes of the language: the operators that it
// knows, its limits and the range of its numbers. Details follow AWS's open Event
// Ruler:
//
//   - an array in the event stands for each of its elements, and fields of one
//     nested pattern must hold in the same element
//   - exists asks about leaves: an object is none, and an empty array holds none
//   - anything-but wants the field to be there; null will do
//   - of a key given twice the last one counts
//   - a literal number matches the same text, and within the dialect's range the
//     same value: so 300 matches 300.0, as recorded from AWS, whatever
//     EventBridge's guide says
//
// SNS differs in some of them, as recorded from it or by its Developer Guide
// ("Amazon SNS subscription filter policies"):
//
//   - numbers compare in steps of 0.00001
//   - exists:true wants something else than null and the empty text
//   - "a.b" speaks of the field b of a, in policies for bodies and in bodies
//   - an "$or" that is no array of two objects, or has an operator's name among
//     their keys, is a field of that name
//
// [Parse] reads a pattern for whole events, [CompileFilter] the FilterCriteria of
// a mapping, which look into a record's payload too. Both results are pure and
// safe for concurrent use.
package pattern

import (
	"fmt"
	"unicode/utf8"

	"millrace/runtime/fault"
)

// A Pattern is compiled, and ready to match events.
type Pattern struct {
	dialect *Dialect
	root    *object
}

// An Error says why a pattern is refused, for most reasons in the words of Event
// Ruler, which AWS's services pass on. It unwraps to fault.Invalid.
//
// SNS writes "Invalid parameter: FilterPolicy: " and then Reason and Position, but
// for ErrNested "Invalid parameter: " and the Reason.
type Error struct {
	Reason   string
	Position string // "\n at [Source: …; line: 1, column: 7]"; "" where AWS names none
}

func (e *Error) Error() string { return e.Reason }
func (e *Error) Unwrap() error { return fault.Invalid }

func refuse(format string, args ...any) error { return &Error{Reason: fmt.Sprintf(format, args...)} }

// Parse reads a pattern in a dialect. What the service would refuse is an *Error.
func Parse(d *Dialect, text string) (*Pattern, error) {
	if d.maxRunes > 0 {
		if n := utf8.RuneCountInString(text); n > d.maxRunes {
			return nil, refuse("a pattern of %d characters, of at most %d", n, d.maxRunes)
		}
	}
	if d.maxBytes > 0 && len(text) > d.maxBytes {
		return nil, refuse("a pattern of %d bytes, of at most %d", len(text), d.maxBytes)
	}
	if _, err := Decode([]byte(text)); err != nil {
		if d.parserTexts {
			return nil, malformed(text, err)
		}
		return nil, refuse("%s", err)
	}
	c := &compiler{Dialect: d, text: text}
	root := parseNode(text)
	if !root.isObject() {
		return nil, c.refuse(root.read(), "Filter is not an object")
	}
	p := &Pattern{d, &object{}}
	if err := c.object(p.root, &root, place{depth: 1}); err != nil {
		return nil, err
	}
	if d.flat && c.nested {
		return nil, ErrNested
	}
	return p, d.checkSize(p.root)
}

// Match reports whether an event passes. It is a JSON value as Decode returns it,
// for SNSBody as Body does, and for SNSAttributes a map of Attribute's values.
func (p *Pattern) Match(event any) bool {
	return p.root.match(event, &subject{dialect: p.dialect, root: event})
}
