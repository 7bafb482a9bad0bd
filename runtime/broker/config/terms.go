package config

import "strings"

// isTerm reports whether v is one of the terms that queries are made of: lists and
// tuples of atoms, numbers and strings. Nothing in them can be executed.
func isTerm(v string) bool {
	rest, ok := term(v, 0)
	return ok && strings.TrimSpace(rest) == ""
}

const maxNesting = 32

func term(v string, depth int) (rest string, ok bool) {
	v = strings.TrimLeft(v, " \t\n")
	if v == "" || depth > maxNesting {
		return "", false
	}
	switch v[0] {
	case '{':
		return terms(v[1:], '}', depth)
	case '[':
		return terms(v[1:], ']', depth)
	case '"':
		for i := 1; i < len(v); i++ {
			switch v[i] {
			case '\\':
				i++
			case '"':
				return v[i+1:], true
			}
		}
		return "", false
	}
	end := 0
	for end < len(v) && isKey(v[end:end+1]) {
		end++
	}
	upper := v[0] < 'a' && (v[0] < '0' || v[0] > '9') // variables and signs
	return v[end:], end > 0 && !upper
}

// terms reads those up to the end of a list or tuple.
func terms(v string, end byte, depth int) (rest string, ok bool) {
	for first := true; ; first = false {
		v = strings.TrimLeft(v, " \t\n")
		if first && v != "" && v[0] == end {
			return v[1:], true
		}
		if v, ok = term(v, depth+1); !ok {
			return "", false
		}
		v = strings.TrimLeft(v, " \t\n")
		switch {
		case v == "":
			return "", false
		case v[0] == end:
			return v[1:], true
		case v[0] != ',':
			return "", false
		}
		v = v[1:]
	}
}
