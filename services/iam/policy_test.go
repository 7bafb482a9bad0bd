package iam_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	api "millrace/services/internal/api/iam"
)

// What each answer shows, and the texts of errors, were recorded from AWS on
// 2026-02-10 by LocalStack's tests/aws/services/iam/test_iam_policies.snapshot.json.
func TestPolicyShowsWhatAWSShows(t *testing.T) {
	ctx, s := start(t)
	created := must[*api.CreatePolicyOutput](t)(s.CreatePolicy(ctx, &api.CreatePolicyInput{
		PolicyName: new("queues"), Path: new("/test/path/"), PolicyDocument: new(allow), Description: new("testing"),
	})).Policy
	if !regexp.MustCompile(`^ANPA[A-Z2-7]{17}$`).MatchString(*created.PolicyId) {
		t.Errorf("policy id %s", *created.PolicyId)
	}
	want := &api.Policy{
		PolicyName: new("queues"), PolicyId: created.PolicyId, Path: new("/test/path/"),
		Arn:              new("arn:aws:iam::111111111111:policy/test/path/queues"),
		DefaultVersionId: new("v1"), AttachmentCount: new(int32(0)), PermissionsBoundaryUsageCount: new(int32(0)),
		IsAttachable: new(true), CreateDate: new(noon.Truncate(time.Second)), UpdateDate: new(noon.Truncate(time.Second)),
	}
	if d := cmp.Diff(want, created); d != "" {
		t.Error("created:", d)
	}
	listed := must[*api.ListPoliciesOutput](t)(s.ListPolicies(ctx, &api.ListPoliciesInput{Scope: new("Local")}))
	if d := cmp.Diff(&api.ListPoliciesOutput{Policies: []*api.Policy{want}, IsTruncated: new(false)}, listed); d != "" {
		t.Error("listed:", d)
	}
	want.Description, want.Tags = new("testing"), []*api.Tag{}
	if d := cmp.Diff(want, must[*api.GetPolicyOutput](t)(s.GetPolicy(ctx, &api.GetPolicyInput{PolicyArn: want.Arn})).Policy); d != "" {
		t.Error("got:", d)
	}
}

func TestPolicyUse(t *testing.T) {
	ctx, s := start(t)
	used, idle := createPolicy(t, ctx, s, "used"), createPolicy(t, ctx, s, "idle")
	createRole(t, ctx, s, "one")
	must[*api.CreateRoleOutput](t)(s.CreateRole(ctx, &api.CreateRoleInput{
		RoleName: new("two"), Path: new("/deep/"), AssumeRolePolicyDocument: new(trust), PermissionsBoundary: used,
	}))
	for _, name := range []string{"one", "two"} {
		must[*api.AttachRolePolicyOutput](t)(s.AttachRolePolicy(ctx, &api.AttachRolePolicyInput{RoleName: &name, PolicyArn: used}))
	}

	got := must[*api.GetPolicyOutput](t)(s.GetPolicy(ctx, &api.GetPolicyInput{PolicyArn: used})).Policy
	if *got.AttachmentCount != 2 || *got.PermissionsBoundaryUsageCount != 1 {
		t.Errorf("attached %d times, bounds %d", *got.AttachmentCount, *got.PermissionsBoundaryUsageCount)
	}
	_, err := s.DeletePolicy(ctx, &api.DeletePolicyInput{PolicyArn: used})
	refused(t, "delete while in use", err, "DeleteConflict 409: Cannot delete a policy attached to entities.")

	listed := must[*api.ListPoliciesOutput](t)(s.ListPolicies(ctx, &api.ListPoliciesInput{OnlyAttached: new(true)})).Policies
	if len(listed) != 1 || *listed[0].Arn != *used {
		t.Errorf("attached policies: %v", listed)
	}
	for rule, c := range map[string]struct {
		in   api.ListEntitiesForPolicyInput
		want []string
	}{
		"all":                {api.ListEntitiesForPolicyInput{}, []string{"one", "two"}},
		"below a path":       {api.ListEntitiesForPolicyInput{PathPrefix: new("/deep/")}, []string{"two"}},
		"bounded by it":      {api.ListEntitiesForPolicyInput{PolicyUsageFilter: new("PermissionsBoundary")}, []string{"two"}},
		"there are no users": {api.ListEntitiesForPolicyInput{EntityFilter: new("User")}, nil},
	} {
		c.in.PolicyArn = used
		var names []string
		for _, r := range must[*api.ListEntitiesForPolicyOutput](t)(s.ListEntitiesForPolicy(ctx, &c.in)).PolicyRoles {
			names = append(names, *r.RoleName)
		}
		if d := cmp.Diff(c.want, names); d != "" {
			t.Errorf("entities, %s: %s", rule, d)
		}
	}

	must[*api.DeletePolicyOutput](t)(s.DeletePolicy(ctx, &api.DeletePolicyInput{PolicyArn: idle}))
	_, err = s.GetPolicy(ctx, &api.GetPolicyInput{PolicyArn: idle})
	refused(t, "deleted", err, "NoSuchEntity 404: Policy "+*idle+" was not found.")
}

