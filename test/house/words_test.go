package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The value of each is what to write instead, which is the reason too: a reader who
// searches for the usual word has to find it.
var (
	sentences = map[string]string{
		"is not imitated":                  "is not supported by Millrace",
		"tells whether":                    "reports whether",
		"text after the document":          "trailing data after the document",
		"what another node said":           "malformed message from another node",
		"The caller has left":              "the caller canceled the request",
		"the answer broke off":             "response truncated",
		"processed records may come again": "acknowledging records failed; they will be redelivered",
		"fits gateway.Service":             "implements gateway.Service",
	}

	// An operator filters all logs by one attribute.
	otherErrorAttribute = regexp.MustCompile(`"(error|Error|cause)",\s*\w*[eE]rr\b|slog\.\w+\("error"`)

	comment = regexp.MustCompile(`\s*\n\s*(//)?\s*`)
)

func TestTheFieldsWords(t *testing.T) {
	for _, tree := range []string{"runtime", "esm", "services", "cmd"} {
		err := filepath.WalkDir(filepath.Join("../..", tree), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".gen.go") {
				return err
			}
			code, err := os.ReadFile(path)
			if at := otherErrorAttribute.Find(code); at != nil {
				t.Errorf("%s: %s: the attribute of errors in logs is \"err\"", path, at)
			}
			text := comment.ReplaceAllString(string(code), " ")
			for old, better := range sentences {
				if strings.Contains(text, old) {
					t.Errorf("%s: write %q instead of %q", path, better, old)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
