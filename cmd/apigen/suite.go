package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// A suite is a group of AWS's protocol test cases over one set of shapes.
type suite struct {
	Metadata metadata          `json:"metadata"`
	Shapes   map[string]*shape `json:"shapes"`
	Cases    []struct {
		Given operation `json:"given"`
	} `json:"cases"`
}

// readSuites makes one model of the files input/<protocol>.json and
// output/<protocol>.json in dir. The operation of a case is named for where it
// stands: Input4x0 is the first one of the fifth suite of the input file, and
// the cases after it that are given the same share it.
func readSuites(dir, protocol string) (*model, error) {
	m := &model{Operations: map[string]*operation{}, Shapes: map[string]*shape{}}
	for _, direction := range []string{"input", "output"} {
		b, err := os.ReadFile(filepath.Join(dir, direction, protocol+".json"))
		if err != nil {
			return nil, err
		}
		var suites []suite
		if err := json.Unmarshal(b, &suites); err != nil {
			return nil, fmt.Errorf("%s/%s: %w", direction, protocol, err)
		}
		for i, s := range suites {
			s.addTo(m, fmt.Sprintf("%s%d", exported(direction), i))
		}
		if direction == "input" {
			m.Metadata = suites[0].Metadata
		}
	}
	m.Metadata.Protocols = []string{protocol}
	m.Metadata.ServiceID = "Wiretest"
	return m, nil
}

// addTo adds a suite's operations and shapes under names that begin with prefix.
func (s *suite) addTo(m *model, prefix string) {
	for name, sh := range s.Shapes {
		sh.Streaming = false // the cases have whole bodies
		for _, r := range sh.refs() {
			r.inherit(s.Shapes[r.Shape])
			r.Shape = prefix + exported(r.Shape)
		}
		m.Shapes[prefix+exported(name)] = sh
	}
	for i := range s.Cases {
		op := s.Cases[i].Given
		if i > 0 && reflect.DeepEqual(op, s.Cases[i-1].Given) {
			continue
		}
		m.Operations[fmt.Sprintf("%sx%d", prefix, i)] = &op
	}
	for name, op := range m.Operations {
		if !strings.HasPrefix(name, prefix+"x") {
			continue
		}
		for _, r := range []**ref{&op.Input, &op.Output} {
			if *r != nil {
				own := **r
				own.Shape = prefix + exported(own.Shape)
				own.ResultWrapper = op.Name + "Result" // not of the name that it gets here
				if own.Payload != "" {
					m.Shapes[own.Shape].Payload = own.Payload
				}
				*r = &own
			}
		}
	}
}

// inherit takes over what the suites write at a shape and models at its uses.
func (r *ref) inherit(s *shape) {
	if r.Location == "" {
		r.Location = s.Location
	}
	if r.LocationName == "" && s.Type != "structure" {
		r.LocationName = s.LocationName
	}
}

func (s *shape) refs() (all []*ref) {
	for _, r := range []*ref{s.Member, s.Key, s.Value} {
		if r != nil {
			all = append(all, r)
		}
	}
	for _, r := range s.Members {
		all = append(all, r)
	}
	return all
}
