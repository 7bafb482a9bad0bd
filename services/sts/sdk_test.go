package sts_test

import (
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"

	"millrace/services/gateway"
	"millrace/test/wholebody"
)

// TestSDK assumes a role as programs do: with a provider of credentials, which
// the next client signs with.
func TestSDK(t *testing.T) {
	ctx, s, _ := start(t)
	server := httptest.NewServer(gateway.New(gateway.Config{Services: []gateway.Service{s}, Account: account, Region: "us-east-1"}))
	t.Cleanup(server.Close)
	options := sdk.Options{
		BaseEndpoint:     &server.URL,
		Region:           "eu-west-1",
		Credentials:      credentials.NewStaticCredentialsProvider("333333333333", "test", ""),
		RetryMaxAttempts: 1,
		HTTPClient:       wholebody.Client(),
	}
	client := sdk.New(options)
	self, err := client.GetCallerIdentity(ctx, &sdk.GetCallerIdentityInput{})
	if err != nil || *self.Account != "333333333333" || *self.Arn != "arn:aws:iam::333333333333:root" {
		t.Errorf("got %+v, %v", self, err)
	}

	options.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, worker, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "session"
	}))
	assumed, err := sdk.New(options).GetCallerIdentity(ctx, &sdk.GetCallerIdentityInput{})
	if err != nil || *assumed.Account != "222222222222" || *assumed.Arn != "arn:aws:sts::222222222222:assumed-role/worker/session" {
		t.Errorf("got %+v, %v", assumed, err)
	}
}
