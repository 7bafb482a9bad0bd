package main

import (
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// ofTests are variables that the tests of this module read. Whoever sets them runs
// runtimes too.
var ofTests = []string{"MILLRACE_LONG", "MILLRACE_NO_SKIP"}

// warnOfUnknown logs each variable named MILLRACE_… that is set and that nothing reads,
// with the one of the runtime's that it resembles most.
func warnOfUnknown(log *slog.Logger, commands *kong.Application, environ []string) {
	ours := variables(commands.Node)
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if value == "" || !strings.HasPrefix(name, "MILLRACE_") || slices.Contains(ours, name) || slices.Contains(ofTests, name) {
			continue
		}
		nearest := slices.MinFunc(ours, func(a, b string) int { return distance(name, a) - distance(name, b) })
		log.Warn("a variable that is not known has no effect; see runtime help start", "variable", name, "nearest", nearest)
	}
}

// unsetEmpty unsets those of the variables that are set to nothing, as compose files do
// with those that nobody gave: they mean the default, not a bad value.
func unsetEmpty(names []string) {
	for _, name := range names {
		if os.Getenv(name) == "" {
			os.Unsetenv(name)
		}
	}
}

// variables are the names of all variables that a command or those below it read.
func variables(n *kong.Node) (names []string) {
	for _, f := range n.Flags {
		names = append(names, f.Envs...)
	}
	for _, child := range n.Children {
		names = append(names, variables(child)...)
	}
	return names
}

// distance is how many letters must be put in, left out or replaced to make b of
// a (Levenshtein's).
func distance(a, b string) int {
	row := make([]int, len(b)+1) // of the first letters of a to the first of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := corner
			if a[i] != b[j] {
				replaced++
			}
			corner = row[j+1]
			row[j+1] = min(replaced, row[j]+1, corner+1)
		}
	}
	return row[len(b)]
}
