// Package house checks the rules that the whole tree lives by.
package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"millrace/cmd/runtime/app"
)

// rank grows toward the process; imports may only point to a lower rank, or
// stay on their own.
var rank = map[string]int{"runtime": 0, "esm": 1, "services": 2, "cmd": 3, "test": 4}

type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		for _, dep := range p.Imports {
			if !ours(dep) {
				continue
			}
			from, to := top(p.ImportPath), top(dep)
			if from == "functions" || to == "functions" {
				t.Errorf("%s imports %s: functions are deployed, never linked", p.ImportPath, dep)
			}
			if rank[to] > rank[from] {
				t.Errorf("%s imports %s: arrows go test → cmd → services → esm → runtime", p.ImportPath, dep)
			}
		}
	}
}

// A service speaks to clients, never to another service: what two of them
// share lives below them.
func TestServicesDoNotMeet(t *testing.T) {
	isService := map[string]bool{} // the rest of services/ is what they share
	for _, p := range app.Parts() {
		isService[p.Folder] = true
	}
	for _, p := range packages(t) {
		name, _ := serviceOf(p.ImportPath)
		if !isService[name] {
			continue
		}
		for _, dep := range p.Imports {
			if other, ok := serviceOf(dep); ok && other != name && other != "internal" {
				t.Errorf("%s imports %s: services never import each other", p.ImportPath, dep)
			}
		}
	}
}

// Changing the log's engine is a matter of one package.
func TestOnlyBackboneKnowsTheServer(t *testing.T) {
	for _, p := range packages(t) {
		if strings.HasPrefix(p.ImportPath, "millrace/runtime/store/backbone") {
			continue
		}
		for _, list := range [][]string{p.Imports, p.TestImports, p.XTestImports} {
			for _, dep := range list {
				if strings.HasPrefix(dep, "github.com/nats-io/nats-server/") {
					t.Errorf("%s imports %s: runtime/store/backbone is its only importer", p.ImportPath, dep)
				}
			}
		}
	}
}

// rooms ranks the folders inside runtime/, from the ground up. An import stays in
// its room or points to a lower rank, never across.
//
// The queue's machine stands below delivery, which stands on it; every other noun
// hands its events to delivery, and stands above.
var rooms = map[string]int{
	"fault": 0,
	"arn":   1, "lifecycle": 1, "telemetry": 1, "capacity": 1,
	"pattern": 2, "policy": 2,
	"store":   3,
	"sandbox": 4, "workers": 4, "ca": 4, "bridge": 4,
	"queue":    5,
	"delivery": 6,
	"function": 7, "topic": 7, "object": 7, "broker": 7, "secret": 7, "identity": 7, "logs": 7, "metric": 7,
}

func TestRoomsOfTheRuntimeAreRanked(t *testing.T) {
	for _, p := range packages(t) {
		from, ok := roomOf(p.ImportPath)
		if !ok {
			continue
		}
		if _, ranked := rooms[from]; !ranked {
			t.Errorf("%s is in a room without a rank: give runtime/%s one", p.ImportPath, from)
		}
		for _, dep := range p.Imports {
			if to, ok := roomOf(dep); ok && to != from && rooms[to] >= rooms[from] {
				t.Errorf("%s imports %s: runtime/%s is not below runtime/%s", p.ImportPath, dep, to, from)
			}
		}
	}
}

// A service translates. What it would remember is a noun's in runtime/.
func TestServicesKeepNoState(t *testing.T) {
	for _, p := range packages(t) {
		if _, ok := serviceOf(p.ImportPath); !ok {
			continue
		}
		for _, dep := range p.Imports {
			if dep == "millrace/runtime/store/record" || strings.HasPrefix(dep, "millrace/runtime/store/backbone") {
				t.Errorf("%s imports %s: state belongs in runtime/", p.ImportPath, dep)
			}
		}
	}
}

// packages lists the module's packages once.
func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "millrace/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("reading go list: %v", err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list found %d packages: too few to be the tree", len(all))
	}
	return all
}

func ours(path string) bool { return strings.HasPrefix(path, "millrace/") }

func top(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "millrace/"), "/")
	return first
}

// roomOf is the folder of runtime/ that a package is in.
func roomOf(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "millrace/runtime/")
	first, _, _ := strings.Cut(rest, "/")
	return first, ok
}

func serviceOf(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "millrace/services/")
	first, _, _ := strings.Cut(rest, "/")
	return first, ok
}
