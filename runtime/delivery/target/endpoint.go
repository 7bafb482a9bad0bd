package target

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
)

// What an endpoint's answer may take (SNS waits for 15 seconds).
const (
	answerWait   = 15 * time.Second
	maxHead      = 64 << 10 // bytes
	maxReplyBody = 64 << 10 // bytes; more is not read, and no failure
)

// Endpoints resolves the URLs of HTTP endpoints, http and https, at any address:
// local subscribers live on loopback. What is under /_runtime/ is refused at every
// port, so that no event reaches the administration of this runtime by whatever
// name or forwarded port. Redirects are not followed.
//
// A user and password in a URL are sent as basic authentication.
//
// A status of 200 to 299 delivers an event. 429, every status from 500 on and what
// never answers may be tried again; the rest is final.
//
// An https endpoint must have a certificate of an authority that the system knows, or of
// the one that root returns as PEM, the runtime's own; nil for no other. Go's system pool
// takes further ones from SSL_CERT_FILE and SSL_CERT_DIR: so a subscriber with a
// certificate that it signed itself is trusted by name, and nothing else is.
func Endpoints(root func() ([]byte, error)) delivery.Resolvers {
	transport := &http.Transport{
		Proxy:                  nil, // what is local must not leave the machine by a proxy
		MaxResponseHeaderBytes: maxHead,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        time.Minute,
		TLSHandshakeTimeout:    answerWait,
		DisableCompression:     true,
		DialTLSContext:         tlsDialer(root),
	}
	client := &http.Client{
		Transport:     transport,
		Timeout:       answerWait,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resolve := func(name string) (delivery.Target, error) {
		if err := CheckURL(name); err != nil {
			return nil, err
		}
		return endpoint{client, name}, nil
	}
	return delivery.Resolvers{"http": resolve, "https": resolve}
}

// CheckURL checks what can be the URL of an HTTP endpoint: fault.Invalid for what cannot,
// and fault.Denied for what is under /_runtime/, in any case and however it is written.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !isPort(u.Port()) {
		return fault.New(fault.Invalid, "not the URL of an HTTP endpoint")
	}
	cleaned := path.Clean("/" + strings.ToLower(u.Path)) // u.Path has no percent signs that hide anything
	if cleaned == "/_runtime" || strings.HasPrefix(cleaned, "/_runtime/") {
		return fault.New(fault.Denied, "the administration of a runtime is no endpoint")
	}
	return nil
}

// tlsDialer connects to https endpoints. The authorities are read with the first of them.
func tlsDialer(root func() ([]byte, error)) func(ctx context.Context, network, address string) (net.Conn, error) {
	roots := sync.OnceValues(func() (*x509.CertPool, error) {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool() // a bare system has none
		}
		if root == nil {
			return pool, nil
		}
		own, err := root()
		if err != nil {
			return nil, err
		}
		pool.AppendCertsFromPEM(own)
		return pool, nil
	})
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		pool, err := roots()
		if err != nil {
			return nil, err
		}
		d := tls.Dialer{Config: &tls.Config{RootCAs: pool, NextProtos: []string{"http/1.1"}}}
		return d.DialContext(ctx, network, address)
	}
}

// isPort reports whether a URL's port, which may be absent, can be one.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return s == "" || err == nil && n > 0
}

type endpoint struct {
	client *http.Client
	url    string
}

// Allows implements delivery.Target: an endpoint has no policy.
func (endpoint) Allows(delivery.Source) error { return nil }

// Deliver implements delivery.Target: it posts the body.
func (t endpoint) Deliver(ctx context.Context, e delivery.Event) (delivery.Reply, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(e.Body))
	if err != nil {
		return delivery.Reply{}, fault.New(fault.Invalid, "not the URL of an HTTP endpoint")
	}
	for name, value := range e.Headers {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return delivery.Reply{}, fault.New(fault.Invalid, "the event has the header %q, which cannot be sent", name)
		}
		r.Header.Set(name, value)
	}
	response, err := t.client.Do(r)
	if err != nil {
		return delivery.Reply{}, fault.Wrap(fault.Unavailable, withoutURL(err), "the endpoint did not answer")
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxReplyBody)) // as far as it comes: the status says all
	reply := delivery.Reply{Status: response.StatusCode, Body: body}
	switch status := response.StatusCode; {
	case status >= 200 && status < 300:
		return reply, nil
	case status == http.StatusTooManyRequests || status >= 500:
		return reply, fault.New(fault.Unavailable, "the endpoint answered with status %d", status)
	default:
		return reply, fault.New(fault.Invalid, "the endpoint answered with status %d", status)
	}
}

// withoutURL leaves out the URL of an error: its user, path or query may be a
// secret.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
