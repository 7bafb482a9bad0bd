package secretsmanager

import (
	"slices"
	"strings"
	"unicode"

	"millrace/runtime/secret"
	api "millrace/services/internal/api/secretsmanager"
)

// newFilters returns whether all filters of a request find a secret. A filter finds what
// one of its values matches; "!" before a value turns that round.
//
// Secrets Manager API Reference, Filter; User Guide, "Find secrets".
func newFilters(filters []*api.Filter) (func(secret.Secret) bool, error) {
	for _, f := range filters {
		switch {
		case f == nil || f.Key == nil:
			return nil, api.ErrInvalidParameterException("Invalid filter key")
		case len(f.Values) == 0:
			return nil, api.ErrInvalidParameterException("Invalid filter values for key: " + *f.Key)
		}
	}
	return func(sec secret.Secret) bool {
		return !slices.ContainsFunc(filters, func(f *api.Filter) bool {
			return !slices.ContainsFunc(f.Values, func(value string) bool {
				wanted, negated := strings.CutPrefix(value, "!")
				return matches(sec, *f.Key, wanted) != negated
			})
		})
	}, nil
}

// matches reports whether a secret has a value of a filter's key.
func matches(sec secret.Secret, key, value string) bool {
	switch key {
	case "name":
		return strings.HasPrefix(sec.Name, value)
	case "description":
		return hasWords(sec.Description, value)
	case "tag-key":
		return slices.ContainsFunc(sec.Tags, func(t secret.Tag) bool { return strings.HasPrefix(t.Key, value) })
	case "tag-value":
		return slices.ContainsFunc(sec.Tags, func(t secret.Tag) bool { return strings.HasPrefix(t.Value, value) })
	case "primary-region":
		return strings.HasPrefix(sec.Region, value)
	case "owning-service":
		return value == "" // no secret is a service's
	}
	return hasEverywhere(sec, value)
}

// hasWords reports whether a text has all words of a value, in any case.
func hasWords(text, value string) bool {
	have := strings.FieldsFunc(strings.ToLower(text), isSeparator)
	for _, word := range strings.FieldsFunc(strings.ToLower(value), isSeparator) {
		if !slices.Contains(have, word) {
			return false
		}
	}
	return true
}

// hasEverywhere reports whether each word of a value is in some text of a secret, in any
// case.
func hasEverywhere(sec secret.Secret, value string) bool {
	texts := []string{sec.Name, sec.Description, sec.Region}
	for _, t := range sec.Tags {
		texts = append(texts, t.Key, t.Value)
	}
	for _, word := range words(value) {
		if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(strings.ToLower(text), word) }) {
			return false
		}
	}
	return true
}

// words cuts a value at separators, between letters and digits, and before a capital
// letter after a small one; the words are in lower case.
func words(value string) (all []string) {
	for _, field := range strings.FieldsFunc(value, isSeparator) {
		runes := []rune(field)
		from := 0
		for i := 1; i < len(runes); i++ {
			a, b := runes[i-1], runes[i]
			if unicode.IsDigit(a) != unicode.IsDigit(b) || unicode.IsLower(a) && unicode.IsUpper(b) {
				all = append(all, strings.ToLower(string(runes[from:i])))
				from = i
			}
		}
		all = append(all, strings.ToLower(string(runes[from:])))
	}
	return all
}

func isSeparator(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("/_+=.@-", r) }
