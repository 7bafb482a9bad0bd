package sns_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
	"millrace/runtime/topic"
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
	url    string
	t      *testing.T
}

// start serves SNS alone, over HTTP.
func start(t *testing.T, o sns.Options) *bench {
	t.Helper()
	store := record.New(backbonetest.Start(t, t.TempDir()).JetStream(), nil)
	if err := store.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := &bench{topics: topic.New(topic.Config{Records: store, Now: time.Now}), t: t}
	if err := b.topics.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gateway.New(gateway.Config{Services: []gateway.Service{sns.New(b.topics, o)}, Account: account, Region: region}))
	t.Cleanup(func() {
		server.Close()
		if err := errors.Join(b.topics.Stop(context.Background()), store.Stop(context.Background())); err != nil {
			t.Error(err)
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

var fifo = map[string]string{"FifoTopic": "true"}

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
