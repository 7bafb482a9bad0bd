// Package needs says what a test cannot do without, and skips it by name where
// that is missing.
package needs

import (
	"os"
	"testing"
)

// Long skips a test that takes long, unless make test-long runs it.
func Long(t testing.TB) {
	t.Helper()
	if !LongRuns() {
		t.Skip("takes long: make test-long runs it")
	}
}

// LongRuns reports whether tests that take long run now.
func LongRuns() bool { return os.Getenv("MILLRACE_LONG") != "" }

// Time skips a test that takes seconds, or processes of its own, when go test -short
// asks for the quick ones: make quick does.
func Time(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes a while: make test runs it")
	}
}

// That skips a test on a machine that lacks something, as err says; how says how
// to get it. Where MILLRACE_NO_SKIP is set, as in continuous integration, the
// test fails instead. A nil err does nothing.
func That(t testing.TB, err error, how string) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("MILLRACE_NO_SKIP") != "" {
		t.Fatalf("%v: %s", err, how)
	}
	t.Skipf("%v: %s", err, how)
}
