package iam_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	domain "millrace/runtime/identity"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/record"
	"millrace/services/iam"
	api "millrace/services/internal/api/iam"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

const (
	account = "111111111111"
	trust   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	allow   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}`
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 5, time.UTC)

// start is a service on an empty store, and a context of a caller in account.
func start(t *testing.T) (context.Context, *iam.Service) {
	t.Helper()
	ctx, s, _ := startWithRoles(t)
	return ctx, s
}

// startWithRoles is start for tests that make roles by themselves.
func startWithRoles(t *testing.T) (context.Context, *iam.Service, *domain.Roles) {
	t.Helper()
	ctx := t.Context()
	b := backbone.New(backbone.Config{Dir: t.TempDir()})
	if err := b.Start(ctx); err != nil {
		t.Fatal(err)
	}
	store := record.New(b.JetStream(), nil)
	if err := store.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		store.Stop(context.Background())
		b.Stop(context.Background())
	})
	roles := domain.NewRoles(store)
	return as(ctx, account), iam.New(roles, domain.NewPolicies(store), func() time.Time { return noon }), roles
}

func as(ctx context.Context, account string) context.Context {
	return identity.With(ctx, &identity.Caller{Account: account})
}

// must returns an operation's answer, and fails the test on an error.
func must[T any](t *testing.T) func(T, error) T {
	return func(out T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// refused checks an error against "Code status: message".
func refused(t *testing.T, rule string, err error, want string) {
	t.Helper()
	var e *wire.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: got %v, want %s", rule, err, want)
		return
	}
	code := e.QueryCode
	if code == "" {
		code = e.Code
	}
	if got := fmt.Sprintf("%s %d: %s", code, e.Status, e.Message); got != want {
		t.Errorf("%s:\n got %s\nwant %s", rule, got, want)
	}
}

func createRole(t *testing.T, ctx context.Context, s *iam.Service, name string) *api.Role {
	t.Helper()
	return must[*api.CreateRoleOutput](t)(s.CreateRole(ctx, &api.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: new(trust)})).Role
}

func createPolicy(t *testing.T, ctx context.Context, s *iam.Service, name string) (arn *string) {
	t.Helper()
	return must[*api.CreatePolicyOutput](t)(s.CreatePolicy(ctx, &api.CreatePolicyInput{PolicyName: &name, PolicyDocument: new(allow)})).Policy.Arn
}

func getRole(t *testing.T, ctx context.Context, s *iam.Service, name string) *api.Role {
	t.Helper()
	return must[*api.GetRoleOutput](t)(s.GetRole(ctx, &api.GetRoleInput{RoleName: &name})).Role
}

// What each answer shows was recorded from AWS on 2026-02-11 by LocalStack's
// tests/aws/services/iam/test_iam_roles.snapshot.json.
func TestRoleShowsWhatAWSShows(t *testing.T) {
	ctx, s := start(t)
	boundary := createPolicy(t, ctx, s, "edge")
	created := must[*api.CreateRoleOutput](t)(s.CreateRole(ctx, &api.CreateRoleInput{
		RoleName: new("Worker"), Path: new("/team/"), AssumeRolePolicyDocument: new(trust),
		Description: new("does work"), MaxSessionDuration: new(int32(7200)), PermissionsBoundary: boundary,
		Tags: []*api.Tag{{Key: new("b"), Value: new("2")}, {Key: new("a"), Value: new("")}},
	})).Role
	if !regexp.MustCompile(`^AROA[A-Z2-7]{17}$`).MatchString(*created.RoleId) {
		t.Errorf("role id %s", *created.RoleId)
	}

	want := &api.Role{
		RoleName: new("Worker"), Path: new("/team/"), RoleId: created.RoleId,
		Arn:                      new("arn:aws:iam::111111111111:role/team/Worker"),
		CreateDate:               new(noon.Truncate(time.Second)),
		AssumeRolePolicyDocument: new(strings.ReplaceAll(url.QueryEscape(trust), "+", "%20")),
		PermissionsBoundary:      &api.AttachedPermissionsBoundary{PermissionsBoundaryArn: boundary, PermissionsBoundaryType: new("Policy")},
		Tags:                     []*api.Tag{{Key: new("a"), Value: new("")}, {Key: new("b"), Value: new("2")}},
	}
	if d := cmp.Diff(want, created); d != "" {
		t.Error("created:", d)
	}
	want.Description, want.MaxSessionDuration, want.RoleLastUsed = new("does work"), new(int32(7200)), &api.RoleLastUsed{}
	if d := cmp.Diff(want, getRole(t, ctx, s, "Worker")); d != "" {
		t.Error("got:", d)
	}
	want.RoleLastUsed, want.Tags, want.PermissionsBoundary = nil, nil, nil
	listed := must[*api.ListRolesOutput](t)(s.ListRoles(ctx, &api.ListRolesInput{}))
	if d := cmp.Diff(&api.ListRolesOutput{Roles: []*api.Role{want}, IsTruncated: new(false)}, listed); d != "" {
		t.Error("listed:", d)
	}
}

func TestRoleDefaults(t *testing.T) {
	ctx, s := start(t)
	createRole(t, ctx, s, "worker")
	got := getRole(t, ctx, s, "worker")
	if *got.Path != "/" || *got.MaxSessionDuration != 3600 || got.Description != nil || got.Tags != nil || got.PermissionsBoundary != nil {
		t.Errorf("got %+v", got)
	}
}

func TestRoleUpdates(t *testing.T) {
	ctx, s := start(t)
	createRole(t, ctx, s, "worker")
	name := new("worker")
	must[*api.UpdateRoleOutput](t)(s.UpdateRole(ctx, &api.UpdateRoleInput{RoleName: name, Description: new("one"), MaxSessionDuration: new(int32(7200))}))
	must[*api.UpdateRoleOutput](t)(s.UpdateRole(ctx, &api.UpdateRoleInput{RoleName: name}))
	if got := getRole(t, ctx, s, "worker"); *got.Description != "one" || *got.MaxSessionDuration != 7200 {
		t.Errorf("an update of nothing left %s, %d", *got.Description, *got.MaxSessionDuration)
	}
	shown := must[*api.UpdateRoleDescriptionOutput](t)(s.UpdateRoleDescription(ctx, &api.UpdateRoleDescriptionInput{RoleName: name, Description: new("two")})).Role
	if *shown.Description != "two" || shown.MaxSessionDuration != nil {
		t.Errorf("the older way showed %+v", shown)
	}
	other := strings.Replace(trust, "lambda", "pipes", 1)
	must[*api.UpdateAssumeRolePolicyOutput](t)(s.UpdateAssumeRolePolicy(ctx, &api.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: &other}))
	if got, _ := url.PathUnescape(*getRole(t, ctx, s, "worker").AssumeRolePolicyDocument); got != other {
		t.Errorf("the trust policy is %s", got)
	}
}

func TestRoleNamesDifferByMoreThanCase(t *testing.T) {
	ctx, s := start(t)
	createRole(t, ctx, s, "Worker")
	_, err := s.CreateRole(ctx, &api.CreateRoleInput{RoleName: new("worker"), AssumeRolePolicyDocument: new(trust)})
	refused(t, "the same name", err, "EntityAlreadyExists 409: Role with name worker already exists.")
	if got := getRole(t, ctx, s, "WORKER"); *got.RoleName != "Worker" {
		t.Errorf("found as %s", *got.RoleName)
	}
	if got := createRole(t, as(ctx, "222222222222"), s, "Worker"); *got.Arn != "arn:aws:iam::222222222222:role/Worker" {
		t.Errorf("another account's role is %s", *got.Arn)
	}
}

func TestDeleteRoleWaitsForItsPolicies(t *testing.T) {
	ctx, s := start(t)
	createRole(t, ctx, s, "worker")
	name, policy := new("worker"), createPolicy(t, ctx, s, "queues")
	must[*api.AttachRolePolicyOutput](t)(s.AttachRolePolicy(ctx, &api.AttachRolePolicyInput{RoleName: name, PolicyArn: policy}))
	must[*api.PutRolePolicyOutput](t)(s.PutRolePolicy(ctx, &api.PutRolePolicyInput{RoleName: name, PolicyName: new("in line"), PolicyDocument: new(allow)}))

	_, err := s.DeleteRole(ctx, &api.DeleteRoleInput{RoleName: name})
	refused(t, "attached", err, "DeleteConflict 409: Cannot delete entity, must detach all policies first.")
	must[*api.DetachRolePolicyOutput](t)(s.DetachRolePolicy(ctx, &api.DetachRolePolicyInput{RoleName: name, PolicyArn: policy}))
	_, err = s.DeleteRole(ctx, &api.DeleteRoleInput{RoleName: name})
	refused(t, "in line", err, "DeleteConflict 409: Cannot delete entity, must delete policies first.")
	must[*api.DeleteRolePolicyOutput](t)(s.DeleteRolePolicy(ctx, &api.DeleteRolePolicyInput{RoleName: name, PolicyName: new("in line")}))
	must[*api.DeleteRoleOutput](t)(s.DeleteRole(ctx, &api.DeleteRoleInput{RoleName: name}))
	_, err = s.GetRole(ctx, &api.GetRoleInput{RoleName: name})
	refused(t, "deleted", err, "NoSuchEntity 404: The role with name worker cannot be found.")
}

func TestListRoles(t *testing.T) {
	ctx, s := start(t)
	for _, name := range []string{"Beta", "alpha", "delta", "Gamma"} {
		createRole(t, ctx, s, name)
	}
	must[*api.CreateRoleOutput](t)(s.CreateRole(ctx, &api.CreateRoleInput{RoleName: new("deep"), Path: new("/a/b/"), AssumeRolePolicyDocument: new(trust)}))

	names := func(out *api.ListRolesOutput) (names []string) {
		for _, r := range out.Roles {
			names = append(names, *r.RoleName)
		}
		return names
	}
	first := must[*api.ListRolesOutput](t)(s.ListRoles(ctx, &api.ListRolesInput{MaxItems: new(int32(2))}))
	if d := cmp.Diff([]string{"alpha", "Beta"}, names(first)); d != "" || !*first.IsTruncated {
		t.Error("first page:", d)
	}
	// The next page begins where the last one ended, whatever went away.
	must[*api.DeleteRoleOutput](t)(s.DeleteRole(ctx, &api.DeleteRoleInput{RoleName: new("beta")}))
	second := must[*api.ListRolesOutput](t)(s.ListRoles(ctx, &api.ListRolesInput{Marker: first.Marker}))
	if d := cmp.Diff([]string{"deep", "delta", "Gamma"}, names(second)); d != "" || *second.IsTruncated || second.Marker != nil {
		t.Error("second page:", d)
	}
	below := must[*api.ListRolesOutput](t)(s.ListRoles(ctx, &api.ListRolesInput{PathPrefix: new("/a/")}))
	if d := cmp.Diff([]string{"deep"}, names(below)); d != "" {
		t.Error("below a path:", d)
	}
	none := must[*api.ListRolesOutput](t)(s.ListRoles(ctx, &api.ListRolesInput{PathPrefix: new("/z/")}))
	if none.Roles == nil || len(none.Roles) > 0 {
		t.Errorf("an empty list is %v", none.Roles)
	}
	_, err := s.ListRoles(ctx, &api.ListRolesInput{Marker: new("!")})
	refused(t, "made-up marker", err, "ValidationError 400: Invalid Marker.")
}

func TestRoleTags(t *testing.T) {
	ctx, s := start(t)
	createRole(t, ctx, s, "worker")
	name := new("worker")
	tagged := func(tags ...string) error {
		in := &api.TagRoleInput{RoleName: name}
		for i := 0; i < len(tags); i += 2 {
			in.Tags = append(in.Tags, &api.Tag{Key: &tags[i], Value: &tags[i+1]})
		}
		_, err := s.TagRole(ctx, in)
		return err
	}
	list := func() (tags []string) {
		for _, tag := range must[*api.ListRoleTagsOutput](t)(s.ListRoleTags(ctx, &api.ListRoleTagsInput{RoleName: name})).Tags {
			tags = append(tags, *tag.Key+"="+*tag.Value)
		}
		return tags
	}
	if err := errors.Join(tagged("team", "a", "env", "dev"), tagged("Team", "b")); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"Team=b", "env=dev"}, list()); d != "" {
		t.Error("keys are the same in any case:", d)
	}
	refused(t, "twice", tagged("x", "1", "X", "2"), "InvalidInput 400: Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	must[*api.UntagRoleOutput](t)(s.UntagRole(ctx, &api.UntagRoleInput{RoleName: name, TagKeys: []string{"TEAM", "unknown"}}))
	if d := cmp.Diff([]string{"env=dev"}, list()); d != "" {
		t.Error("after untagging:", d)
	}
	var many []string
	for i := range 50 {
		many = append(many, fmt.Sprint("k", i), "v")
	}
	refused(t, "a 51st", tagged(many...), "LimitExceeded 409: The number of tags has reached the maximum limit.")
}

func TestInlinePolicies(t *testing.T) {
	ctx, s := start(t)
	createRole(t, ctx, s, "worker")
	name := new("worker")
	for _, p := range []string{"b", "a"} {
		must[*api.PutRolePolicyOutput](t)(s.PutRolePolicy(ctx, &api.PutRolePolicyInput{RoleName: name, PolicyName: &p, PolicyDocument: new(allow)}))
	}
	got := must[*api.GetRolePolicyOutput](t)(s.GetRolePolicy(ctx, &api.GetRolePolicyInput{RoleName: name, PolicyName: new("a")}))
	if text, _ := url.PathUnescape(*got.PolicyDocument); text != allow || *got.RoleName != "worker" || *got.PolicyName != "a" {
		t.Errorf("got %s of %s: %s", *got.PolicyName, *got.RoleName, text)
	}
	listed := must[*api.ListRolePoliciesOutput](t)(s.ListRolePolicies(ctx, &api.ListRolePoliciesInput{RoleName: name}))
	if d := cmp.Diff([]string{"a", "b"}, listed.PolicyNames); d != "" {
		t.Error(d)
	}
	_, err := s.DeleteRolePolicy(ctx, &api.DeleteRolePolicyInput{RoleName: name, PolicyName: new("c")})
	refused(t, "unknown", err, "NoSuchEntity 404: The role policy with name c cannot be found.")

	big := strings.Replace(allow, `"sqs:*"`, `"sqs:`+strings.Repeat("x", 10240)+`"`, 1)
	_, err = s.PutRolePolicy(ctx, &api.PutRolePolicyInput{RoleName: name, PolicyName: new("big"), PolicyDocument: &big})
	refused(t, "too big", err, "LimitExceeded 409: Maximum policy size of 10240 bytes exceeded for role worker")
	if _, err := s.GetRolePolicy(ctx, &api.GetRolePolicyInput{RoleName: name, PolicyName: new("big")}); err == nil {
		t.Error("the refused policy is there")
	}
}

func TestAttachedPolicies(t *testing.T) {
	ctx, s := start(t)
	createRole(t, ctx, s, "worker")
	name, own := new("worker"), createPolicy(t, ctx, s, "queues")
	basic := new("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
	for _, arn := range []*string{own, basic, basic} {
		must[*api.AttachRolePolicyOutput](t)(s.AttachRolePolicy(ctx, &api.AttachRolePolicyInput{RoleName: name, PolicyArn: arn}))
	}
	list := func(prefix *string) []*api.AttachedPolicy {
		return must[*api.ListAttachedRolePoliciesOutput](t)(s.ListAttachedRolePolicies(ctx, &api.ListAttachedRolePoliciesInput{RoleName: name, PathPrefix: prefix})).AttachedPolicies
	}
	aws := &api.AttachedPolicy{PolicyArn: basic, PolicyName: new("AWSLambdaBasicExecutionRole")}
	if d := cmp.Diff([]*api.AttachedPolicy{aws, {PolicyArn: own, PolicyName: new("queues")}}, list(nil)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]*api.AttachedPolicy{aws}, list(new("/service-role/"))); d != "" {
		t.Error("below a path:", d)
	}
	for i := range 8 {
		must[*api.AttachRolePolicyOutput](t)(s.AttachRolePolicy(ctx, &api.AttachRolePolicyInput{RoleName: name, PolicyArn: createPolicy(t, ctx, s, fmt.Sprint("p", i))}))
	}
	_, err := s.AttachRolePolicy(ctx, &api.AttachRolePolicyInput{RoleName: name, PolicyArn: createPolicy(t, ctx, s, "eleventh")})
	refused(t, "an eleventh", err, "LimitExceeded 409: Cannot exceed quota for PoliciesPerRole: 10")
}

// The texts were recorded from AWS as above, but for the quotas.
func TestRoleErrors(t *testing.T) {
	ctx, s := start(t)
	createRole(t, ctx, s, "worker")
	unused := createPolicy(t, ctx, s, "unused")
	const noRole = "NoSuchEntity 404: The role with name none cannot be found."
	attach := func(role, arn string) error {
		_, err := s.AttachRolePolicy(ctx, &api.AttachRolePolicyInput{RoleName: &role, PolicyArn: &arn})
		return err
	}
	create := func(trust string, boundary *string) error {
		_, err := s.CreateRole(ctx, &api.CreateRoleInput{RoleName: new("new"), AssumeRolePolicyDocument: &trust, PermissionsBoundary: boundary})
		return err
	}
	for rule, c := range map[string]struct {
		err  error
		want string
	}{
		"attach to no role":   {attach("none", *unused), noRole},
		"attach no ARN":       {attach("worker", "longpolicynamebutnoarn"), "ValidationError 400: ARN longpolicynamebutnoarn is not valid."},
		"attach no policy":    {attach("worker", "arn:aws:iam::111111111111:role/worker"), "InvalidInput 400: ARN arn:aws:iam::111111111111:role/worker is not valid."},
		"attach what is gone": {attach("worker", *unused+"2"), "NoSuchEntity 404: Policy " + *unused + "2 does not exist or is not attachable."},
		"attach a stranger's": {attach("worker", "arn:aws:iam::222222222222:policy/unused"), "NoSuchEntity 404: Policy arn:aws:iam::222222222222:policy/unused does not exist or is not attachable."},
		"a bad trust policy":  {create("{", nil), "MalformedPolicyDocument 400: This policy contains invalid Json"},
		"a long trust policy": {create(strings.Replace(trust, "lambda", strings.Repeat("x", 2048), 1), nil), "LimitExceeded 409: Cannot exceed quota for ACLSizePerRole: 2048"},
		"a boundary by name":  {create(trust, new("arn:aws:iam::111111111111:not_a_policy/invalid")), "InvalidInput 400: ARN arn:aws:iam::111111111111:not_a_policy/invalid is not valid."},
		"a boundary not there": {create(trust, new(*unused+"2")),
			"NoSuchEntity 404: Scope ARN: " + *unused + "2 does not exist or is not attachable."},
	} {
		refused(t, rule, c.err, c.want)
	}
	_, err := s.DetachRolePolicy(ctx, &api.DetachRolePolicyInput{RoleName: new("worker"), PolicyArn: unused})
	refused(t, "detach what is not attached", err, "NoSuchEntity 404: Policy "+*unused+" was not found.")
	_, err = s.UpdateRole(ctx, &api.UpdateRoleInput{RoleName: new("none")})
	refused(t, "update no role", err, noRole)
	_, err = s.ListInstanceProfilesForRole(ctx, &api.ListInstanceProfilesForRoleInput{RoleName: new("none")})
	refused(t, "profiles of no role", err, noRole)
	profiles := must[*api.ListInstanceProfilesForRoleOutput](t)(s.ListInstanceProfilesForRole(ctx, &api.ListInstanceProfilesForRoleInput{RoleName: new("worker")}))
	if len(profiles.InstanceProfiles) > 0 || *profiles.IsTruncated {
		t.Errorf("profiles %v", profiles)
	}
}
