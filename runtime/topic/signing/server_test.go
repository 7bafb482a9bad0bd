package signing_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"millrace/runtime/topic/envelope"
	"millrace/runtime/topic/signing"
)

// listening has listen calls counted, and refused on demand.
type listening struct {
	mu    sync.Mutex
	calls int
	err   error
	last  net.Listener
}

func (l *listening) listen(context.Context) (net.Listener, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if l.err != nil {
		return nil, l.err
	}
	made, err := net.Listen("tcp", "127.0.0.1:0")
	l.last = made
	return made, err
}

func (l *listening) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *listening) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}

func (l *listening) address() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last.Addr().String()
}

func TestOnlyCertificatesAreServed(t *testing.T) {
	b := start(t, nil)
	at := b.url()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	client := b.client("")
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	good := u.Path
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", good, 200},
		{"HEAD", good, 200},
		{"GET", good + "?x=1", 200},
		{"POST", good, 405},
		{"DELETE", good, 405},
		{"GET", "/", 404},
		{"POST", "/", 404},
		{"GET", good + "/", 404},
		{"GET", "/" + good, 404},
		{"GET", "/x" + good, 404},
		{"GET", "/a/.." + good, 404},
		{"GET", strings.ToUpper(good), 404},
		{"GET", "/" + envelope.CertFile(strings.Repeat("0", 32)), 404},
		{"GET", "/" + envelope.CertFile(""), 404},
		{"GET", "/" + envelope.CertFile("../ca"), 404},
		{"GET", "/_runtime/status", 404},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, "https://"+u.Host+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != c.want || err != nil {
			t.Errorf("%s %s is answered with %d, %v", c.method, c.path, response.StatusCode, err)
		}
		if (c.method == "GET" && c.want == 200) != strings.HasPrefix(string(body), "-----BEGIN CERTIFICATE-----") {
			t.Errorf("%s %s has the body %q", c.method, c.path, body)
		}
		if strings.Contains(string(body), "PRIVATE") {
			t.Fatal("the private key is served")
		}
	}
}

// Nothing listens before a message names the address; then it does, also after restarts.
func TestItListensWhenItIsNeeded(t *testing.T) {
	var l listening
	b := start(t, func(c *signing.Config) { c.Listen = l.listen })
	if l.count() != 0 {
		t.Error("it listens though nobody has asked for a certificate")
	}
	b.url()
	b.url()
	if l.count() != 1 {
		t.Errorf("it has listened %d times", l.count())
	}
	b.stop()
	b.open()
	if l.count() != 2 {
		t.Error("after a restart it does not listen, though messages name its address")
	}
	b.fetch(b.client(l.address()), b.url())
}

func TestATakenAddressIsLoggedOnceAndTriedAgain(t *testing.T) {
	l := listening{err: syscall.EADDRINUSE}
	var mu sync.Mutex
	now := time.Unix(1e9, 0)
	b := start(t, func(c *signing.Config) {
		c.Listen, c.Address, c.Host = l.listen, "127.0.0.1:4567", "127.0.0.1:4567"
		c.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}
	})
	pass := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	first := b.url()
	if !strings.HasPrefix(first, "https://127.0.0.1:4567/") {
		t.Errorf("the URL is %s", first)
	}
	b.url()
	if l.count() != 1 {
		t.Errorf("it is tried %d times at once", l.count())
	}
	for range 3 {
		pass(time.Second)
		b.url()
	}
	if l.count() != 4 {
		t.Errorf("it is tried %d times", l.count())
	}
	if log := b.log.String(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "127.0.0.1:4567") || !strings.Contains(log, "choose another address") {
		t.Errorf("the log says %s", log)
	}
	l.fail(nil)
	pass(time.Second)
	if again := b.url(); again != first {
		t.Errorf("the URL has become %s", again)
	}
	b.fetch(b.client(l.address()), strings.Replace(first, "127.0.0.1:4567", l.address(), 1))

	// A listener that breaks is replaced by the next message.
	l.mu.Lock()
	broken := l.last
	l.mu.Unlock()
	broken.Close()
	for l.count() < 6 && t.Context().Err() == nil {
		pass(time.Second)
		b.url()
	}
	b.fetch(b.client(l.address()), strings.Replace(first, "127.0.0.1:4567", l.address(), 1))
}

// The host of URLs, with the port that it listens at, and whether clients that ask for it find a certificate for it.
func TestHosts(t *testing.T) {
	for _, c := range []struct{ address, host, region, want string }{
		{"127.0.0.1:4567", "", "us-east-1", "127.0.0.1:PORT"},
		{"0.0.0.0:4567", "", "us-east-1", "localhost:PORT"},
		{"[::]:4567", "", "us-east-1", "localhost:PORT"},
		{":4567", "", "us-east-1", "localhost:PORT"},
		{"[::1]:4567", "", "us-east-1", "[::1]:PORT"},
		{"127.0.0.1:4567", "millrace:4567", "us-east-1", "millrace:4567"},
		{"127.0.0.1:4567", "192.0.2.7:443", "us-east-1", "192.0.2.7:443"},
		{"127.0.0.1:4567", "sns.us-east-1.amazonaws.com", "eu-west-1", "sns.us-east-1.amazonaws.com"},
		{"127.0.0.1:4567", "sns.{region}.amazonaws.com", "eu-west-1", "sns.eu-west-1.amazonaws.com"},
		{"127.0.0.1:4567", "sns.{region}.localhost:4567", "ap-southeast-2", "sns.ap-southeast-2.localhost:4567"},
	} {
		var l listening
		b := start(t, func(config *signing.Config) { config.Listen, config.Address, config.Host = l.listen, c.address, c.host })
		got, err := b.URL(t.Context(), c.region)
		_, port, _ := net.SplitHostPort(l.address())
		if err != nil || !strings.HasPrefix(got, "https://"+strings.Replace(c.want, "PORT", port, 1)+"/SimpleNotificationService-") {
			t.Errorf("%+v: %s, %v", c, got, err)
		}
		b.fetch(b.client(l.address()), got)
		b.stop()
	}
}

// A regional name that the host does not stand for has no certificate.
func TestStrangeNamesHaveNoCertificate(t *testing.T) {
	var l listening
	b := start(t, func(c *signing.Config) { c.Listen, c.Host = l.listen, "sns.{region}.amazonaws.com" })
	b.url()
	for _, name := range []string{"sqs.us-east-1.amazonaws.com", "sns.us_east_1.amazonaws.com", "sns.x.amazonaws.com.evil.test", "evil.test"} {
		config := b.client("").Transport.(*http.Transport).TLSClientConfig.Clone()
		config.ServerName = name
		conn, err := tls.Dial("tcp", l.address(), config)
		if err == nil {
			conn.Close()
		}
		if wrong := new(tls.CertificateVerificationError); !errors.As(err, &wrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"localhost", "sns.eu-central-1.amazonaws.com", "SNS.EU-CENTRAL-1.AMAZONAWS.COM"} {
		config := b.client("").Transport.(*http.Transport).TLSClientConfig.Clone()
		config.ServerName = name
		conn, err := tls.Dial("tcp", l.address(), config)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		conn.Close()
	}
}
