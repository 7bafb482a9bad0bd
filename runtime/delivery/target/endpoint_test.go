package target_test

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"millrace/runtime/delivery"
	"millrace/runtime/delivery/target"
)

// What arrives is what SNS sends: a POST with the event's headers, and with the user and
// password of the URL as basic authentication.
func TestRequestsToEndpoints(t *testing.T) {
	s := serve(t)
	var got *http.Request
	var user, password string
	var authenticated bool
	s.answer = func(_ http.ResponseWriter, r *http.Request) {
		got = r
		user, password, authenticated = r.BasicAuth()
	}
	e, err := endpoints.Resolve(strings.Replace(s.url, "http://", "http://me:s%3Aecret%40@", 1))
	if err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{"User-Agent": "Amazon Simple Notification Service Agent", "x-amz-sns-message-type": "Notification", "Content-Type": "text/csv"}
	if _, err := e.Deliver(t.Context(), delivery.Event{Body: []byte("body"), Headers: headers}); err != nil {
		t.Fatal(err)
	}
	if got.Method != http.MethodPost || got.ContentLength != 4 || !authenticated || user != "me" || password != "s:ecret@" {
		t.Errorf("%s of %d bytes, authenticated: %v", got.Method, got.ContentLength, authenticated)
	}
	for name, value := range headers {
		if values := got.Header.Values(name); len(values) != 1 || values[0] != value {
			t.Errorf("%s is %q", name, values)
		}
	}
}

// An https endpoint is one that an authority vouches for.
func TestEndpointsOverTLS(t *testing.T) {
	hs := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	defer hs.Close()
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hs.Certificate().Raw})
	for name, c := range map[string]struct {
		root  func() ([]byte, error)
		trust bool
	}{
		"known":   {func() ([]byte, error) { return root, nil }, true},
		"unknown": {nil, false},
	} {
		e, err := target.Endpoints(c.root).Resolve(hs.URL)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := e.Deliver(t.Context(), delivery.Event{Body: []byte("body")})
		if trusted := err == nil && string(reply.Body) == "body"; trusted != c.trust || delivery.IsFinal(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The certificate has to be for the name in the URL.
	u, err := url.Parse(hs.URL)
	if err != nil {
		t.Fatal(err)
	}
	e, err := target.Endpoints(func() ([]byte, error) { return root, nil }).Resolve("https://localhost:" + u.Port())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Deliver(t.Context(), delivery.Event{}); err == nil {
		t.Error("a certificate of another name is taken")
	}
}

// A redirect into the administration is not followed, nor is any other.
func TestRedirectsLeadNowhere(t *testing.T) {
	var reached []string
	hs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached = append(reached, r.URL.Path)
		http.Redirect(w, r, "/_runtime/reset", http.StatusPermanentRedirect)
	}))
	defer hs.Close()
	e, err := endpoints.Resolve(hs.URL + "/x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Deliver(t.Context(), delivery.Event{}); !delivery.IsFinal(err) || len(reached) != 1 {
		t.Errorf("%v, reached %q", err, reached)
	}
}
