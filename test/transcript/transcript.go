// Package transcript plays conversations with a machine: files of commands, each
// followed by a line ---- and what came of it, that are reviewed as prose.
package transcript

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the answers in the transcripts")

// Play retells each transcript that the pattern matches, in a subtest of its own, and
// fails those that come out otherwise; with -update it rewrites them.
func Play(t *testing.T, pattern string, retell func(t *testing.T, text string) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := retell(t, string(text))
			switch {
			case got == string(text):
			case *update:
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			default:
				t.Errorf("it now says:\n%s", got)
			}
		})
	}
}

// Blocks are the blocks of a transcript: what was asked in each, without its answer.
func Blocks(text string) (asked []string) {
	for _, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		ask, _, _ := strings.Cut(block, "\n----")
		asked = append(asked, ask)
	}
	return asked
}
