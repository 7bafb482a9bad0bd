package s3_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// statement is a policy of one statement about the bucket "guarded".
func statement(effect, principal, action, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":` + principal + `,"Action":"` + action + `","Resource":"` + resource + `"}]}`
}

const guarded = "arn:aws:s3:::guarded"

func TestBucketPolicy(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("guarded")
	b.create("guarded")
	b.open("guarded")
	put := func(text string) error {
		_, err := b.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: name, Policy: &text})
		return err
	}
	const none = "NoSuchBucketPolicy: The bucket policy does not exist"
	_, err := b.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: name})
	wants(t, "a new bucket", err, 404, none)
	_, err = b.GetBucketPolicyStatus(ctx, &sdk.GetBucketPolicyStatusInput{Bucket: name})
	wants(t, "the status of none", err, 404, none)
	const malformed = "MalformedPolicy: "
	everyone := statement("Allow", `"*"`, "s3:GetBucketVersioning", guarded)
	for _, c := range []struct{ rule, text, want string }{
		{"no JSON", "policy", malformed + "Policies must be valid JSON and the first byte must be '{'"},
		{"a list", "[]", malformed + "Policies must be valid JSON and the first byte must be '{'"},
		{"no statement", `{"Version":"2012-10-17","Statement":[]}`, malformed + "Could not parse the policy: Statement is empty!"},
		{"no version of the language", strings.Replace(everyone, "2012", "2013", 1), malformed + "The policy must contain a valid version string"},
		{"no principal", strings.Replace(everyone, `"Principal":"*",`, "", 1), malformed + "Missing required field Principal"},
		{"no action", strings.Replace(everyone, `"Action":"s3:GetBucketVersioning",`, "", 1), malformed + "Missing required field Action"},
		{"no resource", strings.Replace(everyone, `,"Resource":"`+guarded+`"`, "", 1), malformed + "Missing required field Resource"},
		{"another bucket", statement("Allow", `"*"`, "s3:GetObject", "arn:aws:s3:::guarded2/*"), malformed + "Policy has invalid resource"},
		{"another service", statement("Allow", `"*"`, "sqs:SendMessage", guarded), malformed + "Policy has invalid action"},
		{"an object's action on the bucket", statement("Allow", `"*"`, "s3:GetObject", guarded), malformed + "Action does not apply to any resource(s) in statement"},
		{"a bucket's action on objects", statement("Allow", `"*"`, "s3:ListBucket", guarded+"/*"), malformed + "Action does not apply to any resource(s) in statement"},
		{"a principal that is none", statement("Allow", `{"AWS":"nobody"}`, "s3:GetObject", guarded+"/*"), malformed + "Invalid principal in policy"},
		{"an object's action on what begins so", statement("Allow", `{"AWS":"`+stranger+`"}`, "s3:GetObject", guarded+"*"), ""},
		{"too long", statement("Allow", `"*"`, "s3:GetObject", guarded+"/"+strings.Repeat("x", 20<<10)), malformed + "Policy exceeds the maximum allowed document size."},
		{"the bucket", everyone, ""},
		{"its objects", statement("Allow", `{"AWS":"`+stranger+`"}`, "s3:*", guarded+"/*"), ""},
		{"all buckets", statement("Allow", `{"AWS":"`+stranger+`"}`, "*", "*"), ""},
	} {
		wants(t, c.rule, put(c.text), 400, c.want)
		if c.want != "" {
			continue
		}
		if got := must(b.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: name}))(t); *got.Policy != c.text {
			t.Errorf("%s: read back %s", c.rule, *got.Policy)
		}
		status := must(b.GetBucketPolicyStatus(ctx, &sdk.GetBucketPolicyStatusInput{Bucket: name}))(t).PolicyStatus
		if public := c.text == everyone; *status.IsPublic != public {
			t.Errorf("%s: public is %v", c.rule, *status.IsPublic)
		}
	}
	for range 2 {
		must(b.DeleteBucketPolicy(ctx, &sdk.DeleteBucketPolicyInput{Bucket: name}))(t)
	}
	_, err = b.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: name})
	wants(t, "after the deletion", err, 404, none)
}

func TestBucketPolicyDecides(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("guarded")
	b.create("guarded")
	b.open("guarded")
	get := func(c *sdk.Client) error {
		_, err := c.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: name})
		return err
	}
	unsigned := func() int {
		res, _ := b.send("GET", "/guarded?versioning", "")
		return res.StatusCode
	}
	put := func(text string) {
		t.Helper()
		must(b.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: name, Policy: &text}))(t)
	}
	everyone := statement("Allow", `"*"`, "s3:GetBucketVersioning", guarded)
	put(everyone)
	wants(t, "everybody: a stranger", get(b.other), 0, "")
	if got := unsigned(); got != 200 {
		t.Errorf("everybody: unsigned is %d", got)
	}
	block := types.PublicAccessBlockConfiguration{BlockPublicPolicy: aws.Bool(true)}
	blocked := func() {
		must(b.PutPublicAccessBlock(ctx, &sdk.PutPublicAccessBlockInput{Bucket: name, PublicAccessBlockConfiguration: &block}))(t)
	}
	blocked()
	_, err := b.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: name, Policy: &everyone})
	wants(t, "a public policy that is blocked", err, 403, "AccessDenied: User: arn:aws:iam::"+account+":root is not authorized to perform: s3:PutBucketPolicy on resource: \""+
		guarded+"\" because public policies are blocked by the BlockPublicPolicy block public access setting.")
	wants(t, "the one that was there", get(b.other), 0, "")
	block.RestrictPublicBuckets = aws.Bool(true)
	blocked()
	wants(t, "a public bucket that is restricted", get(b.other), 403, denied)
	wants(t, "a public bucket that is restricted: the owner", get(b.Client), 0, "")

	put(statement("Allow", `{"AWS":"`+stranger+`"}`, "s3:GetBucketVersioning", guarded))
	wants(t, "a stranger by name", get(b.other), 0, "")
	if got := unsigned(); got != 403 {
		t.Errorf("a stranger by name: unsigned is %d", got)
	}
	_, err = b.other.GetBucketTagging(ctx, &sdk.GetBucketTaggingInput{Bucket: name})
	wants(t, "another action", err, 403, denied)

	put(statement("Deny", `"*"`, "s3:*", guarded))
	wants(t, "the owner, denied", get(b.Client), 403, "AccessDenied: User: arn:aws:iam::"+account+
		":root is not authorized to perform: s3:GetBucketVersioning on resource: \""+guarded+"\" with an explicit deny in a resource-based policy")
	wants(t, "a stranger, denied", get(b.other), 403, denied)
	must(b.DeleteBucketPolicy(ctx, &sdk.DeleteBucketPolicyInput{Bucket: name}))(t)
	wants(t, "the owner, after it", get(b.Client), 0, "")
}
