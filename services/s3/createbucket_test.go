package s3_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func in(name string, constraint string) *sdk.CreateBucketInput {
	input := &sdk.CreateBucketInput{Bucket: &name}
	if constraint != "" {
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(constraint)}
	}
	return input
}

func TestCreateBucketWhere(t *testing.T) {
	b := start(t)
	const (
		invalid = "InvalidLocationConstraint: The specified location-constraint is not valid"
		illegal = "IllegalLocationConstraintException: The %s location constraint is incompatible for the region specific endpoint this request was sent to."
	)
	for i, c := range []struct {
		region, constraint string
		want               string // an error, or
		location, readBack string
	}{
		{"us-east-1", "", "", "/", ""},
		{"us-east-1", "us-east-1", invalid, "", ""},
		{"us-east-1", "aws-global", invalid, "", ""},
		{"us-east-1", "atlantis", invalid, "", ""},
		{"us-east-1", "us-west-2", "", "http://", "us-west-2"},
		{"us-east-1", "EU", "", "http://", "EU"},
		{"eu-west-1", "eu-west-1", "", "http://", "eu-west-1"},
		{"eu-west-1", "EU", "", "http://", "EU"},
		{"eu-west-1", "", strings.ReplaceAll(illegal, "%s", "unspecified"), "", ""},
		{"eu-west-1", "us-east-1", strings.ReplaceAll(illegal, "%s", "us-east-1"), "", ""},
		{"eu-central-1", "EU", strings.ReplaceAll(illegal, "%s", "EU"), "", ""},
	} {
		rule := c.constraint + " asked for in " + c.region
		name := "bucket-" + string(rune('a'+i))
		client := b.client(account, c.region)
		out, err := client.CreateBucket(t.Context(), in(name, c.constraint))
		wants(t, rule, err, 400, c.want)
		if err != nil {
			continue
		}
		location := "/" + name
		if c.location != "/" {
			location = "http://" + name + ".s3.amazonaws.com/"
		}
		if *out.Location != location || aws.ToString(out.BucketArn) != "arn:aws:s3:::"+name {
			t.Errorf("%s: Location %s, ARN %s", rule, *out.Location, aws.ToString(out.BucketArn))
		}
		got, err := b.GetBucketLocation(t.Context(), &sdk.GetBucketLocationInput{Bucket: &name})
		if err != nil || string(got.LocationConstraint) != c.readBack {
			t.Errorf("%s: read back %+v, %v", rule, got, err)
		}
	}
}

func TestCreateBucketNames(t *testing.T) {
	b := start(t)
	const invalid = "InvalidBucketName: The specified bucket is not valid."
	const mine, other = "data-" + account + "-us-east-1-an", "data-" + stranger + "-us-east-1-an"
	for _, c := range []struct{ rule, name, namespace, want string }{
		{"shortest", "abc", "", ""},
		{"longest", strings.Repeat("a", 63), "", ""},
		{"dots and dashes", "a.b-c.1", "", ""},
		{"like an address, but longer", "192.168.0.1.5", "", ""},
		{"too short", "ab", "", invalid},
		{"too long", strings.Repeat("a", 64), "", invalid},
		{"capital letters", "Abc", "", invalid},
		{"underscore", "a_b", "", invalid},
		{"dash in front", "-abc", "", invalid},
		{"dot at the end", "abc.", "", invalid},
		{"two dots", "a..b", "", invalid},
		{"an address", "192.168.0.1", "", invalid},
		{"reserved prefix", "xn--abc", "", invalid},
		{"reserved suffix", "abc-s3alias", "", invalid},
		{"global by name", "abd", "global", ""},
		{"no such namespace", "abe", "local", "InvalidArgument: Invalid x-amz-bucket-namespace header: local"},
		{"of the account", mine, "account-regional", ""},
		{"of the account, without saying so", "x" + mine, "", "MissingNamespaceHeader: The requested bucket is an account-regional namespace bucket, but the x-amz-bucket-namespace header is missing from the request."},
		{"of another account", other, "account-regional", "InvalidBucketNamespace: The requested bucket is an account-regional namespace bucket, but the requested AWS Account ID '" +
			stranger + "' does not match the caller's AWS Account ID '" + account + "'. Specify the caller's AWS Account ID in the bucket name."},
		{"of another region", "data-" + account + "-eu-west-1-an", "account-regional",
			"InvalidBucketNamespace: The requested bucket is an account-regional namespace bucket, but the requested region 'eu-west-1' does not match the current region 'us-east-1'. Specify the targeted region in the bucket name."},
		{"of the account, with another name", "plain", "account-regional", invalid},
		{"ends as those of accounts", "plain-an", "", invalid},
	} {
		input := in(c.name, "")
		input.BucketNamespace = types.BucketNamespace(c.namespace)
		_, err := b.CreateBucket(t.Context(), input)
		wants(t, c.rule, err, 400, c.want)
	}
	input := in(mine, "")
	input.BucketNamespace = "account-regional"
	_, err := b.CreateBucket(t.Context(), input)
	wants(t, "of the account, again", err, 409, ownedByYou)
}

const ownedByYou = "BucketAlreadyOwnedByYou: Your previous request to create the named bucket succeeded and you already own it."

