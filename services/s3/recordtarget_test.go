package s3_test

import (
	"errors"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/policy"
)

// What Lambda has to tell of a failure becomes an object.
func TestEventsBecomeObjects(t *testing.T) {
	b := start(t)
	b.create("records")
	e := delivery.Event{Key: "aws/lambda/async/f/record", Body: []byte(`{"version":"1.0"}`), Source: delivery.Source{Principal: policy.RootPrincipal(account)}}
	deliver := func(to string, e delivery.Event) error {
		t.Helper()
		target := must(b.service.Target(to))(t)
		if _, durable := target.(delivery.DurableTarget); !durable {
			t.Error("a bucket is not durable")
		}
		_, err := target.Deliver(t.Context(), e)
		return err
	}
	for range 2 { // an outbox may deliver twice
		if err := deliver("arn:aws:s3:::records", e); err != nil {
			t.Fatal(err)
		}
	}
	out := must(b.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("records"), Key: &e.Key}))(t)
	if got := must(io.ReadAll(out.Body))(t); string(got) != string(e.Body) || out.ServerSideEncryption != "AES256" {
		t.Errorf("got %s, %s", got, out.ServerSideEncryption)
	}
	if n := len(must(b.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String("records")}))(t).Contents); n != 1 {
		t.Errorf("%d objects", n)
	}

	foreign := e
	foreign.Source.Principal = policy.RootPrincipal(stranger)
	for _, c := range []struct {
		rule string
		err  error
		want fault.Code
	}{
		{"no bucket", deliver("arn:aws:s3:::none", e), fault.NotFound},
		{"no key", deliver("arn:aws:s3:::records", delivery.Event{Source: e.Source}), fault.Invalid},
		{"a stranger", deliver("arn:aws:s3:::records", foreign), fault.Denied},
	} {
		if !errors.Is(c.err, c.want) || !delivery.IsFinal(c.err) {
			t.Errorf("%s: got %v, want %s", c.rule, c.err, c.want)
		}
	}
	for _, name := range []string{"arn:aws:s3:::", "arn:aws:s3:::b/k", "arn:aws:sqs:::b"} {
		if _, err := b.service.Target(name); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
