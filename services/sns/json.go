package sns

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// parseObject reads the JSON object that an attribute holds; nil for "".
func parseObject(name, text string) (map[string]json.RawMessage, error) {
	if text == "" {
		return nil, nil
	}
	var object map[string]json.RawMessage
	d := json.NewDecoder(strings.NewReader(text))
	err := d.Decode(&object)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			if object != nil {
				return object, nil
			}
			err = nil // the text is null
		}
	}
	return nil, badAttribute("%s: failed to parse JSON.%s", name, unexpected(text, err))
}

// unexpected tells where a text stops being JSON, in the words of the parser that AWS
// uses; "" if that is not known.
func unexpected(text string, err error) string {
	at := 0
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = int(e.Offset) - 1
	}
	if at < 0 || at >= len(text) {
		return ""
	}
	r, _ := utf8.DecodeRuneInString(text[at:])
	if at == 0 || text[at-1] != '{' {
		return fmt.Sprintf(" Unexpected character ('%c' (code %d))", r, r)
	}
	return fmt.Sprintf(" Unexpected character ('%c' (code %d)): was expecting double-quote to start field name"+
		"\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d]",
		r, r, 1+strings.Count(text[:at], "\n"), at-strings.LastIndexByte(text[:at], '\n'))
}

// sameText reports whether two values of an attribute are the same: as texts, or as the
// JSON that they are.
func sameText(a, b string) bool {
	if a == b {
		return true
	}
	x, okX := decode(a)
	y, okY := decode(b)
	return okX && okY && reflect.DeepEqual(x, y)
}

// decode reads JSON, with numbers as they are written.
func decode(text string) (v any, ok bool) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	return v, d.Decode(&v) == nil && !d.More()
}
