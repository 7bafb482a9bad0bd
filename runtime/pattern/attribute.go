package pattern

import (
	"encoding/json"
	"strings"
)

type opaque struct{}

// Opaque is a leaf that is there and has no value to compare: exists alone matches it.
var Opaque any = opaque{}

// Attribute is a message attribute as patterns in SNSAttributes see it, by its data
// type: text for String, a number for Number, the members of a String.Array, and
// Opaque for Binary and for what does not fit its type. A custom label, as in
// Number.cents, does not matter.
func Attribute(dataType, value string) any {
	kind, _, _ := strings.Cut(dataType, ".")
	switch {
	case dataType == "String.Array":
		if list, err := Decode([]byte(value)); err == nil {
			if list, ok := list.([]any); ok {
				return list
			}
		}
	case kind == "String":
		return value
	case kind == "Number":
		if n, err := Decode([]byte(strings.TrimPrefix(value, "+"))); err == nil {
			if n, ok := n.(json.Number); ok {
				return n
			}
		}
	}
	return Opaque
}
