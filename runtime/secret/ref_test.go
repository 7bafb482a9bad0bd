package secret_test

import (
	"errors"
	"strings"
	"testing"

	"millrace/runtime/secret"
)

const (
	account = "111111111111"
	region  = "eu-west-1"
	prefix  = "arn:aws:secretsmanager:" + region + ":" + account + ":secret:"
)

func TestParseRef(t *testing.T) {
	for _, c := range []struct{ id, name, suffix string }{
		{"mill", "mill", ""},
		{"mill-a1B2c3", "mill-a1B2c3", ""}, // a name, whatever it ends with
		{prefix + "mill-a1B2c3", "mill", "a1B2c3"},
		{prefix + "mill", "mill", ""},
		{prefix + "mill-a1b2", "mill-a1b2", ""},
		{prefix + "mill-a1b2c3-", "mill-a1b2c3-", ""},
		{prefix + "mill-a1b2c3", "mill", "a1b2c3"}, // AWS's trap: a partial ARN of a name that ends so
		{prefix + "mill-a1b2c3-XYZabc", "mill-a1b2c3", "XYZabc"},
		{prefix + "-a1b2c3", "-a1b2c3", ""},
		{prefix + "team/mill_+=.@!x-a1b2c.", "team/mill_+=.@!x-a1b2c.", ""},
	} {
		got, err := secret.ParseRef(c.id, account, region)
		if want := (secret.Ref{Account: account, Region: region, Name: c.name, Suffix: c.suffix}); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", c.id, got, err, want)
		}
	}
	for _, id := range []string{
		"", "a b", "a*", "a?", "[a]", `a\b`, "é", strings.Repeat("a", 513), "a\n",
		"arn:aws:secretsmanager:eu-west-1", prefix, prefix + "a b", "arn:aws:sqs:eu-west-1:111111111111:secret:mill-a1b2c3",
		"arn:aws:secretsmanager:eu-west-1:111111111111:mill-a1b2c3",
	} {
		if got, err := secret.ParseRef(id, account, region); !errors.Is(err, secret.BadName) {
			t.Errorf("%q: %+v, %v, want BadName", id, got, err)
		}
	}
}

// A full ARN refers to its secret, whatever its name; and nothing that is refused has a name.
func FuzzParseRef(f *testing.F) {
	for _, id := range []string{"mill", prefix + "mill-a1b2c3", prefix + "mill", prefix + "-a1b2c3", "arn:", "a b"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		ref, err := secret.ParseRef(id, account, region)
		if err != nil {
			if !errors.Is(err, secret.BadName) {
				t.Fatalf("%q: %v", id, err)
			}
			return
		}
		if !secret.IsName(ref.Name) {
			t.Fatalf("%q refers to %q", id, ref.Name)
		}
		again, err := secret.ParseRef(ref.ARN(), "", "")
		if err != nil || again.Name != ref.Name || ref.Suffix != "" && again != ref {
			t.Fatalf("%q is %+v, its ARN %+v, %v", id, ref, again, err)
		}
	})
}
