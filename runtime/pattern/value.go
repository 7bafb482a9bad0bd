package pattern

import (
	"encoding/json"
	"math"
	"strconv"
)

// A Value is a leaf in the form in which a dialect compares it: two leaves are the
// same to a literal item of a pattern if their Values are equal. It is a map key.
type Value struct {
	kind   kind
	text   string  // of a text, and of a number that is compared by its text
	number float64 // in the dialect's smallest steps
}

type kind uint8

const (
	ofNull kind = iota
	ofTrue
	ofFalse
	ofText
	ofNumber
	ofDigits // a number beyond the dialect's range
	ofOpaque
)

// Value is the form of a leaf: a string, a json.Number, a bool, nil or Opaque.
func (d *Dialect) Value(leaf any) Value {
	switch leaf := leaf.(type) {
	case string:
		return Value{kind: ofText, text: leaf}
	case json.Number:
		if n, ok := d.number(leaf); ok {
			return Value{kind: ofNumber, number: n}
		}
		return Value{kind: ofDigits, text: string(leaf)}
	case nil:
		return Value{}
	case bool:
		if leaf {
			return Value{kind: ofTrue}
		}
		return Value{kind: ofFalse}
	}
	return Value{kind: ofOpaque}
}

// number is a number's value, if the dialect compares it by value.
func (d *Dialect) number(n json.Number) (float64, bool) {
	x, err := strconv.ParseFloat(string(n), 64)
	if err != nil || x < -d.maxNumber || x > d.maxNumber {
		return 0, false
	}
	if d.steps > 0 {
		x = math.Round(x * d.steps)
	}
	return x, true
}

// A set is of Values.
type set struct {
	all  []Value // in the order of the pattern
	many map[Value]struct{}
}

// fewValues are quicker compared one by one.
const fewValues = 8

func (s *set) add(v Value) {
	if s.has(v) {
		return
	}
	s.all = append(s.all, v)
	switch {
	case s.many != nil:
		s.many[v] = struct{}{}
	case len(s.all) > fewValues:
		s.many = make(map[Value]struct{}, len(s.all))
		for _, v := range s.all {
			s.many[v] = struct{}{}
		}
	}
}

func (s *set) has(v Value) bool {
	if s.many != nil {
		_, ok := s.many[v]
		return ok
	}
	for i := range s.all {
		if s.all[i] == v {
			return true
		}
	}
	return false
}
