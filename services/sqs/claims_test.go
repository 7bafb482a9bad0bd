package sqs

import (
	"net/http/httptest"
	"testing"

	"millrace/services/internal/wire"
)

func TestClaims(t *testing.T) {
	for url, want := range map[string]bool{
		"http://localhost:4566/000000000000/q":                 true,
		"http://localhost/queue/eu-west-1/000000000000/q":      true,
		"http://queue.localhost:4566/":                         true,
		"http://localhost/":                                    false,
		"http://localhost/queue/eu-west-1/q":                   false,
		"http://localhost/orders/q":                            false,
		"http://localhost/2015-03-31/functions":                false,
		"http://localhost/000000000000/q/more":                 false,
		"http://localhost/queue/eu-west-1/000000000000/q/more": false,
	} {
		if got := (&Service{}).Claims(httptest.NewRequest("POST", url, nil)); got != want {
			t.Errorf("%s: %v, want %v", url, got, want)
		}
	}
}

func TestRefusedOperations(t *testing.T) {
	for _, c := range []struct {
		rule, url, name string
		protocol        wire.Protocol
		code, text      string // "" for the protocol's answer
	}{
		{"an action that is none", "/", "Nope", wire.AWSQuery, "InvalidAction", "The action Nope is not valid for this endpoint."},
		{"a queue's URL in a browser", "/000000000000/q", "", wire.AWSQuery, "UnknownOperationException", "<UnknownOperationException/>"},
		{"no action", "/", "", wire.AWSQuery, "", ""},
		{"JSON", "/", "Nope", wire.AWSJSON, "", ""},
	} {
		e := (&Service{}).RefuseOperation(&wire.Request{HTTP: httptest.NewRequest("GET", c.url, nil)}, c.protocol, c.name)
		if e == nil {
			e = &wire.Error{}
		}
		if e.Code != c.code || e.Message+e.Body != c.text {
			t.Errorf("%s: %s %s%s, want %s %s", c.rule, e.Code, e.Message, e.Body, c.code, c.text)
		}
	}
}
