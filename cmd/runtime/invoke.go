package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"millrace/runtime/sandbox"
	"millrace/runtime/sandbox/gobuild"
)

type invokeCmd struct {
	Dir      string            `arg:"" optional:"" type:"path" help:"Folder of the handler's main package, built and run here."`
	Event    string            `default:"-" placeholder:"FILE" help:"File with the event's JSON; - reads standard input."`
	Function string            `placeholder:"NAME" help:"Invoke a deployed function of a running runtime instead of building one."`
	Env      map[string]string `placeholder:"NAME=VALUE" help:"Environment variables of the handler."`
	Timeout  time.Duration     `default:"15m" help:"Longest time the handler may take, 1s to 15m."`
	Memory   int               `default:"1024" help:"Memory of the handler, in MB."`

	target
}

// Run prints the handler's result on standard output and its log on standard
// error. It fails with exit code 1 when the function failed; the result is then
// the error that a caller of Lambda would see.
func (c *invokeCmd) Run(ctx context.Context, term terminal) error {
	if (c.Dir == "") == (c.Function == "") {
		return errors.New("name either the folder of a handler or, with --function, a deployed function")
	}
	event, err := c.readEvent(term.in)
	if err != nil {
		return err
	}
	run := c.runHere
	if c.Function != "" {
		run = c.runDeployed
	}
	payload, failure, err := run(ctx, event, shown(term.err))
	if err != nil {
		return err
	}
	fmt.Fprintf(shown(term.out), "%s\n", bytes.TrimRight(payload, "\n"))
	if failure != "" {
		return exitError(1)
	}
	return nil
}

func (c *invokeCmd) readEvent(in io.Reader) (event []byte, err error) {
	if c.Event == "-" {
		event, err = io.ReadAll(in)
	} else {
		event, err = os.ReadFile(c.Event)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the event: %w", err)
	}
	if !json.Valid(event) {
		return nil, errors.New("the event is not JSON")
	}
	return event, nil
}

// runHere builds the handler and runs it in a sandbox of its own. The log is
// written as it comes.
func (c *invokeCmd) runHere(ctx context.Context, event []byte, log io.Writer) (payload []byte, failure string, err error) {
	dir, err := os.MkdirTemp("", "millrace-invoke-")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir)
	if err := gobuild.Build(ctx, c.Dir, filepath.Join(dir, "bootstrap")); err != nil {
		return nil, "", err
	}
	var mu sync.Mutex // standard output and error come side by side
	pool := sandbox.New(sandbox.Config{Endpoint: c.awsEndpoint, OnLog: func(l sandbox.Line) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(log, "%s\n", l.Text)
	}})
	if err := pool.Start(ctx); err != nil {
		return nil, "", err
	}
	name := filepath.Base(c.Dir)
	arn := "arn:aws:lambda:us-east-1:000000000000:function:" + name
	result, err := pool.Invoke(ctx, sandbox.Spec{
		Key: "invoke", ARN: arn, Name: name, Version: "$LATEST", Account: "000000000000", Region: "us-east-1",
		Runtime: "provided.al2023", Handler: "bootstrap", Code: sandbox.Folder(dir),
		Timeout: c.Timeout, MemoryMB: c.Memory, Env: c.environment(),
	}, sandbox.Request{ID: uuid.NewString(), Payload: event, InvokedARN: arn})
	err = errors.Join(err, pool.Stop(ctx))
	return result.Payload, result.FunctionError, err
}

// awsEndpoint is where the handler's SDK finds AWS: where ours would, else a runtime
// of this machine, whether one runs or not. It is never AWS itself by accident.
func (c *invokeCmd) awsEndpoint() string {
	if named := os.Getenv("AWS_ENDPOINT_URL"); named != "" {
		return named
	}
	return c.likely()
}

// environment is what the handler gets beside Lambda's variables. As on Lambda, it
// finds no profiles: their credentials are good for AWS itself.
func (c *invokeCmd) environment() map[string]string {
	env := map[string]string{"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true"}
	maps.Copy(env, c.Env)
	return env
}

// runDeployed invokes a function through the Lambda API, as any client would.
func (c *invokeCmd) runDeployed(ctx context.Context, event []byte, log io.Writer) (payload []byte, failure string, err error) {
	endpoint, err := c.find(ctx)
	if err != nil {
		return nil, "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		endpoint+"/2015-03-31/functions/"+url.PathEscape(c.Function)+"/invocations", bytes.NewReader(event))
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("X-Amz-Log-Type", "Tail")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	payload, err = io.ReadAll(resp.Body)
	if err != nil {
		return nil, "", err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("invoking %s: %s: %s", c.Function, resp.Status, payload)
	}
	tail, err := base64.StdEncoding.DecodeString(resp.Header.Get("X-Amz-Log-Result"))
	if err != nil {
		return nil, "", fmt.Errorf("reading the log: %w", err)
	}
	_, err = log.Write(tail)
	return payload, resp.Header.Get("X-Amz-Function-Error"), err
}
