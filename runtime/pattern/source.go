package pattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Decode reads one JSON text, keeping numbers as they are written.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if len(bytes.Trim(text[d.InputOffset():], " \t\r\n")) > 0 {
		return nil, errors.New("trailing data after the document")
	}
	return v, nil
}

// A node is a part of a pattern's text. Where it stands is for refusals.
type node struct {
	value      any      // a leaf: string, json.Number, bool or nil
	members    []member // of an object, as they stand
	items      []node   // of an array
	delim      json.Delim
	start, end int // offsets in bytes
}

type member struct {
	key string
	node
}

func (n *node) isObject() bool { return n.delim == '{' }
func (n *node) isArray() bool  { return n.delim == '[' }

// read is how far a reader has come that goes token by token, and reads texts when
// they are asked for: behind the first character of a text, object or array, and
// behind any other value.
func (n *node) read() int {
	if _, isText := n.value.(string); isText || n.delim != 0 {
		return n.start + 1
	}
	return n.end
}

// token is the node as it begins in the text.
func (n *node) token() string {
	switch {
	case n.delim != 0:
		return n.delim.String()
	case n.value == nil:
		return "null"
	}
	return fmt.Sprint(n.value)
}

// parseNode reads a text that Decode can read.
func parseNode(text string) node {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return nextNode(d, text)
}

func nextNode(d *json.Decoder, text string) node {
	start := int(d.InputOffset())
	token, _ := d.Token()
	n := node{value: token, end: int(d.InputOffset())}
	n.start = start + len(text[start:n.end]) - len(strings.TrimLeft(text[start:n.end], " \t\r\n,:"))
	delim, ok := token.(json.Delim)
	if !ok {
		return n
	}
	n.value, n.delim = nil, delim
	for d.More() {
		if n.isArray() {
			n.items = append(n.items, nextNode(d, text))
			continue
		}
		key := nextNode(d, text)
		name, _ := key.value.(string)
		n.members = append(n.members, member{name, nextNode(d, text)})
	}
	_, _ = d.Token() // its end
	n.end = int(d.InputOffset())
	return n
}

// shownSource is how much of a pattern a position quotes, in UTF-16 units.
const shownSource = 500

// position names an offset in the way of AWS's JSON parser: what SNS and
// EventBridge add to the reason of a refusal.
func position(text string, offset int) string {
	before := text[:min(offset, len(text))]
	line, column := 1+strings.Count(before, "\n"), 1+len(utf16.Encode([]rune(before[strings.LastIndexByte(before, '\n')+1:])))
	shown, rest := utf16.Encode([]rune(text)), ""
	if len(shown) > shownSource {
		rest = fmt.Sprintf("[truncated %d chars]", len(shown)-shownSource)
		shown = shown[:shownSource]
	}
	return fmt.Sprintf("\n at [Source: (String)\"%s\"%s; line: %d, column: %d]", string(utf16.Decode(shown)), rest, line, column)
}

const noValue = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

// syntaxReasons are what AWS's JSON parser says instead of ours, by what ours says.
var syntaxReasons = []struct{ ours, theirs string }{
	{"looking for beginning of object key string", "was expecting double-quote to start field name"},
	{"after object key:value pair", "was expecting comma to separate Object entries"},
	{"after object key", "was expecting a colon to separate field name and value"},
	{"after array element", "was expecting comma to separate Array entries"},
	{"looking for beginning of value", "expected a valid value " + noValue},
}

// malformed is the refusal of a text that err kept Decode from reading.
func malformed(text string, err error) error {
	refuse := func(at int, format string, args ...any) error {
		return &Error{"failed to parse JSON. " + fmt.Sprintf(format, args...), position(text, at)}
	}
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok || syntax.Offset < 1 || int(syntax.Offset) > len(text) {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return refuse(len(text), "Unexpected end-of-input")
		}
		return refuse(len(text), "%s", err)
	}
	at := int(syntax.Offset) - 1
	ours := err.Error()
	if from, to := word(text, at); to > from && (strings.Contains(ours, "beginning of value") || strings.Contains(ours, "in literal")) {
		return refuse(to, "Unrecognized token '%s': was expecting %s", text[from:to], noValue)
	}
	c, size := utf8.DecodeRuneInString(text[at:])
	for _, r := range syntaxReasons {
		if strings.Contains(ours, r.ours) {
			return refuse(at+size, "Unexpected character ('%c' (code %d)): %s", c, c, r.theirs)
		}
	}
	return refuse(at+size, "%s", ours)
}

// word is where the letters around an offset begin and end.
func word(text string, at int) (from, to int) {
	other := func(r rune) bool { return !unicode.IsLetter(r) }
	from, to = strings.LastIndexFunc(text[:at], other)+1, len(text)
	if end := strings.IndexFunc(text[at:], other); end >= 0 {
		to = at + end
	}
	return from, to
}
