package owner_test

import (
	"regexp"
	"testing"

	"millrace/runtime/object/owner"
)

// Records and notifications of earlier runs hold these: they must never change.
func TestNamesOfAnAccountStay(t *testing.T) {
	for _, c := range []struct{ rule, got, want string }{
		{"canonical user", owner.CanonicalUserID("000000000000"), "dc907f9c5b73414f2e2c142d83d6677f70e8dc070a6e216651f00cf15fdef7a8"},
		{"principal", owner.PrincipalID("000000000000"), "AK44WOOSIT5G56"},
		{"a root that calls", owner.CallerID("000000000000"), "AWS:000000000000"},
		{"a session that calls", owner.CallerID("AROAEXAMPLE:monday"), "AWS:AROAEXAMPLE:monday"},
		{"nobody", owner.CallerID(""), "Anonymous"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.rule, c.got, c.want)
		}
	}
}

// The forms are those of AWS's examples: 64 hexadecimal digits, and A3I5XTEXAMAI3E.
func TestForms(t *testing.T) {
	seen := map[string]bool{}
	for _, account := range []string{"000000000000", "111111111111", "999999999999"} {
		canonical, principal := owner.CanonicalUserID(account), owner.PrincipalID(account)
		if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(canonical) {
			t.Errorf("canonical user ID %q", canonical)
		}
		if !regexp.MustCompile(`^A[A-Z0-9]{13}$`).MatchString(principal) {
			t.Errorf("principal ID %q", principal)
		}
		if seen[canonical] || seen[principal] {
			t.Errorf("account %s has the names of another", account)
		}
		seen[canonical], seen[principal] = true, true
	}
}
