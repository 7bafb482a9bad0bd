package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"millrace/cmd/runtime/app"
)

type versionCmd struct{}

// Run prints what a report of a bug should begin with.
func (versionCmd) Run(term terminal) error {
	_, err := fmt.Fprintf(term.out, "millrace   %s\ncommit     %s\ngo         %s\nplatform   %s/%s\n",
		app.Version, commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// commit is the commit that the binary was built from, as the go command noted
// it: it does so in a checkout, when git is installed.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	noted := map[string]string{}
	for _, s := range info.Settings {
		noted[s.Key] = s.Value
	}
	revision := cmp.Or(noted["vcs.revision"], "unknown")
	if noted["vcs.modified"] == "true" {
		revision += ", with changes"
	}
	return revision
}
