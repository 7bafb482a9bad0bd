package secret_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"millrace/runtime/secret"
)

const (
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	digits = "0123456789"
	punct  = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

func TestPassword(t *testing.T) {
	for _, c := range []struct {
		rule  string
		rules secret.PasswordRules
		each  []string // kinds of which one character must be in each
		never string
	}{
		{"all kinds", secret.PasswordRules{Length: 32, RequireEach: true}, []string{upper, lower, digits, punct}, " "},
		{"the shortest", secret.PasswordRules{Length: 4, RequireEach: true}, []string{upper, lower, digits, punct}, " "},
		{"the shortest with a space", secret.PasswordRules{Length: 5, RequireEach: true, Space: true}, []string{upper, lower, digits, punct, " "}, ""},
		{"no upper case", secret.PasswordRules{Length: 8, NoUpper: true, RequireEach: true}, []string{lower, digits, punct}, upper},
		{"no lower case", secret.PasswordRules{Length: 8, NoLower: true, RequireEach: true}, []string{upper, digits, punct}, lower},
		{"no digits", secret.PasswordRules{Length: 8, NoDigits: true, RequireEach: true}, []string{lower, upper, punct}, digits},
		{"no punctuation", secret.PasswordRules{Length: 8, NoPunct: true, RequireEach: true}, []string{lower, upper, digits}, punct},
		{"a kind is excluded by its characters", secret.PasswordRules{Length: 3, Exclude: digits, RequireEach: true}, []string{lower, upper, punct}, digits},
		{"characters of every kind", secret.PasswordRules{Length: 40, Exclude: `aA0" `, Space: true, RequireEach: true}, []string{lower, upper, digits, punct}, `aA0" `},
		{"few are left", secret.PasswordRules{Length: 4, Exclude: lower[1:] + upper[1:] + digits[1:] + punct[1:], RequireEach: true}, []string{"a", "A", "0", "!"}, ""},
		{"not each", secret.PasswordRules{Length: 1}, nil, " "},
		{"the longest", secret.PasswordRules{Length: 4096, RequireEach: true}, []string{upper, lower, digits, punct}, " "},
	} {
		seen := map[string]bool{}
		for range 200 {
			p, err := secret.Password(c.rules, rand.Reader)
			if err != nil || len(p) != c.rules.Length || strings.ContainsAny(p, c.never) {
				t.Fatalf("%s: %q, %v", c.rule, p, err)
			}
			for _, kind := range c.each {
				if !strings.ContainsAny(p, kind) {
					t.Fatalf("%s: %q has none of %q", c.rule, p, kind)
				}
			}
			seen[p] = true
			if c.rules.Length == 4096 {
				break
			}
		}
		if len(seen) < 20 && c.rules.Length > 4 && c.rules.Length < 4096 {
			t.Errorf("%s: %d passwords of 200 draws", c.rule, len(seen))
		}
	}
	for _, c := range []struct {
		rules secret.PasswordRules
		want  error
	}{
		{secret.PasswordRules{Length: 3, RequireEach: true}, secret.ShortPassword},
		{secret.PasswordRules{Length: 4, RequireEach: true, Space: true}, secret.ShortPassword},
		{secret.PasswordRules{Length: 8, NoUpper: true, NoLower: true, NoDigits: true, NoPunct: true}, secret.NoCharacters},
		{secret.PasswordRules{Length: 8, Exclude: upper + lower + digits + punct}, secret.NoCharacters},
		{secret.PasswordRules{Length: 8, Exclude: upper + lower + digits + punct + " ", Space: true, RequireEach: true}, secret.NoCharacters},
	} {
		if p, err := secret.Password(c.rules, rand.Reader); !errors.Is(err, c.want) {
			t.Errorf("%+v: %q, %v, want %v", c.rules, p, err, c.want)
		}
	}
}
