package conformance

import (
	"maps"
	"slices"
	"testing"

	"millrace/cmd/runtime/app"
)

// ofEachService fails the test unless m has what it is to have of each service, by the
// service's folder, and of nothing else.
func ofEachService[V any](t *testing.T, m map[string]V) {
	t.Helper()
	var want []string
	for _, p := range app.Parts() {
		want = append(want, p.Folder)
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(m)); !slices.Equal(got, want) {
		t.Errorf("this test knows %v, the services are %v", got, want)
	}
}
