package house

import (
	"slices"
	"testing"
)

// Another kind of source is an adapter and a line where the parts are joined: esm
// itself knows none.
func TestMappingsKnowNoKindOfSource(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath != "millrace/esm" {
			continue
		}
		for _, kind := range []string{"millrace/esm/source/sqs", "millrace/esm/source/rabbitmq", "millrace/runtime/queue", "millrace/runtime/bridge"} {
			if slices.Contains(p.Imports, kind) {
				t.Errorf("esm imports %s: what is particular to a kind of source belongs in its adapter", kind)
			}
		}
	}
}
