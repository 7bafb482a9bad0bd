package secret

import (
	"bufio"
	"io"
	"strings"
)

// PasswordRules say what a password is made of. Secrets Manager API Reference,
// GetRandomPassword.
type PasswordRules struct {
	Length      int // 1 to 4096
	NoUpper     bool
	NoLower     bool
	NoDigits    bool
	NoPunct     bool
	Space       bool   // may be in it
	Exclude     string // characters that are not in it
	RequireEach bool   // one character at least of each kind that is left
}

// Password draws a password, all that the rules allow being equally likely, from a source
// of random bytes, which must be a cryptographic one. ShortPassword if there are more
// kinds of characters than Length, NoCharacters if there is none.
func Password(r PasswordRules, random io.Reader) (string, error) {
	kinds := r.kinds()
	all := strings.Join(kinds, "")
	switch {
	case all == "":
		return "", &Error{Reason: NoCharacters}
	case r.RequireEach && r.Length < len(kinds):
		return "", &Error{Reason: ShortPassword}
	}
	random = bufio.NewReader(random)
	password := make([]byte, r.Length)
	for {
		for i := range password {
			password[i] = all[uniform(random, len(all))]
		}
		if !r.RequireEach || hasEach(password, kinds) {
			return string(password), nil
		}
	}
}

// kinds are the characters by kind, without kinds of which nothing is left.
func (r PasswordRules) kinds() (kinds []string) {
	for _, k := range []struct {
		characters string
		excluded   bool
	}{
		{"ABCDEFGHIJKLMNOPQRSTUVWXYZ", r.NoUpper},
		{"abcdefghijklmnopqrstuvwxyz", r.NoLower},
		{"0123456789", r.NoDigits},
		{"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", r.NoPunct},
		{" ", !r.Space},
	} {
		left := strings.Map(func(c rune) rune {
			if strings.ContainsRune(r.Exclude, c) {
				return -1
			}
			return c
		}, k.characters)
		if !k.excluded && left != "" {
			kinds = append(kinds, left)
		}
	}
	return kinds
}

func hasEach(password []byte, kinds []string) bool {
	for _, k := range kinds {
		if !strings.ContainsAny(string(password), k) {
			return false
		}
	}
	return true
}

// uniform draws a number from 0 to n-1, for an n of 256 at most.
func uniform(random io.Reader, n int) int {
	var b [1]byte
	for {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			panic(err) // the source of the system never fails
		}
		if int(b[0]) < 256/n*n {
			return int(b[0]) % n
		}
	}
}
