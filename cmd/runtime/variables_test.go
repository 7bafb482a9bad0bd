package main

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0},
		{"kitten", "sitting", 3}, {"MILLRACE_LISTN", "MILLRACE_LISTEN", 1}, {"MILLRACE_DATA_DIR", "MILLRACE_DATA", 4},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("from %q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func commands(t *testing.T) *kong.Application {
	t.Helper()
	k, err := kong.New(&cli{Start: newStartCmd()}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	return k.Model
}

func TestOnlyWhatIsSetAndUnknownIsWarnedOf(t *testing.T) {
	var text bytes.Buffer
	warnOfUnknown(slog.New(slog.NewTextHandler(&text, nil)), commands(t), []string{
		"MILLRACE_DATA=x", "MILLRACE_LISTN=x", "MILLRACE_EMPTY=", "MILLRACE_LONG=1", "OTHER=x",
	})
	if got := text.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "variable=MILLRACE_LISTN nearest=MILLRACE_LISTEN") {
		t.Errorf("got\n%s", got)
	}
}

// Compose files set a variable to nothing when nobody gave it: that is the default,
// whichever part the variable belongs to.
func TestEmptyVariablesAreUnset(t *testing.T) {
	names := variables(commands(t).Node)
	for _, name := range names {
		t.Setenv(name, "")
	}
	t.Setenv("MILLRACE_DATA", "kept")
	unsetEmpty(names)
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok != (name == "MILLRACE_DATA") {
			t.Errorf("%s is %q, set: %v", name, value, ok)
		}
	}
}

// The table of flags has every variable of runtime start, and the documents name none
// that nothing reads.
func TestVariablesAreDocumented(t *testing.T) {
	model := commands(t)
	known := slices.Concat(variables(model.Node), ofTests)
	inTable := map[string]bool{}
	const table = "../../deploy/README.md"
	for _, file := range []string{table, "../../README.md", "../../deploy/systemd/millrace.service"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`\b(MILLRACE|SQS)_[A-Z0-9_]+[A-Z]\b`).FindAllString(string(b), -1) {
			inTable[name] = inTable[name] || file == table
			if !slices.Contains(known, name) {
				t.Errorf("%s names %s, which nothing reads", file, name)
			}
		}
	}
	for _, command := range model.Children {
		if command.Name != "start" {
			continue
		}
		for _, name := range variables(command) {
			if !inTable[name] {
				t.Errorf("%s does not have %s", table, name)
			}
		}
	}
}

// What the tests read would be warned of if it were not in ofTests.
func TestVariablesOfTestsAreKnown(t *testing.T) {
	known := slices.Concat(variables(commands(t).Node), ofTests)
	read := map[string]bool{}
	call := regexp.MustCompile(`os\.(?:Getenv|LookupEnv)\("(MILLRACE_\w+)"\)`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range call.FindAllSubmatch(b, -1) {
			name := string(m[1])
			read[name] = true
			if !slices.Contains(known, name) {
				t.Errorf("%s reads %s: put it into ofTests", path, name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range ofTests {
		if !read[name] {
			t.Errorf("no test reads %s", name)
		}
	}
}
