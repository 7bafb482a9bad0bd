package gateway

import (
	"net/http/httptest"
	"testing"

	"millrace/services/internal/identity"
)

func TestGuard(t *testing.T) {
	g := guard{hosts: []string{"Millrace"}}
	for _, c := range []struct {
		rule         string
		host, origin string
		site         string
		refused      bool
	}{
		{"a program on this machine", "127.0.0.1:4566", "", "", false},
		{"by name", "localhost:4566", "", "", false},
		{"by a service's host name", "sqs.us-east-1.localhost:4566", "", "", false},
		{"over IPv6", "[::1]:4566", "", "", false},
		{"from another machine, by address", "192.168.1.7:4566", "", "", false},
		{"by an allowed name", "millrace:4566", "", "", false},
		{"under an allowed name", "sqs.millrace:4566", "", "", false},
		{"by a name of AWS's own", "photos.s3.eu-west-1.amazonaws.com", "", "", false},
		{"a name that only looks like AWS's", "amazonaws.com.evil.example", "", "", true},
		{"a name that ends like AWS's", "evil-amazonaws.com", "", "", true},
		{"a name that was rebound to us", "evil.example:4566", "", "", true},
		{"a name that only looks like ours", "localhost.evil.example", "", "", true},
		{"a name that ends like an allowed one", "notmillrace", "", "", true},
		{"a page of our own", "localhost:4566", "http://localhost:4566", "same-origin", false},
		{"a page of another site", "localhost:4566", "https://evil.example", "cross-site", true},
		{"a page on another port", "localhost:4566", "http://localhost:3000", "same-site", true},
		{"a sandboxed page", "localhost:4566", "null", "cross-site", true},
		{"a page's image, which has no origin", "localhost:4566", "", "cross-site", true},
		{"an address typed into a browser", "localhost:4566", "", "none", false},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		if reason := g.refuse(r); (reason != "") != c.refused {
			t.Errorf("%s: refused %v (%q), want %v", c.rule, reason != "", reason, c.refused)
		}
	}
}

func TestScope(t *testing.T) {
	for _, c := range []struct {
		rule, auth, query string
		want              scope
		ok                bool
	}{
		{"SigV4", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0", "",
			scope{accessKey: "AKIDEXAMPLE", region: "eu-west-1", service: "sqs"}, true},
		{"SigV4A has no region", "AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/20261120/s3/aws4_request, SignedHeaders=host, Signature=0", "",
			scope{accessKey: "AKIDEXAMPLE", service: "s3", anyRegion: true}, true},
		{"presigned", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261120%2Fus-east-1%2Fsqs%2Faws4_request",
			scope{accessKey: "AKID", region: "us-east-1", service: "sqs"}, true},
		{"a slash in the key", "AWS4-HMAC-SHA256 Credential=A/B/20261120/us-east-1/sqs/aws4_request,Signature=0", "",
			scope{accessKey: "A/B", region: "us-east-1", service: "sqs"}, true},
		{"anonymous", "", "", scope{}, false},
		{"basic", "Basic dGVzdA==", "", scope{}, false},
		{"cut off", "AWS4-HMAC-SHA256 Credential=AKID/20261120", "", scope{}, false},
		{"no date", "AWS4-HMAC-SHA256 Credential=us-east-1/sqs/aws4_request", "", scope{}, false},
	} {
		r := httptest.NewRequest("POST", "/?"+c.query, nil)
		if c.auth != "" {
			r.Header.Set("Authorization", c.auth)
		}
		got, ok := scopeOf(r)
		if got != c.want || ok != c.ok {
			t.Errorf("%s: got %+v %v, want %+v %v", c.rule, got, ok, c.want, c.ok)
		}
	}
}

func FuzzScope(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKID/20261120/us-east-1/sqs/aws4_request, SignedHeaders=host", "")
	f.Add("", "X-Amz-Credential=AKID%2F20261120%2Fus-east-1%2Fsqs%2Faws4_request")
	f.Fuzz(func(t *testing.T, auth, query string) {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Authorization", auth)
		r.URL.RawQuery = query
		if s, ok := scopeOf(r); ok && s.service == "" {
			t.Errorf("a scope without a service: %+v", s)
		}
	})
}

func TestAccountOfKey(t *testing.T) {
	lent := &identity.Session{Account: "111111111111"}
	g := &Gateway{Config: Config{Account: "000000000000", SessionOf: func(key string) *identity.Session {
		if key == "ASIALENT" {
			return lent
		}
		return nil
	}}}
	for key, want := range map[string]string{
		"123456789012": "123456789012", "AKIDEXAMPLE": "000000000000", "": "000000000000", "12345678901x": "000000000000",
		"ASIALENT": "111111111111", "ASIAUNKNOWN": "000000000000",
	} {
		got, session := g.account(key)
		if got != want || (session == lent) != (key == "ASIALENT") {
			t.Errorf("%q: got %s, %+v, want %s", key, got, session, want)
		}
	}
}