// Roles are read once for a list of policies, not once for each of them.
func TestListPoliciesReadsRolesOnce(t *testing.T) {
	ctx, s := start(t)
	cost := func() float64 {
		return testing.AllocsPerRun(5, func() {
			must[*api.ListPoliciesOutput](t)(s.ListPolicies(ctx, &api.ListPoliciesInput{}))
		})
	}
	for i := range 40 {
		createPolicy(t, ctx, s, fmt.Sprint("policy", i))
	}
	without := cost()
	for i := range 40 {
		createRole(t, ctx, s, fmt.Sprint("role", i))
	}
	if with := cost(); with > 3*without {
		t.Errorf("a list takes %.0f allocations, and %.0f once there are forty roles", without, with)
	}
}

func TestPolicyErrors(t *testing.T) {
	ctx, s := start(t)
	arn := createPolicy(t, ctx, s, "Queues")
	create := func(name, document string, tags ...*api.Tag) error {
		_, err := s.CreatePolicy(ctx, &api.CreatePolicyInput{PolicyName: &name, PolicyDocument: &document, Tags: tags})
		return err
	}
	big := strings.Replace(allow, `"sqs:*"`, `"sqs:`+strings.Repeat("x", 6144)+`"`, 1)
	refused(t, "the same name", create("queues", allow), "EntityAlreadyExists 409: A policy called queues already exists. Duplicate names are not allowed.")
	refused(t, "a bad document", create("new", "{}"), "MalformedPolicyDocument 400: Syntax errors in policy.")
	refused(t, "a long document", create("new", big), "LimitExceeded 409: Cannot exceed quota for PolicySize: 6144")
	a, upper := &api.Tag{Key: new("a"), Value: new("1")}, &api.Tag{Key: new("A"), Value: new("2")}
	refused(t, "the same tag twice", create("new", allow, a, a), "InvalidInput 400: Duplicate tag keys found.")
	if err := create("new", allow, a, upper); err != nil {
		t.Errorf("keys that differ by their case: %v", err)
	}
	_, err := s.GetPolicy(ctx, &api.GetPolicyInput{PolicyArn: new(strings.Replace(*arn, "/Queues", "/path/Queues", 1))})
	refused(t, "on another path", err, "NoSuchEntity 404: Policy arn:aws:iam::111111111111:policy/path/Queues was not found.")
}

func TestPolicyTags(t *testing.T) {
	ctx, s := start(t)
	arn := createPolicy(t, ctx, s, "queues")
	must[*api.TagPolicyOutput](t)(s.TagPolicy(ctx, &api.TagPolicyInput{PolicyArn: arn, Tags: []*api.Tag{
		{Key: new("a"), Value: new("lower")}, {Key: new("A"), Value: new("upper")},
	}}))
	must[*api.UntagPolicyOutput](t)(s.UntagPolicy(ctx, &api.UntagPolicyInput{PolicyArn: arn, TagKeys: []string{"a"}}))
	got := must[*api.ListPolicyTagsOutput](t)(s.ListPolicyTags(ctx, &api.ListPolicyTagsInput{PolicyArn: arn})).Tags
	if d := cmp.Diff([]*api.Tag{{Key: new("A"), Value: new("upper")}}, got); d != "" {
		t.Error(d)
	}
	_, err := s.TagPolicy(ctx, &api.TagPolicyInput{PolicyArn: new(*arn + "2")})
	refused(t, "no policy", err, "NoSuchEntity 404: Policy "+*arn+"2 was not found.")
}

