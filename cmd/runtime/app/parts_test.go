package app

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every service has its line among the parts, its model and its generated package, and
// there is none of these without the others.
func TestPartsAreTheServices(t *testing.T) {
	var want []string
	for _, p := range Parts() {
		want = append(want, p.Folder)
	}
	slices.Sort(want)
	for dir, known := range map[string][]string{
		"../../../services":                     {"admin", "gateway", "internal"},
		"../../../services/internal/api":        {"models"},
		"../../../services/internal/api/models": nil,
	} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			name := strings.TrimSuffix(e.Name(), ".json")
			if (e.IsDir() || name != e.Name()) && !slices.Contains(known, name) {
				got = append(got, name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has %v, the parts are %v", filepath.Base(dir), got, want)
		}
	}
}

// An opened part answers by the model of its folder, and counts things of its own.
func TestPartsOfferWhatTheySay(t *testing.T) {
	a, err := Start(t.Context(), Config{Listen: "127.0.0.1:0", Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	counted := map[string]string{}
	for i, p := range Parts() {
		o := a.offers[i]
		if got := o.Service.Model().SigningName; got != p.Folder {
			t.Errorf("%s answers as %s", p.Folder, got)
		}
		for pattern := range o.Routes {
			if !strings.Contains(pattern, "/_runtime/") {
				t.Errorf("%s: the route %s is not below /_runtime/", p.Name, pattern)
			}
		}
		if o.Status == nil {
			continue
		}
		counts, err := o.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range counts {
			if other := counted[c.Of]; other != "" {
				t.Errorf("%s and %s both count %s", other, p.Name, c.Of)
			}
			counted[c.Of] = p.Name
		}
	}
}
