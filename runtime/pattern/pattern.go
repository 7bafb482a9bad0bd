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
// [Parse] reads a pattern for whole events, [CompileFilter] the FilterCriteria of
// a mapping, which look into a record's payload too. Both results are pure and
// safe for concurrent use.
package pattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"millrace/runtime/fault"
)

// A Pattern is compiled, and ready to match events.
type Pattern struct{ root object }

// An Error says why a pattern is refused, for most reasons in the words of Event
// Ruler, which AWS's services pass on. It unwraps to fault.Invalid.
type Error struct{ Reason string }

func (e *Error) Error() string { return e.Reason }
func (e *Error) Unwrap() error { return fault.Invalid }

func refuse(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Parse reads a pattern in a dialect. What the service would refuse is an *Error.
func Parse(d *Dialect, text string) (*Pattern, error) {
	root, err := parse(d, text)
	if err != nil {
		return nil, err
	}
	return &Pattern{root}, nil
}

func parse(d *Dialect, text string) (object, error) {
	if d.maxRunes > 0 {
		if n := utf8.RuneCountInString(text); n > d.maxRunes {
			return object{}, refuse("a pattern of %d characters, of at most %d", n, d.maxRunes)
		}
	}
	if d.maxBytes > 0 && len(text) > d.maxBytes {
		return object{}, refuse("a pattern of %d bytes, of at most %d", len(text), d.maxBytes)
	}
	v, err := Decode([]byte(text))
	if err != nil {
		return object{}, refuse("%s", err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return object{}, refuse("Filter is not an object")
	}
	o, err := d.compileObject(m, nil, false)
	if err != nil {
		return object{}, err
	}
	return o, d.checkSize(o)
}

// Match reports whether an event passes. It is a JSON value as Decode returns it,
// or a map that Attribute's values were put into.
func (p *Pattern) Match(event any) bool { return p.root.match(event, event) }

// Decode reads one JSON text, keeping numbers as they are written.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("trailing data after the document")
	}
	return v, nil
}
