package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Additions are operations and shapes in the model's own format. A structure that the
// model has gets the members that it lacks; its required members stay what they are.
type additions struct {
	Operations map[string]*operation `json:"operations"`
	Shapes     map[string]*shape     `json:"shapes"`
}

// addTo puts the additions into a whole model, or into one that has them.
func (a additions) addTo(m *model) error {
	for _, name := range slices.Sorted(maps.Keys(a.Operations)) {
		if have := m.Operations[name]; have != nil && !reflect.DeepEqual(have, a.Operations[name]) {
			return fmt.Errorf("additions: the model has another operation %s", name)
		}
		m.Operations[name] = a.Operations[name]
	}
	for _, name := range slices.Sorted(maps.Keys(a.Shapes)) {
		added, have := a.Shapes[name], m.Shapes[name]
		switch {
		case have == nil:
			m.Shapes[name] = added
			continue
		case reflect.DeepEqual(have, added):
			continue
		case have.Type != "structure" || added.Type != "structure":
			return fmt.Errorf("additions: the model has another shape %s", name)
		}
		for member, r := range added.Members {
			if other := have.Members[member]; other != nil && !reflect.DeepEqual(other, r) {
				return fmt.Errorf("additions: the model has another member %s of %s", member, name)
			}
			have.Members[member] = r
		}
	}
	return nil
}
