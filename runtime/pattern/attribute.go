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
//
// A pattern has to escape quotation marks and backslashes of a text twice, so they
// are escaped once here (Amazon SNS Developer Guide, "Filter policy constraints").
func Attribute(dataType, value string) any {
	kind, _, _ := strings.Cut(dataType, ".")
	switch {
	case dataType == "String.Array":
		return arrayAttribute(value)
	case kind == "String":
		return escape(value)
	case kind == "Number":
		return numberAttribute(value)
	}
	return Opaque
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func escape(text string) string {
	if !strings.ContainsAny(text, `\"`) {
		return text
	}
	return escaper.Replace(text)
}

// arrayAttribute takes the texts, numbers, booleans and nulls of a JSON array.
func arrayAttribute(value string) any {
	if list, ok := plainArray(value); ok {
		return list
	}
	v, err := Decode([]byte(value))
	list, ok := v.([]any)
	if err != nil || !ok {
		return Opaque
	}
	scalars := list[:0]
	for _, member := range list {
		switch member := member.(type) {
		case []any, map[string]any:
		case string:
			scalars = append(scalars, escape(member))
		default:
			scalars = append(scalars, member)
		}
	}
	return scalars
}

// plainArray takes a JSON array of scalars without escapes, as most are, apart in a
// fraction of the time that Decode needs.
func plainArray(value string) (list []any, ok bool) {
	const space = " \t\r\n"
	inside := strings.Trim(value, space)
	if !strings.HasPrefix(inside, "[") || strings.ContainsAny(inside[1:], `[{\`) || !json.Valid([]byte(value)) {
		return nil, false
	}
	inside = strings.Trim(inside[1:len(inside)-1], space)
	list = make([]any, 0, 1+strings.Count(inside, ","))
	for inside != "" {
		var member string
		if text, isText := strings.CutPrefix(inside, `"`); isText {
			member, inside, _ = strings.Cut(text, `"`)
			list = append(list, member)
			_, inside, _ = strings.Cut(inside, ",")
		} else {
			member, inside, _ = strings.Cut(inside, ",")
			switch member = strings.Trim(member, space); member {
			case "null":
				list = append(list, nil)
			case "true", "false":
				list = append(list, member == "true")
			default:
				list = append(list, json.Number(member))
			}
		}
		inside = strings.TrimLeft(inside, space)
	}
	return list, true
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
