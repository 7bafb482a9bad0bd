package wire

import (
	"encoding/json"
	"strings"
)

// PlainJSON is v in JSON as AWS prints documents that members hold, such as
// policies: with <, > and & as they are.
func PlainJSON(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}
