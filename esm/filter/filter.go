// Package filter is the pattern language of FilterCriteria, by which an event
// source mapping chooses the records its function sees.
//
// A pattern is a JSON object of the shape of a record. Its leaves are arrays of
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
// Lambda documents this as EventBridge's language, less wildcard and cidr, and
// for SQS promises filters on the body alone; here those operators, and all
// fields of a record, are understood too. Details follow AWS's open Event Ruler:
//
//   - an array in the record stands for each of its elements, and fields of one
//     nested pattern must hold in the same element
//   - exists asks about leaves: an object is none, and an empty array holds none
//   - anything-but wants the field to be there; null will do
//   - of a key given twice the last one counts
//   - a literal number matches the same text, and within ±5e9 the same value: so
//     300 matches 300.0, as recorded from AWS, whatever EventBridge's guide says
//
// A [Filter] is pure and safe for concurrent use.
package filter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"millrace/runtime/fault"
)

// Limits of FilterCriteria. AWS raises the first to ten on request.
const (
	MaxFilters = 5
	MaxPattern = 4096 // characters of one pattern
)

// A Filter is a compiled FilterCriteria. The nil *Filter passes everything.
type Filter struct {
	payload  string // the record's field that holds the payload
	patterns []object
	inside   bool // some pattern looks into the payload
	outside  bool // some pattern looks at other fields
}

// Compile reads patterns. payload names the field of the record whose text is
// the payload: "body" for SQS, "data" for Amazon MQ. No patterns make a nil
// Filter. What AWS refuses is fault.Invalid in AWS's words, with the reason as
// the cause.
func Compile(payload string, patterns []string) (*Filter, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	if len(patterns) > MaxFilters {
		return nil, invalid(fmt.Errorf("%d filters, of at most %d", len(patterns), MaxFilters))
	}
	f := &Filter{payload: payload}
	for _, text := range patterns {
		p, err := parse(text)
		if err != nil {
			return nil, invalid(err)
		}
		f.patterns = append(f.patterns, p)
		f.note(p)
	}
	return f, nil
}

func parse(text string) (object, error) {
	if n := utf8.RuneCountInString(text); n > MaxPattern {
		return object{}, fmt.Errorf("a pattern of %d characters, of at most %d", n, MaxPattern)
	}
	v, err := decode([]byte(text))
	if err != nil {
		return object{}, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return object{}, errors.New("the pattern is not an object")
	}
	return compileObject(m, nil, false)
}

func invalid(reason error) error {
	return fault.Wrap(fault.Invalid, reason, "Invalid filter pattern definition.")
}

// note remembers which parts of a record the pattern looks at.
func (f *Filter) note(p object) {
	for _, field := range p.fields {
		if field.key == f.payload {
			f.inside = true
		} else {
			f.outside = true
		}
	}
	for _, alternatives := range p.or {
		for _, a := range alternatives {
			f.note(a)
		}
	}
}

// Match reports whether a record passes. record is its event JSON, payload its
// payload as decoded text. A payload that is a JSON object or array is matched
// field by field, any other as one string: so a pattern for fields drops a
// plain text, and a pattern for a text drops a JSON object.
//
// Only what the patterns mention is looked at, so a Filter on the payload alone
// never reads record.
func (f *Filter) Match(record []byte, payload string) bool {
	if f == nil {
		return true
	}
	event := map[string]any{}
	if f.outside {
		v, err := decode(record)
		if err != nil {
			return false
		}
		event, _ = v.(map[string]any)
		if event == nil {
			return false
		}
	}
	if f.inside {
		if !utf8.ValidString(payload) {
			return false
		}
		event[f.payload] = understand(payload)
	}
	for _, p := range f.patterns {
		if p.match(event, event) {
			return true
		}
	}
	return false
}

// understand is the payload as patterns see it.
func understand(payload string) any {
	v, err := decode([]byte(payload))
	if err == nil {
		switch v.(type) {
		case map[string]any, []any:
			return v
		}
	}
	return payload
}

// decode reads one JSON text, keeping numbers as they are written.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON text")
	}
	return v, nil
}
