package sns_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"millrace/runtime/delivery"
	"millrace/runtime/lifecycle"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
	"millrace/runtime/topic"
	"millrace/runtime/topic/fifo"
	"millrace/services/gateway"
	"millrace/services/sns"
	"millrace/test/wholebody"
)

const (
	account  = "111111111111"
	stranger = "222222222222"
	region   = "eu-west-1"
	prefix   = "arn:aws:sns:" + region + ":" + account + ":"
	queueARN = "arn:aws:sqs:" + region + ":" + account + ":q"
)

// A bench is a service with clients of two accounts.
type bench struct {
	*sdk.Client
	other  *sdk.Client
	topics *topic.Topics
	mail   chan delivery.Event // what was asked to be delivered to subscribers
	later  atomic.Int64        // how much later it is for the topics than by the clock, in nanoseconds
	url    string
	t      *testing.T
}

// An outbox keeps what is put into it.
type outbox chan delivery.Event

func (o outbox) Put(_ context.Context, _ string, e delivery.Event, _ delivery.Policy) error {
	o <- e
	return nil
}

func (o outbox) PutAll(_ context.Context, all []delivery.Delivery) error {
	for _, d := range all {
		o <- d.Event
	}
	return nil
}

// A signer signs nothing.
type signer struct{}

func (signer) URL(context.Context, string) (string, error) { return "https://localhost/cert.pem", nil }
func (signer) Finish(body string) string                   { return body }

// start serves SNS alone, over HTTP.
func start(t *testing.T, o sns.Options) *bench {
	t.Helper()
	backbone := backbonetest.Start(t, t.TempDir())
	store := record.New(backbone.JetStream(), nil)
	logs := fifo.New(fifo.Config{Backbone: backbone, Records: store})
	b := &bench{mail: make(chan delivery.Event, 10), t: t}
	b.topics = topic.New(topic.Config{Records: store, Logs: logs, Outbox: outbox(b.mail), Signer: signer{}, Now: func() time.Time { return time.Now().Add(time.Duration(b.later.Load())) }})
	parts := []lifecycle.Part{store, logs, b.topics}
	for _, p := range parts {
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(gateway.New(gateway.Config{Services: []gateway.Service{sns.New(b.topics, o)}, Account: account, Region: region}))
	t.Cleanup(func() {
		server.Close()
		for _, p := range slices.Backward(parts) {
			if err := p.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	b.url = server.URL
	b.Client, b.other = b.client(account, region), b.client(stranger, region)
	return b
}

func (b *bench) client(account, region string) *sdk.Client {
	return sdk.New(sdk.Options{
		BaseEndpoint: &b.url, Region: region, RetryMaxAttempts: 1, HTTPClient: wholebody.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(account, "test", ""),
	})
}

// must is v, unless the call that made it failed.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// second is the error of a call.
func second[T any](_ T, err error) error { return err }

// refused fails the test unless err is an error of AWS with that code and text.
func refused(t *testing.T, what string, err error, code, text string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || e.ErrorMessage() != text {
		t.Errorf("%s: %v, want %s: %s", what, err, code, text)
	}
}

// invalid is refused for the commonest error.
func invalid(t *testing.T, what string, err error, text string) {
	t.Helper()
	refused(t, what, err, "InvalidParameter", "Invalid parameter: "+text)
}

// raw sends a query that is not signed, and returns the status and the body.
func (b *bench) raw(query string) (int, string) {
	b.t.Helper()
	res := must(http.Get(b.url + "/?" + query))(b.t)
	defer res.Body.Close()
	return res.StatusCode, string(must(io.ReadAll(res.Body))(b.t))
}

func (b *bench) createTopic(name string, attributes map[string]string) string {
	b.t.Helper()
	return *must(b.CreateTopic(b.t.Context(), &sdk.CreateTopicInput{Name: &name, Attributes: attributes}))(b.t).TopicArn
}

var fifoTopic = map[string]string{"FifoTopic": "true"}

func (b *bench) subscribe(topic, protocol, endpoint string, attributes map[string]string) (string, error) {
	b.t.Helper()
	out, err := b.Subscribe(b.t.Context(), &sdk.SubscribeInput{
		TopicArn: &topic, Protocol: &protocol, Endpoint: &endpoint, Attributes: attributes, ReturnSubscriptionArn: true,
	})
	if err != nil {
		return "", err
	}
	return *out.SubscriptionArn, nil
}

func (b *bench) subscription(arn string) map[string]string {
	b.t.Helper()
	return must(b.GetSubscriptionAttributes(b.t.Context(), &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &arn}))(b.t).Attributes
}

func (b *bench) topic(arn string) map[string]string {
	b.t.Helper()
	return must(b.GetTopicAttributes(b.t.Context(), &sdk.GetTopicAttributesInput{TopicArn: &arn}))(b.t).Attributes
}
