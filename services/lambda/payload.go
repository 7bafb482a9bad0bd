package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// payload checks an event: JSON of at most limit bytes, none meaning {}.
func payload(b []byte, limit int, operation string) ([]byte, error) {
	if len(b) > limit {
		return nil, tooLarge("Request must be smaller than %d bytes for the %s operation", limit, operation)
	}
	if len(b) == 0 {
		return []byte("{}"), nil
	}
	if !json.Valid(b) || !utf8.Valid(b) {
		return nil, badContent("Could not parse request body into json: Could not parse payload into json: %s", complaint(b))
	}
	return b, nil
}

const values = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

// expectations are what Jackson, the parser behind Lambda's front door, says in
// the place of what Go's says, which ends like this.
var expectations = []struct{ ours, theirs string }{
	{"looking for beginning of value", "expected a valid value " + values},
	{"looking for beginning of object key string", "was expecting double-quote to start field name"},
	{"after object key", "was expecting a colon to separate field name and value"},
	{"after object key:value pair", "was expecting comma to separate Object entries"},
	{"after array element", "was expecting comma to separate Array entries"},
}

// complaint says what is wrong with text that is no JSON, in Jackson's words for
// the commonest mistakes: bare words, quotes that a shell took away, missing ends.
func complaint(b []byte) string {
	var wrong *json.SyntaxError
	if !errors.As(json.Unmarshal(b, new(any)), &wrong) {
		return misencoded(b)
	}
	at := max(int(wrong.Offset)-1, 0)
	said := wrong.Error()
	if strings.HasPrefix(said, "unexpected end") {
		return "Unexpected end-of-input" + place(b, len(b))
	}
	bareWord := strings.Contains(said, "in literal ")
	for bareWord && at > 0 && 'a' <= b[at-1] && b[at-1] <= 'z' { // it began like true, false or null
		at--
	}
	r, _ := utf8.DecodeRune(b[at:])
	if bareWord || unicode.IsLetter(r) && strings.HasSuffix(said, "beginning of value") {
		return fmt.Sprintf("Unrecognized token '%s': was expecting %s%s", word(b[at:]), values, place(b, at))
	}
	for _, e := range expectations {
		if strings.HasSuffix(said, e.ours) {
			return fmt.Sprintf("Unexpected character ('%c' (code %d)): %s%s", r, r, e.theirs, place(b, at))
		}
	}
	return said + place(b, at)
}

// misencoded says which byte keeps well-formed JSON from being UTF-8: encoding/json
// lets it pass, Jackson does not.
func misencoded(b []byte) string {
	at := 0
	for {
		r, n := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		at += n
	}
	kind := "start"
	if 0xC0 <= b[at] && b[at] < 0xF8 { // it leads, and what follows is not what it leads to
		kind, at = "middle", at+1
		for !utf8.RuneStart(b[at]) { // the string's closing quote, at the latest, is one
			at++
		}
	}
	return fmt.Sprintf("Invalid UTF-8 %s byte 0x%x", kind, b[at]) + place(b, at)
}

// word is what b begins with, as far as it is letters and digits.
func word(b []byte) string {
	end := strings.IndexFunc(string(b), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '$' })
	if end < 0 {
		end = len(b)
	}
	return string(b[:min(end, 256)])
}

// place is where the mistake is, counted from 1.
func place(b []byte, at int) string {
	before := string(b[:at])
	line := strings.Count(before, "\n") + 1
	column := at - strings.LastIndexByte(before, '\n')
	return fmt.Sprintf("\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d]", line, column)
}
