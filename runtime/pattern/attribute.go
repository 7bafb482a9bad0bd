package pattern

import (
	"encoding/json"
	"strconv"
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
		return numberAttribute(value)
	}
	return Opaque
}

// numberAttribute takes what JSON takes for a number, and beyond that a sign, leading
// zeros and a bare point.
func numberAttribute(value string) any {
	if strings.Trim(value, "+-.0123456789eE") != "" {
		return Opaque
	}
	x, err := strconv.ParseFloat(value, 64)
	switch {
	case json.Valid([]byte(value)):
		return json.Number(value)
	case err != nil:
		return Opaque
	}
	return json.Number(strconv.FormatFloat(x, 'f', -1, 64))
}
