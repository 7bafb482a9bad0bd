package function

import (
	"cmp"
	"encoding/json"
	"strings"
)

// maxFailure is how much of a function's error is told, in bytes: what AWS puts
// into a dead letter's ErrorMessage.
const maxFailure = 1024

// Failure tells the error that a function answered with, for a log: its type and
// message when it has Lambda's usual form, else the payload itself, cut short.
func Failure(payload []byte) string {
	var e struct{ ErrorType, ErrorMessage string }
	text := string(payload)
	if json.Unmarshal(payload, &e) == nil && cmp.Or(e.ErrorType, e.ErrorMessage) != "" {
		text = e.ErrorMessage
		if e.ErrorType != "" {
			text = strings.TrimSuffix(e.ErrorType+": "+e.ErrorMessage, ": ")
		}
	}
	if len(text) > maxFailure {
		text = strings.ToValidUTF8(text[:maxFailure], "") + "…"
	}
	return text
}
