package rabbitmq

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"millrace/runtime/broker"
	"millrace/runtime/broker/engine"
	"millrace/runtime/fault"
)

const (
	callTimeout = 10 * time.Second // of one call
	idleTimeout = 2 * time.Minute  // longer than from one reconciliation to the next
	maxAnswer   = 1 << 20
)

// api is a broker's management API, over one connection a node that is kept.
type api struct {
	urls   []string // of the nodes
	user   broker.User
	client *http.Client

	answers atomic.Int64 // the node that has answered last
}

func newAPI(b engine.Broker) (*api, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(b.Root) {
		return nil, fault.New(fault.Internal, "The broker has no certificate authority.")
	}
	a := &api{client: &http.Client{
		Timeout: callTimeout,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12},
			MaxConnsPerHost: 1, IdleConnTimeout: idleTimeout,
		},
	}}
	for _, n := range b.Nodes {
		at, ok := n.Public(console)
		if !ok {
			return nil, fault.New(fault.Internal, "Node %s has no console.", n.Name)
		}
		a.urls = append(a.urls, "https://"+at.String())
	}
	if len(b.Users) > 0 {
		a.user = b.Users[0]
	}
	return a, nil
}

// status is an answer that is not a success.
type status struct {
	code   int
	reason string // of health checks

	// Alarms is what a health check for alarms has found, by the names of resources:
	// "memory", "disk space".
	alarms []string
}

func (s *status) Error() string {
	return fmt.Sprintf("the management API answered %d %s", s.code, s.reason)
}

// call asks whichever node answers. It may ask more than one, so requests can be
// repeated. Every other status than a success is a *status.
func (a *api) call(ctx context.Context, method, path string, in, out any) (err error) {
	first := int(a.answers.Load())
	for i := range a.urls {
		n := (first + i) % len(a.urls)
		err = a.callNode(ctx, n, method, path, in, out)
		var answer *status
		if err == nil || errors.As(err, &answer) && answer.code < 500 {
			a.answers.Store(int64(n))
			return err
		}
		if answer != nil && len(answer.alarms) > 0 || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// callNode sends a request to one node and reads the answer's body into out, unless that
// is nil.
func (a *api) callNode(ctx context.Context, node int, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.urls[node]+path, body)
	if err != nil {
		return err
	}
	req.SetBasicAuth(a.user.Name, a.user.Password)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		s := &status{code: resp.StatusCode}
		var text struct {
			Reason string
			Alarms []struct{ Resource string }
		}
		if json.Unmarshal(b, &text) == nil {
			s.reason = text.Reason
			for _, a := range text.Alarms {
				s.alarms = append(s.alarms, a.Resource)
			}
		}
		return s
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}
