package arn

import (
	"errors"
	"strings"
	"testing"

	"millrace/runtime/fault"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]ARN{
		"arn:aws:sqs:us-east-1:000000000000:orders":        New("sqs", "us-east-1", "000000000000", "orders"),
		"arn:aws:iam::000000000000:role/a":                 New("iam", "", "000000000000", "role/a"),
		"arn:aws:lambda:eu-west-1:000000000000:function:f": New("lambda", "eu-west-1", "000000000000", "function:f"),
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("Parse(%s) = %v, %v", text, got, err)
		}
		if got.String() != text {
			t.Errorf("%s comes back as %s", text, got)
		}
	}
	for _, text := range []string{"", "orders", "arn:aws:sqs:us-east-1:000000000000", "arn:aws:sqs:us-east-1:000000000000:", "urn:aws:sqs:r:a:q", "arn::sqs:r:a:q"} {
		if got, err := Parse(text); !errors.Is(err, fault.Invalid) {
			t.Errorf("Parse(%q) = %v, %v; want fault.Invalid", text, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("arn:aws:sqs:us-east-1:000000000000:orders")
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := Parse(text); err == nil && a.String() != text {
			t.Errorf("%q comes back as %q", text, a)
		}
	})
}

func TestIsRegion(t *testing.T) {
	for _, s := range []string{"us-east-1", "eusc-de-east-1", "us-isob-east-1", "elasticmq", "local", "0", strings.Repeat("r", 32)} {
		if !IsRegion(s) {
			t.Errorf("%q is a region", s)
		}
	}
	for _, s := range []string{"", "US-EAST-1", "us_east_1", "us-east-1/x", "a.b", "*", ">", " ", "\x00", "é", "us-east-1\n", strings.Repeat("r", 33)} {
		if IsRegion(s) {
			t.Errorf("%q is no region", s)
		}
	}
}
