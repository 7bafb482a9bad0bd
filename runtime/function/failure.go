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
	if cut := cutText(text); cut != text {
		return cut + "…"
	}
	return text
}

// errorMessage is the message alone of the error that a function answered with, or
// the payload itself, cut short: what a dead letter says.
func errorMessage(payload []byte) string {
	var e struct{ ErrorMessage *string }
	if json.Unmarshal(payload, &e) == nil && e.ErrorMessage != nil {
		return cutText(*e.ErrorMessage)
	}
	return cutText(string(payload))
}

// cutText shortens a text to maxFailure bytes, between characters.
func cutText(s string) string {
	if len(s) <= maxFailure {
		return s
	}
	return strings.ToValidUTF8(s[:maxFailure], "")
}
