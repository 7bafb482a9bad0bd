package sns_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"

	"millrace/services/sns"
)

func TestSMSAttributes(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	get := func(names ...string) map[string]string {
		return must(b.GetSMSAttributes(ctx, &sdk.GetSMSAttributesInput{Attributes: names}))(t).Attributes
	}
	set := func(attributes map[string]string) error {
		return second(b.SetSMSAttributes(ctx, &sdk.SetSMSAttributesInput{Attributes: attributes}))
	}
	want := map[string]string{"MonthlySpendLimit": "1"}
	if got := get(); !maps.Equal(got, want) {
		t.Errorf("of a new account: %v", got)
	}
	for _, attributes := range []map[string]string{
		{"DefaultSMSType": "Transactional", "DefaultSenderID": "Mill"}, {"DefaultSMSType": "Promotional", "MonthlySpendLimit": "5", "DeliveryStatusSuccessSamplingRate": "100"},
	} {
		if err := set(attributes); err != nil {
			t.Fatal(err)
		}
		maps.Copy(want, attributes)
		if got := get(); !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if got := get("DefaultSenderID", "UsageReportS3Bucket"); !maps.Equal(got, map[string]string{"DefaultSenderID": "Mill"}) {
		t.Errorf("some: %v", got)
	}
	for name, c := range map[string]struct{ value, text string }{
		"Pigeon": {"x", "Pigeon is not a valid attribute"}, "DefaultSMSType": {"x", "DefaultSMSType is invalid"},
		"DeliveryStatusSuccessSamplingRate": {"101", "DeliveryStatusSuccessSamplingRate is invalid"}, "MonthlySpendLimit": {"much", "MonthlySpendLimit is invalid"},
	} {
		refused(t, name, set(map[string]string{"DefaultSenderID": "Wheel", name: c.value}), "InvalidParameter", c.text)
	}
	refused(t, "an unknown one", second(b.GetSMSAttributes(ctx, &sdk.GetSMSAttributesInput{Attributes: []string{"Pigeon"}})), "InvalidParameter", "Pigeon is not a valid attribute")
	if got := get(); !maps.Equal(got, want) {
		t.Errorf("something of a refused call was set: %v", got)
	}
	if got := must(b.other.GetSMSAttributes(ctx, &sdk.GetSMSAttributesInput{}))(t).Attributes; len(got) != 1 {
		t.Errorf("of another account: %v", got)
	}
}

// An account has no numbers that opted out, none in the sandbox, and none of its own.
func TestPhoneNumbers(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	number, bad := aws.String("+14155550100"), aws.String("+not-a-number")
	const text = "PhoneNumber Reason: input incorrectly formatted"
	if must(b.CheckIfPhoneNumberIsOptedOut(ctx, &sdk.CheckIfPhoneNumberIsOptedOutInput{PhoneNumber: number}))(t).IsOptedOut {
		t.Error("a number has opted out")
	}
	invalid(t, "check", second(b.CheckIfPhoneNumberIsOptedOut(ctx, &sdk.CheckIfPhoneNumberIsOptedOutInput{PhoneNumber: bad})), text)
	must(b.OptInPhoneNumber(ctx, &sdk.OptInPhoneNumberInput{PhoneNumber: number}))(t)
	invalid(t, "opt in", second(b.OptInPhoneNumber(ctx, &sdk.OptInPhoneNumberInput{PhoneNumber: bad})), text)
	if n := len(must(b.ListPhoneNumbersOptedOut(ctx, &sdk.ListPhoneNumbersOptedOutInput{}))(t).PhoneNumbers) +
		len(must(b.ListSMSSandboxPhoneNumbers(ctx, &sdk.ListSMSSandboxPhoneNumbersInput{}))(t).PhoneNumbers) +
		len(must(b.ListOriginationNumbers(ctx, &sdk.ListOriginationNumbersInput{}))(t).PhoneNumbers); n != 0 {
		t.Errorf("%d numbers", n)
	}
	if !must(b.GetSMSSandboxAccountStatus(ctx, &sdk.GetSMSSandboxAccountStatusInput{}))(t).IsInSandbox {
		t.Error("the account is out of the sandbox")
	}
	refused(t, "create", second(b.CreateSMSSandboxPhoneNumber(ctx, &sdk.CreateSMSSandboxPhoneNumberInput{PhoneNumber: number})), "UserError", "Phone numbers of the SMS sandbox are not supported by Millrace.")
	const none = "Phone number does not exist in the SMS sandbox"
	refused(t, "verify", second(b.VerifySMSSandboxPhoneNumber(ctx, &sdk.VerifySMSSandboxPhoneNumberInput{PhoneNumber: number, OneTimePassword: aws.String("123456")})), "ResourceNotFound", none)
	refused(t, "delete", second(b.DeleteSMSSandboxPhoneNumber(ctx, &sdk.DeleteSMSSandboxPhoneNumberInput{PhoneNumber: number})), "ResourceNotFound", none)
	if status, body := b.raw("Action=GetSMSAttributes&Version=2010-03-31"); status != 403 || !strings.Contains(body, "<Code>MissingAuthenticationToken</Code>") {
		t.Errorf("nobody's attributes: %d %s", status, body)
	}
}

// No credentials of push services are good, so there are no platform applications.
func TestPlatformApplications(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	secret, id := "PlatformCredential", "PlatformPrincipal"
	const digits = "must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'"
	for _, c := range []struct {
		platform, name string
		attributes     map[string]string
		text           string
	}{
		{"ADM", "mill.app_1-a", map[string]string{secret: "x", id: "y"}, "Attributes Reason: Platform credentials are invalid"},
		{"GCM", "mill", map[string]string{secret: "x"}, "Attributes Reason: Platform credentials are invalid"},
		{"PIGEON", "mill", map[string]string{}, "Platform Reason: PIGEON is not supported"}, {"ADM", "a b", map[string]string{}, "a b Reason: " + digits}, {"ADM", "ä", map[string]string{}, "ä Reason: " + digits},
		{"ADM", strings.Repeat("a", 257), map[string]string{}, strings.Repeat("a", 257) + " Reason: must be at most 256 characters long"}, {"ADM", "", map[string]string{}, " Reason: cannot be empty"},
		{"APNS", "mill", map[string]string{secret: "x"}, "Attributes Reason: PlatformCredential attribute provided without PlatformPrincipal"},
		{"APNS", "mill", map[string]string{id: "x"}, "Attributes Reason: PlatformPrincipal attribute provided without PlatformCredential"},
	} {
		err := second(b.CreatePlatformApplication(ctx, &sdk.CreatePlatformApplicationInput{Platform: &c.platform, Name: &c.name, Attributes: c.attributes}))
		if len(c.attributes) > 0 || err == nil || !strings.Contains(err.Error(), "ValidationError") { // an empty map is not sent
			invalid(t, c.platform+" "+c.name, err, c.text)
		}
	}
	if all := must(b.ListPlatformApplications(ctx, &sdk.ListPlatformApplicationsInput{}))(t).PlatformApplications; len(all) != 0 {
		t.Errorf("applications: %v", all)
	}
	app, endpoint := aws.String(prefix+"app/ADM/mill"), aws.String(prefix+"endpoint/ADM/mill/1234")
	const noApp, noEndpoint = "PlatformApplication does not exist", "Endpoint does not exist"
	attributes := map[string]string{"Enabled": "true"}
	refused(t, "get", second(b.GetPlatformApplicationAttributes(ctx, &sdk.GetPlatformApplicationAttributesInput{PlatformApplicationArn: app})), "NotFound", noApp)
	refused(t, "set", second(b.SetPlatformApplicationAttributes(ctx, &sdk.SetPlatformApplicationAttributesInput{PlatformApplicationArn: app, Attributes: attributes})), "NotFound", noApp)
	refused(t, "list endpoints", second(b.ListEndpointsByPlatformApplication(ctx, &sdk.ListEndpointsByPlatformApplicationInput{PlatformApplicationArn: app})), "NotFound", noApp)
	refused(t, "create endpoint", second(b.CreatePlatformEndpoint(ctx, &sdk.CreatePlatformEndpointInput{PlatformApplicationArn: app, Token: aws.String("x")})), "NotFound", noApp)
	refused(t, "get endpoint", second(b.GetEndpointAttributes(ctx, &sdk.GetEndpointAttributesInput{EndpointArn: endpoint})), "NotFound", noEndpoint)
	refused(t, "set endpoint", second(b.SetEndpointAttributes(ctx, &sdk.SetEndpointAttributesInput{EndpointArn: endpoint, Attributes: attributes})), "NotFound", noEndpoint)
	must(b.DeletePlatformApplication(ctx, &sdk.DeletePlatformApplicationInput{PlatformApplicationArn: app}))(t)
	must(b.DeleteEndpoint(ctx, &sdk.DeleteEndpointInput{EndpointArn: endpoint}))(t)
	for arn, text := range map[string]string{
		"x": "EndpointArn Reason: An ARN must have at least 6 elements, not 1", prefix + "endpoint/ADM": "EndpointArn Reason: Wrong number of slashes in relative portion of the ARN.",
		"arn:aws:sns:us-east-1:" + account + ":endpoint/ADM/mill/1234": "EndpointArn",
	} {
		invalid(t, arn, second(b.GetEndpointAttributes(ctx, &sdk.GetEndpointAttributesInput{EndpointArn: &arn})), text)
	}
}
