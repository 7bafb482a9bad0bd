package lambda_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
)

// notAllowed is the refusal of what no policy allows to an account.
func notAllowed(account, action, resource string) string {
	return "User: arn:aws:iam::" + account + ":root is not authorized to perform: lambda:" + action + " on resource: " + resource +
		" because no resource-based policy allows the lambda:" + action + " action"
}

// What is another account's cannot be made, seen or changed, whether it is there
// or not, unless its permissions say so.
func TestOtherAccounts(t *testing.T) {
	const stranger = "111111111111"
	w := serve(t)
	w.mustCreate("orders")
	mapping := w.mustMap(queueARN, "orders")
	options := w.Options()
	options.Credentials = credentials.NewStaticCredentialsProvider(stranger, "secret", "")
	theirs := sdk.New(options)
	ctx := t.Context()
	orders, none := aws.String(arnOf+"orders"), aws.String(arnOf+"none")
	source := aws.String("arn:aws:sqs:us-east-1:" + stranger + ":inbox")
	for _, c := range []struct {
		action, resource string
		call             func() error
	}{
		{"CreateFunction", *none, func() error {
			in := w.input("none")
			in.FunctionName = none
			_, err := theirs.CreateFunction(ctx, in)
			return err
		}},
		{"GetFunction", *orders, func() error {
			_, err := theirs.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: orders})
			return err
		}},
		{"GetFunction", *none, func() error { _, err := theirs.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: none}); return err }},
		{"DeleteFunction", *orders, func() error {
			_, err := theirs.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: orders})
			return err
		}},
		{"UpdateFunctionCode", *orders, func() error {
			_, err := theirs.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: orders, ZipFile: zipOf(t, "#!")})
			return err
		}},
		{"UpdateFunctionConfiguration", *orders, func() error {
			_, err := theirs.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: orders})
			return err
		}},
		{"PutFunctionConcurrency", *orders, func() error {
			_, err := theirs.PutFunctionConcurrency(ctx, &sdk.PutFunctionConcurrencyInput{FunctionName: orders, ReservedConcurrentExecutions: aws.Int32(1)})
			return err
		}},
		{"InvokeFunction", *orders, func() error { _, err := theirs.Invoke(ctx, &sdk.InvokeInput{FunctionName: orders}); return err }},
		{"InvokeFunction", *orders + ":$LATEST", func() error {
			_, err := theirs.Invoke(ctx, &sdk.InvokeInput{FunctionName: orders, Qualifier: aws.String("$LATEST")})
			return err
		}},
		{"ListTags", *orders, func() error { _, err := theirs.ListTags(ctx, &sdk.ListTagsInput{Resource: orders}); return err }},
		{"TagResource", *mapping.EventSourceMappingArn, func() error {
			_, err := theirs.TagResource(ctx, &sdk.TagResourceInput{Resource: mapping.EventSourceMappingArn, Tags: map[string]string{"k": "v"}})
			return err
		}},
		{"CreateEventSourceMapping", *orders, func() error {
			_, err := theirs.CreateEventSourceMapping(ctx, &sdk.CreateEventSourceMappingInput{FunctionName: orders, EventSourceArn: source})
			return err
		}},
		{"ListEventSourceMappings", *orders, func() error {
			_, err := theirs.ListEventSourceMappings(ctx, &sdk.ListEventSourceMappingsInput{FunctionName: orders})
			return err
		}},
	} {
		t.Run(c.action, func(t *testing.T) {
			wants(t, c.call(), 403, "AccessDeniedException", notAllowed(stranger, c.action, c.resource))
		})
	}
	_, err := theirs.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: mapping.UUID})
	wants(t, err, 404, "ResourceNotFoundException", "The resource you requested does not exist.")
	_, err = w.ListTags(ctx, &sdk.ListTagsInput{Resource: aws.String(strings.Replace(*orders, "us-east-1", "eu-west-1", 1))})
	wants(t, err, 404, "ResourceNotFoundException", "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')")

	// A permission lets the account in, for its action and no other.
	_, err = w.AddPermission(ctx, &sdk.AddPermissionInput{FunctionName: aws.String("orders"), StatementId: aws.String("s"),
		Action: aws.String("lambda:InvokeFunction"), Principal: aws.String(stranger)})
	must(t, err)
	out, err := theirs.Invoke(ctx, &sdk.InvokeInput{FunctionName: orders, Payload: []byte(`"hello"`)})
	must(t, err)
	if string(out.Payload) != `"hello"` {
		t.Errorf("invoked, it answered %s", out.Payload)
	}
	_, err = theirs.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: orders})
	wants(t, err, 403, "AccessDeniedException", notAllowed(stranger, "GetFunction", *orders))
}

// The refusal has the form of AWS's front door.
func TestRefusalToTheLetter(t *testing.T) {
	w := serve(t)
	req, err := http.NewRequestWithContext(t.Context(), "GET", w.url+"/2015-03-31/functions/arn:aws:lambda:us-east-1:111111111111:function:f", nil)
	must(t, err)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	want := `{"Message":"` + notAllowed(account, "GetFunction", "arn:aws:lambda:us-east-1:111111111111:function:f") + `"}`
	want = strings.Replace(want, "User: arn:aws:iam::000000000000:root", "User: anonymous", 1) // nobody signed
	if string(body) != want || res.StatusCode != 403 || res.Header.Get("X-Amzn-Errortype") != "AccessDeniedException" {
		t.Errorf("%d %s: got %s, want %s", res.StatusCode, res.Header.Get("X-Amzn-Errortype"), body, want)
	}
}
