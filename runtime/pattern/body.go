package pattern

import (
	"maps"
	"slices"
	"strings"
)

// maxDots bounds the fields that are made of dotted names: a body with more dots in
// its names is matched as it stands, and a small text cannot become a large tree.
const maxDots = 10_000

// Body is a message body as patterns in SNSBody see it: a JSON object in which
// "a.b" is the field b of a, as recorded from AWS. ok is false for any other body.
func Body(text string) (body map[string]any, ok bool) {
	v, err := Decode([]byte(text))
	if err != nil {
		return nil, false
	}
	body, ok = v.(map[string]any)
	if n := dots(v); n > 0 && n <= maxDots {
		nest(v)
	}
	return body, ok
}

// split is the path of a name with dots.
func split(name string) []string {
	if n := strings.Count(name, "."); n == 0 || n > maxDots {
		return []string{name}
	}
	return strings.Split(name, ".")
}

// dots counts the dots in the names of a value's fields.
func dots(v any) int {
	n := 0
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			n += dots(e)
		}
	case map[string]any:
		for name, e := range v {
			n += strings.Count(name, ".") + dots(e)
		}
	}
	return n
}

// nest moves fields with dotted names into the objects that the names speak of.
func nest(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			nest(e)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			e := v[name]
			nest(e)
			path := split(name)
			if len(path) == 1 {
				continue
			}
			delete(v, name)
			for _, key := range slices.Backward(path[1:]) {
				e = map[string]any{key: e}
			}
			merge(v, path[0], e)
		}
	}
}

// merge adds a value under a key beside what is there: objects become one, and
// anything else an array of both, which stands for each.
func merge(m map[string]any, key string, v any) {
	there, ok := m[key]
	if !ok {
		m[key] = v
		return
	}
	old, isObject := there.(map[string]any)
	fields, both := v.(map[string]any)
	if isObject && both {
		for name, e := range fields {
			merge(old, name, e)
		}
		return
	}
	m[key] = []any{there, v}
}
