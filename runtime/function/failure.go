package function

import (
	"cmp"
	"encoding/json"
	"strings"
)

// maxFailure bounds the text of a function error, in bytes, as AWS bounds a dead
// letter's ErrorMessage.
const maxFailure = 1024

// Failure describes a function error for a log: its type and message if the payload has
// Lambda's usual form, else the payload itself, truncated.
func Failure(payload []byte) string {
	var e struct{ ErrorType, ErrorMessage string }
	text := string(payload)
	if json.Unmarshal(payload, &e) == nil && cmp.Or(e.ErrorType, e.ErrorMessage) != "" {
		text = e.ErrorMessage
		if e.ErrorType != "" {
			text = strings.TrimSuffix(e.ErrorType+": "+e.ErrorMessage, ": ")
		}
	}
	if cut := truncate(text); cut != text {
		return cut + "…"
	}
	return text
}

// errorMessage is the errorMessage of a function error, or else the payload itself,
// truncated: the text of a dead letter.
func errorMessage(payload []byte) string {
	var e struct{ ErrorMessage *string }
	if json.Unmarshal(payload, &e) == nil && e.ErrorMessage != nil {
		return truncate(*e.ErrorMessage)
	}
	return truncate(string(payload))
}

// truncate shortens a text to at most maxFailure bytes of whole characters.
func truncate(s string) string {
	if len(s) <= maxFailure {
		return s
	}
	return strings.ToValidUTF8(s[:maxFailure], "")
}
