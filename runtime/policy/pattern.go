package policy

import (
	"strings"
	"unicode/utf8"

	"millrace/runtime/fault"
)

// A pattern is a text of a policy in which * stands for any characters, ? for
// one, and ${key} for a value of the request. In its compiled form the wildcards
// are bytes that no UTF-8 has, so that a star out of a variable stays a star.
type pattern struct {
	glob  string // when there are no variables
	parts []part // else
	fold  bool   // letters of ASCII match in either case; glob is lower-case
}

// A part is text, or, when key is not "", a variable.
type part struct {
	text     string // of a variable: what stands for it when it has no value
	key      string
	optional bool // the variable has such a text
}

const (
	anyRunes = '\xff'
	anyRune  = '\xfe'
)

var (
	wildcards = strings.NewReplacer("*", string([]byte{anyRunes}), "?", string([]byte{anyRune}))
	literals  = map[string]string{"*": "*", "?": "?", "$": "$"} // ${*} is a star
)

// parsePattern compiles text. Without variables, ${…} is but text; without wild,
// so are * and ?. An unfinished or empty variable is an error.
func parsePattern(text string, variables, wild bool) (pattern, error) {
	compiled := func(s string) string {
		if wild {
			return wildcards.Replace(s)
		}
		return s
	}
	if !variables || !strings.Contains(text, "${") {
		return pattern{glob: compiled(text)}, nil
	}
	var p pattern
	for rest := text; rest != ""; {
		before, after, found := strings.Cut(rest, "${")
		p.parts = append(p.parts, part{text: compiled(before)})
		if !found {
			break
		}
		name, next, closed := strings.Cut(after, "}")
		if !closed || name == "" {
			return p, fault.New(fault.Invalid, "the variable in %q has no end or no name", text)
		}
		rest = next
		if literal, ok := literals[name]; ok {
			p.parts = append(p.parts, part{text: literal})
			continue
		}
		v, err := parseVariable(name)
		if err != nil {
			return p, err
		}
		p.parts = append(p.parts, v)
	}
	return p, nil
}

// parseVariable reads what is between the braces: a key, or key, 'default'.
func parseVariable(text string) (part, error) {
	key, other, optional := strings.Cut(text, ",")
	v := part{key: strings.TrimSpace(key), optional: optional}
	other = strings.TrimSpace(other)
	if optional && (len(other) < 2 || other[0] != '\'' || other[len(other)-1] != '\'') || v.key == "" {
		return v, fault.New(fault.Invalid, "the variable ${%s} is neither ${key} nor ${key, 'default'}", text)
	}
	if optional {
		v.text = other[1 : len(other)-1]
	}
	return v, nil
}

// resolve puts the request's values in for the variables. ok is false when one
// has no value, or several: then the pattern matches nothing.
func (p *pattern) resolve(r *Request) (glob string, ok bool) {
	if p.parts == nil {
		return p.glob, true
	}
	var b strings.Builder
	for _, part := range p.parts {
		if part.key == "" {
			b.WriteString(part.text)
			continue
		}
		switch values := r.values(part.key); {
		case len(values) == 1:
			b.WriteString(strings.ToValidUTF8(values[0], "\uFFFD"))
		case len(values) == 0 && part.optional:
			b.WriteString(part.text)
		default:
			return "", false
		}
	}
	return b.String(), true
}

func (p *pattern) match(r *Request, s string) bool {
	glob, ok := p.resolve(r)
	return ok && match(glob, s, p.fold)
}

// patterns match what one of them matches.
type patterns []pattern

func (ps patterns) match(r *Request, s string) bool {
	for i := range ps {
		if ps[i].match(r, s) {
			return true
		}
	}
	return false
}

// match reports whether all of s fits a compiled pattern. With fold, the pattern
// is lower-case and the ASCII letters of s are taken as such. It takes
// len(glob)·len(s) steps at worst.
func match(glob, s string, fold bool) bool {
	g, i := 0, 0
	star, resume := -1, 0 // the last star, and where what it left begins
	for i < len(s) {
		if g < len(glob) {
			switch c := glob[g]; {
			case c == anyRunes:
				star, resume = g, i
				g++
				continue
			case c == anyRune:
				_, size := utf8.DecodeRuneInString(s[i:])
				g++
				i += size
				continue
			case c == s[i] || fold && c == lower(s[i]):
				g++
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		resume++ // the star takes one byte more
		g, i = star+1, resume
	}
	for g < len(glob) && glob[g] == anyRunes {
		g++
	}
	return g == len(glob)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// parseActions reads "*" or vendor:action, with wildcards in either. Actions
// have no variables.
func parseActions(words []string) (patterns, error) {
	if len(words) == 0 {
		return nil, fault.New(fault.Invalid, "a statement has no action")
	}
	ps := make(patterns, len(words))
	for i, w := range words {
		if vendor, name, ok := strings.Cut(w, ":"); w != "*" && (!ok || vendor == "" || name == "" || strings.Contains(name, ":")) {
			return nil, fault.New(fault.Invalid, "%q is neither * nor vendor:action", w)
		}
		ps[i] = pattern{glob: wildcards.Replace(strings.ToLower(w)), fold: true}
	}
	return ps, nil
}

// parseResources reads "*" or ARNs, with wildcards and variables. Another text is
// taken too, as AWS's services take it, and matches nothing.
func parseResources(words []string, variables bool) (patterns, error) {
	if len(words) == 0 {
		return nil, fault.New(fault.Invalid, "a statement has no resource")
	}
	ps := make(patterns, len(words))
	for i, w := range words {
		if w != "*" && !strings.HasPrefix(w, "arn:") {
			continue // the empty pattern: no resource has an empty ARN
		}
		var err error
		if ps[i], err = parsePattern(w, variables, true); err != nil {
			return nil, err
		}
	}
	return ps, nil
}