func TestPolicyVersions(t *testing.T) {
	ctx, s := start(t)
	arn := createPolicy(t, ctx, s, "queues")
	version := func(inForce bool) *api.PolicyVersion {
		return must[*api.CreatePolicyVersionOutput](t)(s.CreatePolicyVersion(ctx, &api.CreatePolicyVersionInput{
			PolicyArn: arn, PolicyDocument: new(strings.Replace(allow, "sqs", "sns", 1)), SetAsDefault: &inForce,
		})).PolicyVersion
	}
	list := func() (versions []string) {
		for _, v := range must[*api.ListPolicyVersionsOutput](t)(s.ListPolicyVersions(ctx, &api.ListPolicyVersionsInput{PolicyArn: arn})).Versions {
			versions = append(versions, fmt.Sprintf("%s %t", *v.VersionId, *v.IsDefaultVersion))
			if v.Document != nil {
				t.Error("a list shows documents")
			}
		}
		return versions
	}

	if v := version(true); *v.VersionId != "v2" || !*v.IsDefaultVersion || v.Document != nil {
		t.Errorf("created %+v", v)
	}
	version(false)
	if d := cmp.Diff([]string{"v3 false", "v2 true", "v1 false"}, list()); d != "" {
		t.Error("newest first:", d)
	}
	got := must[*api.GetPolicyVersionOutput](t)(s.GetPolicyVersion(ctx, &api.GetPolicyVersionInput{PolicyArn: arn, VersionId: new("v1")})).PolicyVersion
	if text, _ := url.PathUnescape(*got.Document); text != allow || *got.IsDefaultVersion {
		t.Errorf("v1 is %s, default %t", text, *got.IsDefaultVersion)
	}

	_, err := s.DeletePolicy(ctx, &api.DeletePolicyInput{PolicyArn: arn})
	refused(t, "delete the policy", err, "DeleteConflict 409: This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	_, err = s.DeletePolicyVersion(ctx, &api.DeletePolicyVersionInput{PolicyArn: arn, VersionId: new("v2")})
	refused(t, "delete the default", err, "DeleteConflict 409: Cannot delete the default version of a policy.")
	_, err = s.SetDefaultPolicyVersion(ctx, &api.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: new("v4")})
	refused(t, "no such version", err, "NoSuchEntity 404: Policy "+*arn+" version v4 does not exist or is not attachable.")
	_, err = s.GetPolicyVersion(ctx, &api.GetPolicyVersionInput{PolicyArn: new(*arn + "2"), VersionId: new("v1")})
	refused(t, "no such policy", err, "NoSuchEntity 404: Policy "+*arn+"2 version v1 does not exist or is not attachable.")

	version(false)
	version(false)
	_, err = s.CreatePolicyVersion(ctx, &api.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: new(allow)})
	refused(t, "a sixth", err, "LimitExceeded 409: A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
	must[*api.DeletePolicyVersionOutput](t)(s.DeletePolicyVersion(ctx, &api.DeletePolicyVersionInput{PolicyArn: arn, VersionId: new("v5")}))
	if v := version(false); *v.VersionId != "v6" {
		t.Errorf("after v5 was deleted comes %s", *v.VersionId)
	}
	must[*api.SetDefaultPolicyVersionOutput](t)(s.SetDefaultPolicyVersion(ctx, &api.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: new("v1")}))
	if d := cmp.Diff([]string{"v6 false", "v4 false", "v3 false", "v2 false", "v1 true"}, list()); d != "" {
		t.Error("at last:", d)
	}
}

func TestAWSPolicies(t *testing.T) {
	ctx, s := start(t)
	aws := must[*api.ListPoliciesOutput](t)(s.ListPolicies(ctx, &api.ListPoliciesInput{Scope: new("AWS")})).Policies
	if len(aws) == 0 {
		t.Fatal("none")
	}
	for _, p := range aws {
		if !strings.HasPrefix(*p.Arn, "arn:aws:iam::aws:policy/") || len(*p.PolicyId) != 21 {
			t.Errorf("%s has the id %s", *p.Arn, *p.PolicyId)
		}
		v := must[*api.GetPolicyVersionOutput](t)(s.GetPolicyVersion(ctx, &api.GetPolicyVersionInput{PolicyArn: p.Arn, VersionId: p.DefaultVersionId})).PolicyVersion
		text, _ := url.PathUnescape(*v.Document)
		if _, err := s.CreatePolicy(ctx, &api.CreatePolicyInput{PolicyName: p.PolicyName, PolicyDocument: &text}); err != nil {
			t.Errorf("%s could not be the caller's own: %v", *p.PolicyName, err)
		}
	}
	_, err := s.DeletePolicy(ctx, &api.DeletePolicyInput{PolicyArn: aws[0].Arn})
	refused(t, "delete AWS's", err, "AccessDenied 403: User: arn:aws:iam::111111111111:root is not authorized to perform: iam:DeletePolicy on resource: policy "+*aws[0].Arn)

	// One that is not in the table can be attached all the same.
	createRole(t, ctx, s, "worker")
	must[*api.AttachRolePolicyOutput](t)(s.AttachRolePolicy(ctx, &api.AttachRolePolicyInput{
		RoleName: new("worker"), PolicyArn: new("arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"),
	}))
}
