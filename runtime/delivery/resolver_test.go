package delivery

import (
	"strings"
	"testing"
)

func TestLabelsHoldNoSecret(t *testing.T) {
	for name, want := range map[string]string{
		"arn:aws:sqs:us-east-1:0:q":                        "arn:aws:sqs:us-east-1:0:q",
		"invocation:arn:aws:lambda:us-east-1:0:function:f": "invocation:arn:aws:lambda:us-east-1:0:function:f",
		"https://user:secret@host:1/secret?secret":         "https://host:1",
		"http://user:secret@host:port/%zz":                 "http:",
		"ftp://secret@/":                                   "ftp:",
		"https:secret":                                     "https:secret",
	} {
		if got := label(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if _, err := (Resolvers{}).Resolve("ftp://user:secret@host/"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}
