package pattern

import (
	"unicode/utf8"
)

// Limits of FilterCriteria. AWS raises the first to ten on request.
const (
	MaxFilters = 5
	MaxPattern = 4096 // characters of one pattern
)

// A Filter is the compiled FilterCriteria of an event source mapping: patterns in
// Lambda's dialect, for records with a payload. The nil *Filter passes everything.
type Filter struct {
	payload  string // the record's field that holds the payload
	patterns []*Pattern
	inside   bool // some pattern looks into the payload
	outside  bool // some pattern looks at other fields
}

// CompileFilter reads patterns. payload names the field of the record whose text is
// the payload: "body" for SQS, "data" for Amazon MQ. No patterns make a nil
// Filter. What Lambda refuses is an *Error.
func CompileFilter(payload string, patterns []string) (*Filter, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	if len(patterns) > MaxFilters {
		return nil, refuse("%d filters, of at most %d", len(patterns), MaxFilters)
	}
	f := &Filter{payload: payload}
	for _, text := range patterns {
		p, err := Parse(Lambda, text)
		if err != nil {
			return nil, err
		}
		f.patterns = append(f.patterns, p)
		f.note(p.root)
	}
	return f, nil
}

// note remembers which parts of a record the pattern looks at.
func (f *Filter) note(p *object) {
	for i := range p.fields {
		if p.fields[i].key == f.payload {
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
		v, err := Decode(record)
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
		if p.Match(event) {
			return true
		}
	}
	return false
}

// understand is the payload as patterns see it.
func understand(payload string) any {
	v, err := Decode([]byte(payload))
	if err == nil {
		switch v.(type) {
		case map[string]any, []any:
			return v
		}
	}
	return payload
}
