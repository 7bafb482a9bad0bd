package conformance

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"millrace/cmd/runtime/app"
	"millrace/test/testenv"
)

// A client in a container reaches the runtime by another name than the runtime
// knows: its SDK must tell what to do, whatever the service's protocol.
func TestHostsOfContainers(t *testing.T) {
	env := testenv.Start(t, func(c *app.Config) { c.AllowHosts = []string{"millrace"} })
	by := func(host string) aws.Config {
		cfg := env.AWS.Copy()
		cfg.RetryMaxAttempts = 1
		cfg.BaseEndpoint = aws.String("http://" + host + ":4566")
		cfg.HTTPClient = &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(env.Endpoint, "http://"))
			},
		}}
		return cfg
	}
	calls := map[string]func(aws.Config) error{
		"sqs": func(c aws.Config) error { _, err := sqs.NewFromConfig(c).ListQueues(t.Context(), nil); return err },
		"sns": func(c aws.Config) error { _, err := sns.NewFromConfig(c).ListTopics(t.Context(), nil); return err },
		"lambda": func(c aws.Config) error {
			_, err := lambda.NewFromConfig(c).ListFunctions(t.Context(), nil)
			return err
		},
		"kms": func(c aws.Config) error { _, err := kms.NewFromConfig(c).ListKeys(t.Context(), nil); return err },
		"s3": func(c aws.Config) error {
			_, err := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true }).ListBuckets(t.Context(), nil)
			var api smithy.APIError
			if errors.As(err, &api) && api.ErrorCode() == "NotImplemented" { // it was let in
				return nil
			}
			return err
		},
		"secretsmanager": func(c aws.Config) error {
			_, err := secretsmanager.NewFromConfig(c).ListSecrets(t.Context(), nil)
			return err
		},
		"iam": func(c aws.Config) error { _, err := iam.NewFromConfig(c).ListRoles(t.Context(), nil); return err },
		"mq":  func(c aws.Config) error { _, err := mq.NewFromConfig(c).ListBrokers(t.Context(), nil); return err },
		"sts": func(c aws.Config) error {
			_, err := sts.NewFromConfig(c).GetCallerIdentity(t.Context(), nil)
			return err
		},
	}
	ofEachService(t, calls)
	for service, call := range calls {
		if err := call(by("millrace")); err != nil {
			t.Errorf("%s by an allowed name: %v", service, err)
		}
		var api smithy.APIError
		err := call(by("host.docker.internal"))
		if !errors.As(err, &api) || !strings.HasPrefix(api.ErrorCode(), "AccessDenied") ||
			!strings.HasSuffix(api.ErrorMessage(), "start the runtime with --allow-host host.docker.internal") {
			t.Errorf("%s by another name: %v", service, err)
		}
	}
}
