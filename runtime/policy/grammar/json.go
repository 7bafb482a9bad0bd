package grammar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// decode reads one JSON value without unknown members.
func decode(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// checkDuplicates checks that text is one JSON value in which no object has a member
// twice. Names that differ by their case alone count as one, as they do for
// encoding/json.
func checkDuplicates(text string) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := value(d, 0); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("trailing data after the document")
	}
	return nil
}

// maxDepth is how deep values may be nested; no policy needs more than seven. Each level
// takes some of the stack, whose overflow would end the process, and the decoder's tokens
// have no bound of their own.
const maxDepth = 100

// value reads one value from d, whatever is in it, inside of depth others.
func value(d *json.Decoder, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("values nested deeper than %d levels", maxDepth)
	}
	start, err := d.Token()
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for start == json.Delim('{') || start == json.Delim('[') {
		if !d.More() {
			_, err := d.Token() // the closing bracket
			return err
		}
		if start == json.Delim('{') {
			name, err := d.Token()
			if err != nil {
				return err
			}
			folded := strings.ToLower(strings.ToUpper(name.(string))) // either alone leaves ſ or K (kelvin) apart
			if names[folded] {
				return fmt.Errorf("duplicate member %q", name)
			}
			names[folded] = true
		}
		if err := value(d, depth+1); err != nil {
			return err
		}
	}
	return nil
}
