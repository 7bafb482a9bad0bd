package backbone_test

import (
	"testing"

	"millrace/runtime/store/backbone"
)

func TestRedactedShowsNoSecret(t *testing.T) {
	for urls, want := range map[string]string{
		"nats://127.0.0.1:4222":                "nats://127.0.0.1:4222",
		"nats://ada:secret@a:4222, tls://b":    "nats://ada:xxxxx@a:4222,tls://b",
		"nats://token@a:4222":                  "nats://xxxxx@a:4222",
		"ada:secret@a:4222":                    "nats://ada:xxxxx@a:4222",
		"a:4222":                               "nats://a:4222",
		"nats://ada:sec%ret@a:4222,nats://b:1": "a server whose URL cannot be read,nats://b:1",
	} {
		if got := backbone.Redacted(urls); got != want {
			t.Errorf("%s: %s, want %s", urls, got, want)
		}
	}
}
