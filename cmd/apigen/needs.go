package main

import (
	"reflect"
	"slices"
	"strings"
)

// Needs are what a request must have beside a method, a path and a fixed query string,
// for an operation to be meant: required members of its input that others of the same
// route do not require. So PUT with the header x-amz-copy-source is CopyObject, and
// else PutObject.
type needs struct {
	Query   []string `json:"query,omitempty"`
	Headers []string `json:"headers,omitempty"`
}

// tellApart gives needs to the operations that have a route in common, and to those
// whose route says no more than a method and a path: POST of an object is nothing
// without an uploadId.
func (m *model) tellApart() {
	groups := map[http][]*operation{}
	for _, op := range m.Operations {
		at := http{Method: op.HTTP.Method, RequestURI: op.HTTP.RequestURI}
		groups[at] = append(groups[at], op)
	}
	for at, group := range groups {
		if len(group) < 2 && strings.Contains(at.RequestURI, "?") {
			continue
		}
		for _, op := range group {
			if n := m.required(op); len(n.Query)+len(n.Headers) > 0 {
				op.Needs = &n
			}
		}
	}
}

// required are the required parameters and headers of an operation.
func (m *model) required(op *operation) (n needs) {
	if op.Input == nil {
		return n
	}
	sh := m.Shapes[op.Input.Shape]
	for _, name := range sh.memberNames() {
		r := sh.Members[name]
		if !slices.Contains(sh.Required, name) {
			continue
		}
		switch r.Location {
		case "querystring":
			n.Query = append(n.Query, r.LocationName)
		case "header":
			n.Headers = append(n.Headers, r.LocationName)
		}
	}
	return n
}

// sharesRoute reports whether no request can tell op from one of the operations.
func (m *model) sharesRoute(op *operation, operations []string) bool {
	return slices.ContainsFunc(operations, func(name string) bool {
		other := m.Operations[name]
		return other != op && other.HTTP.Method == op.HTTP.Method && other.HTTP.RequestURI == op.HTTP.RequestURI && reflect.DeepEqual(other.Needs, op.Needs)
	})
}

// dropOldNames removes the deprecated names of supported operations.
func (m *model) dropOldNames(operations []string) {
	for name, op := range m.Operations {
		if op.Deprecated && !slices.Contains(operations, name) && m.sharesRoute(op, operations) {
			delete(m.Operations, name)
		}
	}
}
