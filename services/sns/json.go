package sns

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// parseObject reads the JSON object that an attribute holds; nil for "".
func parseObject(name, text string) (map[string]json.RawMessage, error) {
	if text == "" {
		return nil, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
		return nil, badAttribute("%s: failed to parse JSON.", name)
	}
	return object, nil
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
