package app

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
)

// Every service has its line among the parts, its folder, its model with options and its
// generated package, and there is none of these without the others.
func TestPartsAreTheServices(t *testing.T) {
	var want []string
	for _, p := range Parts() {
		want = append(want, p.Folder)
	}
	slices.Sort(want)
	const folder = "/" // a name ends so that is a folder's
	for _, tt := range []struct {
		dir, suffix string
		others      []string
	}{
		{"../../../services", folder, []string{"admin", "gateway", "internal"}},
		{"../../../services/internal/api", folder, []string{"models"}},
		{"../../../services/internal/api/models", ".options.json", nil},
		{"../../../services/internal/api/models", ".json", nil},
	} {
		entries, err := os.ReadDir(tt.dir)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			name := e.Name()
			if e.IsDir() {
				name += folder
			}
			if name, ok := strings.CutSuffix(name, tt.suffix); ok && !slices.Contains(tt.others, name) && !strings.HasSuffix(name, ".options") {
				got = append(got, name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s/*%s are of %v, the parts are %v", tt.dir, tt.suffix, got, want)
		}
	}
}

// An opened part answers by the model of its folder, and counts things of its own.
func TestPartsOfferWhatTheySay(t *testing.T) {
	a := New(Config{Listen: "127.0.0.1:0", Data: t.TempDir()})
	if err := a.Start(t.Context()); err != nil {
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

// The picture in the README has each service in the box of the gateway.
func TestReadmeDrawsTheParts(t *testing.T) {
	b, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, box, _ := strings.Cut(string(b), "│ gateway ")
	box, _, _ = strings.Cut(box, "└")
	drawn := strings.Fields(box)
	for _, p := range Parts() {
		if !slices.Contains(drawn, p.Folder) {
			t.Errorf("the README does not draw %s", p.Folder)
		}
	}
}
