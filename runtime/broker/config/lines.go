package config

import (
	"strconv"
	"strings"
	"unicode"

	"millrace/runtime/broker/catalog"
)

const (
	maxLine  = 4 << 10  // bytes of a line
	maxQuery = 16 << 10 // bytes of a value of several lines
)

// A line is a setting as it stands in the text. RabbitMQ reads its configuration with
// cuttlefish: this is what of it cannot surprise. Not here are includes, values that
// stand for other values, and escapes in keys.
type line struct {
	number  int // of the first is 1
	key     string
	value   string
	section string // "m7g.large.3"; "" outside
	block   bool   // the value stands on lines of its own
}

// read takes a text apart, and knows no key. Only RabbitMQ 4 has sections.
func read(data []byte, sections bool) ([]line, error) {
	var lines []line
	section := ""
	rest := string(data)
	for number := 1; rest != ""; number++ {
		var text string
		text, rest, _ = strings.Cut(rest, "\n")
		text = strings.TrimSuffix(text, "\r")
		if err := legible(number, text); err != nil {
			return nil, err
		}
		text = strings.Trim(text, " \t")
		switch {
		case text == "" || text[0] == '#':
			continue
		case strings.HasPrefix(text, "{{"):
			name, err := marker(number, text)
			switch {
			case err != nil:
				return nil, err
			case !sections:
				return nil, refuse("", "Line %d: section %s is not supported on RabbitMQ 3.", number, name)
			case section == "":
				section = name
			case section == name:
				section = ""
			default:
				return nil, refuse("", "Line %d: section %s begins before section %s has ended.", number, name, section)
			}
			continue
		}
		l, more, err := setting(number, text)
		if err != nil {
			return nil, err
		}
		l.section, l.block = section, more
		if more {
			var n int
			l.value, rest, n, err = block(l, rest)
			if err != nil {
				return nil, err
			}
			number += n
		}
		lines = append(lines, l)
	}
	if section != "" {
		return nil, refuse("", "Section %s does not end.", section)
	}
	return lines, nil
}

func legible(number int, text string) error {
	if len(text) > maxLine {
		return refuse("", "Line %d is longer than %d bytes.", number, maxLine)
	}
	for _, r := range text {
		if unicode.IsControl(r) && r != '\t' {
			return refuse("", "Line %d has a control character.", number)
		}
	}
	return nil
}

// setting reads "key = value". more reports that the value goes on until ”'.
func setting(number int, text string) (l line, more bool, err error) {
	key, value, ok := strings.Cut(text, "=")
	key, value = strings.TrimRight(key, " \t"), strings.TrimLeft(value, " \t")
	l = line{number: number, key: key}
	switch {
	case !ok:
		return l, false, refuse("", "Line %d is not of the form: key = value", number)
	case !isKey(key):
		return l, false, refuse("", "Line %d does not begin with a configuration key.", number)
	case value == "'''":
		return l, true, nil
	}
	if quoted, ok := strings.CutPrefix(value, "'"); ok {
		inner, after, ok := strings.Cut(quoted, "'")
		after = strings.TrimLeft(after, " \t")
		if !ok || after != "" && after[0] != '#' {
			return l, false, refuse(key, "Configuration key [%s] on line %d has a quote too few or too many.", key, number)
		}
		l.value = inner
	} else {
		value, _, _ = strings.Cut(value, "#")
		l.value = strings.TrimRight(value, " \t")
	}
	if l.value == "" {
		return l, false, refuse(key, "Configuration key [%s] on line %d has no value.", key, number)
	}
	return l, false, nil
}

// block reads the lines up to one that is only ”'.
func block(l line, text string) (value, rest string, lines int, err error) {
	var b strings.Builder
	for rest = text; rest != "" && b.Len() <= maxQuery; {
		var next string
		next, rest, _ = strings.Cut(rest, "\n")
		next = strings.TrimSuffix(next, "\r")
		lines++
		if err := legible(l.number+lines, next); err != nil {
			return "", "", 0, err
		}
		if strings.Trim(next, " \t") == "'''" {
			return strings.TrimSpace(b.String()), rest, lines, nil
		}
		if strings.Contains(next, "'''") {
			break
		}
		b.WriteString(next + "\n")
	}
	return "", "", 0, refuse(l.key, "Configuration key [%s] on line %d has a value that does not end.", l.key, l.number)
}

// isKey reports whether s is words of a-z, A-Z, 0-9, "_" and "-" with dots between.
func isKey(s string) bool {
	for word := range strings.SplitSeq(s, ".") {
		if word == "" {
			return false
		}
		for i := range len(word) {
			if c := word[i]; !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
				return false
			}
		}
	}
	return true
}

// marker reads "{{m7g.large.3}}".
func marker(number int, text string) (string, error) {
	name, ok := strings.CutSuffix(strings.TrimPrefix(text, "{{"), "}}")
	if !ok {
		return "", refuse("", "Line %d is not of the form: {{family.size.mode}}", number)
	}
	instance, mode, ok := cutLast(name, ".")
	if _, known := catalog.Defaults("4.2", "mq."+instance, catalog.SingleInstance); !ok || !known {
		return "", refuse("", "Line %d: section %s names no instance type of RabbitMQ 4.", number, strconv.Quote(name))
	}
	if mode != "1" && mode != "3" {
		return "", refuse("", "Line %d: the mode of section %s must be 1 for single instances or 3 for clusters.", number, strconv.Quote(name))
	}
	return name, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// sectionOf is the name of the section for a broker.
func sectionOf(instance string, mode catalog.Mode) string {
	nodes := ".1"
	if mode == catalog.Cluster {
		nodes = ".3"
	}
	return strings.TrimPrefix(instance, "mq.") + nodes
}
