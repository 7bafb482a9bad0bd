package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"millrace/cmd/runtime/app"
	"millrace/services/admin"
)

// defaultData is the data folder when none is named.
const defaultData = ".runtime"

// A target says which runtime a command is about.
type target struct {
	Endpoint string `env:"MILLRACE_ENDPOINT" placeholder:"URL" help:"Endpoint of the runtime. Without it: the one that holds the data folder; when no folder is named either, the one at the default address."`
	Data     string `env:"MILLRACE_DATA" placeholder:"FOLDER" help:"Data folder of the runtime, by default .runtime."`
	Listen   string `hidden:"" env:"MILLRACE_LISTEN" default:"127.0.0.1:4566"` // the default address is where start would listen
}

// find returns the endpoint of the runtime. The error says what was tried.
func (t target) find(ctx context.Context) (string, error) {
	if t.Endpoint != "" {
		return t.Endpoint, nil
	}
	data := cmp.Or(t.Data, defaultData)
	if app.Held(data) {
		holder, err := app.ReadHolder(data)
		if err != nil || holder.Endpoint == "" {
			return "", fmt.Errorf("a process holds %s, but serves nothing yet", data)
		}
		return holder.Endpoint, nil
	}
	if t.Data != "" {
		return "", fmt.Errorf("no runtime holds %s; start one with `runtime start`, or name its endpoint with --endpoint", data)
	}
	endpoint, err := localEndpoint(t.Listen)
	if err == nil {
		_, err = askStatus(ctx, endpoint)
	}
	if err != nil {
		return "", fmt.Errorf("no runtime holds %s here, and none answers at %s (%w); start one with `runtime start`, or name its data folder or endpoint with --data or --endpoint", data, endpoint, err)
	}
	return endpoint, nil
}

// likely is find without a look at what answers: where the runtime is, or would be.
func (t target) likely() string {
	if t.Endpoint != "" {
		return t.Endpoint
	}
	if data := cmp.Or(t.Data, defaultData); app.Held(data) {
		if holder, err := app.ReadHolder(data); err == nil && holder.Endpoint != "" {
			return holder.Endpoint
		}
	}
	if endpoint, err := localEndpoint(t.Listen); err == nil {
		return endpoint
	}
	return "http://127.0.0.1:4566"
}

// folder returns the data folder that the runtime holds, on this machine.
func (t target) folder(ctx context.Context) (string, error) {
	if t.Endpoint == "" && app.Held(cmp.Or(t.Data, defaultData)) {
		return cmp.Or(t.Data, defaultData), nil
	}
	endpoint, err := t.find(ctx)
	if err != nil {
		return "", err
	}
	s, err := askStatus(ctx, endpoint)
	if err != nil {
		return "", err
	}
	if t.Data != "" {
		if !sameFile(t.Data, s.Folder) {
			return "", fmt.Errorf("the runtime at %s holds %s, not %s: name either --endpoint or --data", endpoint, s.Folder, t.Data)
		}
	}
	// A process id means something to its own machine, or container, alone; a lock
	// that is held here is proof that it is this one.
	holder, err := app.ReadHolder(s.Folder)
	if err != nil || holder.PID != s.PID || !app.Held(s.Folder) {
		return "", fmt.Errorf("the runtime at %s runs elsewhere: nobody here holds its data folder %s; stop it there, in its container or on its machine", endpoint, s.Folder)
	}
	return s.Folder, nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// localEndpoint is the URL of a runtime that listens on an address.
func localEndpoint(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

func askStatus(ctx context.Context, endpoint string) (s admin.Status, err error) {
	body, err := ask(ctx, http.MethodGet, endpoint+"/_runtime/status")
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(body, &s); err != nil {
		return s, fmt.Errorf("what answers at %s is no runtime: %w", endpoint, err)
	}
	return s, nil
}

// ask sends a request to a runtime's own API.
func ask(ctx context.Context, method, url string) ([]byte, error) {
	return send(ctx, method, url, nil)
}

// send is ask with a body.
func send(ctx context.Context, method, url string, body io.Reader) ([]byte, error) {
	resp, err := open(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// open is send for an answer that is to be read as it comes. It is a success.
func open(ctx context.Context, method, url string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		return nil, errors.Join(fmt.Errorf("%s answered %s: %s", url, resp.Status, answer), err)
	}
	return resp, nil
}
