package iam_test

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"millrace/services/gateway"
	"millrace/test/wholebody"
)

// TestSDK speaks to the service as deployments do: with AWS's own client, over
// HTTP and the query protocol.
func TestSDK(t *testing.T) {
	ctx, s := start(t)
	server := httptest.NewServer(gateway.New(gateway.Config{Services: []gateway.Service{s}, Account: account, Region: "us-east-1"}))
	t.Cleanup(server.Close)
	client := sdk.New(sdk.Options{
		BaseEndpoint:     &server.URL,
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1,
		HTTPClient:       wholebody.Client(),
	})

	for _, name := range []string{"b", "a", "c"} {
		_, err := client.CreateRole(ctx, &sdk.CreateRoleInput{
			RoleName: &name, AssumeRolePolicyDocument: aws.String(trust), Description: aws.String("<&>"),
			Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("ü")}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := client.GetRole(ctx, &sdk.GetRoleInput{RoleName: aws.String("a")})
	if err != nil {
		t.Fatal(err)
	}
	r := got.Role
	if text, _ := url.QueryUnescape(*r.AssumeRolePolicyDocument); text != trust || *r.Description != "<&>" ||
		*r.Tags[0].Value != "ü" || *r.MaxSessionDuration != 3600 || r.CreateDate.Unix() != noon.Unix() || r.RoleLastUsed == nil {
		t.Errorf("got %+v", r)
	}

	var names []string
	for pages := sdk.NewListRolesPaginator(client, &sdk.ListRolesInput{MaxItems: aws.Int32(2)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Roles {
			names = append(names, *r.RoleName)
		}
	}
	if !slices.Equal(names, []string{"a", "b", "c"}) {
		t.Errorf("pages hold %v", names)
	}

	if _, err := client.AttachRolePolicy(ctx, &sdk.AttachRolePolicyInput{
		RoleName: aws.String("a"), PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"),
	}); err != nil {
		t.Error(err)
	}
	_, err = client.DeleteRole(ctx, &sdk.DeleteRoleInput{RoleName: aws.String("a")})
	if conflict := new(types.DeleteConflictException); !errors.As(err, &conflict) {
		t.Errorf("deleting a role in use: %v", err)
	}
	_, err = client.GetRole(ctx, &sdk.GetRoleInput{RoleName: aws.String("none")})
	if missing := new(types.NoSuchEntityException); !errors.As(err, &missing) || missing.ErrorMessage() != "The role with name none cannot be found." {
		t.Errorf("asking for no role: %v", err)
	}
	_, err = client.GetRole(ctx, &sdk.GetRoleInput{RoleName: aws.String("a b")})
	if e := smithy.APIError(nil); !errors.As(err, &e) || e.ErrorCode() != "ValidationError" {
		t.Errorf("a name outside of the model: %v", err)
	}
}
