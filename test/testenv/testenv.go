// Package testenv runs a whole Millrace inside a test.
//
// [Start] brings a runtime up on a free port, with a data folder of its own, and
// stops it when the test ends. [Bubble] does the same inside a testing/synctest
// bubble: there twelve hours of visibility pass at once, the AWS SDK talks to
// the runtime through memory, and functions are Go handlers.
//
//	func TestOrders(t *testing.T) {
//		env := testenv.Start(t)
//		env.Handle("orders", func(ctx context.Context, e events.SQSEvent) error { … })
//		client := sqs.NewFromConfig(env.AWS)
//		…
//	}
//
// MILLRACE_HTTP=std has net/http serve them all, as the flag of the runtime does.
//
// It promises: nothing listens beyond loopback, nothing is left behind, and any
// number of environments run beside each other.
package testenv

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"millrace/cmd/runtime/app"
	"millrace/runtime/function"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/test/wholebody"
)

// stopping is how long a runtime may take to stop: whatever a busy machine needs.
const stopping = 5 * time.Minute

// An Env is a running runtime and how to reach it.
type Env struct {
	// AWS is a configuration for any AWS SDK client: the runtime's endpoint,
	// region us-east-1, and keys of account 000000000000.
	AWS aws.Config
	// HTTP sends requests that no SDK makes, with bodies that stream.
	HTTP *http.Client
	// Endpoint is the same as a URL, for other clients: http://127.0.0.1:PORT.
	Endpoint string
	// App is the runtime itself.
	App *app.App

	t testing.TB
}

// An Option changes the configuration of the runtime before it starts.
type Option func(*app.Config)

// WithData keeps the data in dir, so that another Start can find it again.
func WithData(dir string) Option { return func(c *app.Config) { c.Data = dir } }

// WithLog sends the runtime's log to the test's.
func WithLog(t testing.TB) Option {
	return func(c *app.Config) { c.Log = slog.New(slog.NewTextHandler(t.Output(), nil)) }
}

// Start runs a runtime on a free port until the test ends.
func Start(t testing.TB, opts ...Option) *Env {
	t.Helper()
	return start(t, &app.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), AllowReset: true, SNS: app.SNS{CertListen: "127.0.0.1:0"}}, nil, opts)
}

// Bubble runs f with a runtime inside a synctest bubble. Time in there is a
// clock that jumps whenever everyone waits. Functions with a zip need a process
// and cannot run inside; [Env.Handle] can.
func Bubble(t *testing.T, f func(*testing.T, *Env), opts ...Option) {
	t.Helper()
	backbonetest.Outside()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		transport := &http.Transport{DialContext: l.dial}
		t.Cleanup(transport.CloseIdleConnections)
		f(t, start(t, &app.Config{Listener: l, Data: dir, AllowReset: true, SNS: app.SNS{CertListener: newPipeListener()}}, transport, opts))
	})
}

func start(t testing.TB, cfg *app.Config, transport *http.Transport, opts []Option) *Env {
	t.Helper()
	cfg.HTTP = os.Getenv("MILLRACE_HTTP")
	for _, o := range opts {
		o(cfg)
	}
	a := app.New(*cfg)
	if err := a.Start(t.Context()); err != nil {
		t.Fatalf("starting Millrace: %v", err)
	}
	if transport == nil {
		transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), stopping)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Errorf("stopping Millrace, for which a test gives it %v: %v", stopping, err)
		}
	})
	return &Env{
		AWS: aws.Config{
			Region:       "us-east-1",
			Credentials:  credentials.NewStaticCredentialsProvider("000000000000", "secret", ""),
			BaseEndpoint: aws.String(a.Endpoint()),
			HTTPClient:   &http.Client{Transport: wholebody.Transport(transport)},
		},
		HTTP:     &http.Client{Transport: transport},
		Endpoint: a.Endpoint(),
		App:      a,
		t:        t,
	}
}

// Handle deploys a Go handler under a name: any function that lambda.Start
// would take. Its time-out is Lambda's default of 3 seconds.
func (e *Env) Handle(name string, handler any) {
	e.t.Helper()
	err := e.App.Register(e.t.Context(), function.Function{Name: name}, lambda.NewHandler(handler))
	if err != nil {
		e.t.Fatalf("deploying %s: %v", name, err)
	}
}
