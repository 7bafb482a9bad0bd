package mq

import (
	"strings"
	"testing"
)

func TestForms(t *testing.T) {
	for name, f := range map[string]form{"broker": brokerName, "configuration": configurationName, "user": activeName, "RabbitMQ user": rabbitName, "label": hostLabel} {
		for _, n := range []int{f.least, f.most} {
			if !f.fits(strings.Repeat("a", n)) {
				t.Errorf("%s: %d letters are refused", name, n)
			}
		}
		for _, bad := range []string{strings.Repeat("a", f.least-1), strings.Repeat("a", f.most+1), "aa\n", "a a", "ä", "a/b", "a\x00b"} {
			if f.fits(bad) {
				t.Errorf("%s: %q passes", name, bad)
			}
		}
	}
}

func TestQualifiedHosts(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, good := range []string{"a.b", "ldap-1.example.com", label + "." + label} {
		if !qualified(good) {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{"", "a", "a.", ".a", "a..b", "-a.b", "a-.b", "a_b.c", "ldap://a.b", "a.b:636", label + "a.b", strings.Repeat("a.", 126) + "ab"} {
		if qualified(bad) {
			t.Errorf("%q passes", bad)
		}
	}
}