func TestCreateBucketAgain(t *testing.T) {
	b := start(t)
	europe := b.client(account, "eu-west-1")
	b.create("here")
	must(europe.CreateBucket(t.Context(), in("there", "eu-west-1")))(t)
	tagged := func(tags ...types.Tag) *sdk.CreateBucketInput {
		input := in("here", "")
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{Tags: tags}
		return input
	}
	for _, c := range []struct {
		rule   string
		client *sdk.Client
		input  *sdk.CreateBucketInput
		want   string
	}{
		{"in us-east-1", b.Client, in("here", ""), ""},
		{"with tags", b.Client, tagged(types.Tag{Key: aws.String("a"), Value: aws.String("1")}), ownedByYou},
		{"with a list of no tags", b.Client, tagged(), ""},
		{"elsewhere", europe, in("there", "eu-west-1"), ownedByYou},
		{"from another region", europe, in("here", "eu-west-1"), ownedByYou},
		{"by somebody else", b.other, in("here", ""), "BucketAlreadyExists: The requested bucket name is not available. " +
			"The bucket namespace is shared by all users of the system. Please select a different name and try again."},
	} {
		_, err := c.client.CreateBucket(t.Context(), c.input)
		wants(t, c.rule, err, 409, c.want)
	}
}

func TestNewBuckets(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	input := in("new", "")
	input.CreateBucketConfiguration = &types.CreateBucketConfiguration{Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}}}
	must(b.CreateBucket(ctx, input))(t)
	name := aws.String("new")
	own := must(b.GetBucketOwnershipControls(ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: name}))(t)
	if r := own.OwnershipControls.Rules; len(r) != 1 || r[0].ObjectOwnership != types.ObjectOwnershipBucketOwnerEnforced {
		t.Errorf("ownership: %+v", r)
	}
	block := must(b.GetPublicAccessBlock(ctx, &sdk.GetPublicAccessBlockInput{Bucket: name}))(t).PublicAccessBlockConfiguration
	for _, on := range []*bool{block.BlockPublicAcls, block.BlockPublicPolicy, block.IgnorePublicAcls, block.RestrictPublicBuckets} {
		if !aws.ToBool(on) {
			t.Errorf("public access block: %+v", block)
		}
	}
	rules := must(b.GetBucketEncryption(ctx, &sdk.GetBucketEncryptionInput{Bucket: name}))(t).ServerSideEncryptionConfiguration.Rules
	if len(rules) != 1 || rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm != "AES256" || aws.ToBool(rules[0].BucketKeyEnabled) ||
		rules[0].BlockedEncryptionTypes == nil || rules[0].BlockedEncryptionTypes.EncryptionType[0] != "SSE-C" {
		t.Errorf("encryption: %+v", rules)
	}
	tags := must(b.GetBucketTagging(ctx, &sdk.GetBucketTaggingInput{Bucket: name}))(t).TagSet
	if len(tags) != 1 || *tags[0].Key != "team" || *tags[0].Value != "blue" {
		t.Errorf("tags: %+v", tags)
	}
	if v := must(b.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: name}))(t); v.Status != "" || v.MFADelete != "" {
		t.Errorf("versioning: %+v", v)
	}
}

// rclone makes buckets with the ACL private, and puts objects with it.
func TestCreatePrivateBucket(t *testing.T) {
	b := start(t)
	must(b.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: aws.String("private"), ACL: "private"}))(t)
	must(b.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("private"), Key: aws.String("k"), ACL: "private"}))(t)
	got := must(b.GetBucketOwnershipControls(t.Context(), &sdk.GetBucketOwnershipControlsInput{Bucket: aws.String("private")}))(t)
	if rules := got.OwnershipControls.Rules; rules[0].ObjectOwnership != "BucketOwnerPreferred" {
		t.Errorf("got %+v", rules)
	}
	must(b.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: aws.String("enforced"), ACL: "private", ObjectOwnership: "BucketOwnerEnforced"}))(t)
	_, err := b.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("enforced"), Key: aws.String("k"), ACL: "private"})
	if err == nil || !strings.Contains(err.Error(), "AccessControlListNotSupported") {
		t.Errorf("an ACL where the owner is enforced: %v", err)
	}
}

func TestCreateBucketRefuses(t *testing.T) {
	b := start(t)
	for _, c := range []struct {
		rule   string
		change func(*sdk.CreateBucketInput)
		status int
		want   string
	}{
		{"private", func(in *sdk.CreateBucketInput) { in.ACL = "private" }, 0, ""},
		{"no such ownership", func(in *sdk.CreateBucketInput) { in.ObjectOwnership = "Nobody" }, 400,
			"InvalidArgument: Invalid x-amz-object-ownership header: Nobody"},
		{"a public list", func(in *sdk.CreateBucketInput) { in.ACL = "public-read" }, 400,
			"InvalidBucketAclWithObjectOwnership: Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"},
		{"a public list that is blocked", func(in *sdk.CreateBucketInput) { in.ACL, in.ObjectOwnership = "public-read", "ObjectWriter" }, 403, denied},
		{"object lock", func(in *sdk.CreateBucketInput) { in.ObjectLockEnabledForBucket = aws.Bool(true) }, 501,
			"NotImplemented: A header you provided implies functionality that is not implemented"},
		{"a tag of AWS", func(in *sdk.CreateBucketInput) {
			in.CreateBucketConfiguration = &types.CreateBucketConfiguration{Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}}
		}, 400, "InvalidTag: System tags cannot be added/updated by requester"},
	} {
		input := in("refused", "")
		c.change(input)
		_, err := b.CreateBucket(t.Context(), input)
		wants(t, c.rule, err, c.status, c.want)
		if err == nil {
			must(b.DeleteBucket(context.Background(), &sdk.DeleteBucketInput{Bucket: aws.String("refused")}))(t)
		}
	}
	res, text := b.send("PUT", "/unsigned", "")
	if res.StatusCode != 403 || !strings.Contains(text, "<Code>AccessDenied</Code>") {
		t.Errorf("unsigned: %s %s", res.Status, text)
	}
}

const denied = "AccessDenied: Access Denied"
