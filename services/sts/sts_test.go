package sts_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	domain "millrace/runtime/identity"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
	api "millrace/services/internal/api/sts"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
	"millrace/services/sts"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

const (
	account = "111111111111"
	worker  = "arn:aws:iam::222222222222:role/team/worker"
)

// roles has one role, of two hours at most.
type roles struct{}

func (roles) Get(account, name string) (domain.Role, bool) {
	return domain.Role{ID: "AROAWORKERWORKERWORKE", MaxSession: 2 * 60 * 60}, account == "222222222222" && name == "worker"
}

// A clock is moved by hand.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func start(t *testing.T) (context.Context, *sts.Service, *clock) {
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
	c := &clock{time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)}
	return as(ctx, "test"), sts.New(domain.NewSessions(store, c.now), roles{}), c
}

// as is a context of a caller with an access key.
func as(ctx context.Context, key string) context.Context {
	return identity.With(ctx, &identity.Caller{Account: account, AccessKey: key})
}

func assume(ctx context.Context, s *sts.Service, role string) (*api.AssumeRoleOutput, error) {
	return s.AssumeRole(ctx, &api.AssumeRoleInput{RoleArn: &role, RoleSessionName: new("session")})
}

// who is "account arn userid".
func who(t *testing.T, ctx context.Context, s *sts.Service) string {
	t.Helper()
	out, err := s.GetCallerIdentity(ctx, &api.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Account + " " + *out.Arn + " " + *out.UserId
}

func refused(t *testing.T, rule string, err error, want string) {
	t.Helper()
	var e *wire.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: got %v, want %s", rule, err, want)
	} else if got := fmt.Sprintf("%s %d: %s", e.Code, e.Status, e.Message); got != want {
		t.Errorf("%s:\n got %s\nwant %s", rule, got, want)
	}
}

func TestCallerIsTheAccount(t *testing.T) {
	ctx, s, _ := start(t)
	if got, want := who(t, ctx, s), "111111111111 arn:aws:iam::111111111111:root 111111111111"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, err := s.GetCallerIdentity(as(ctx, ""), &api.GetCallerIdentityInput{})
	refused(t, "anonymous", err, "MissingAuthenticationToken 403: Request is missing Authentication Token")
}

func TestAssumedRoleCallsUntilItExpires(t *testing.T) {
	ctx, s, clock := start(t)
	out, err := assume(ctx, s, worker)
	if err != nil {
		t.Fatal(err)
	}
	const arn, id = "arn:aws:sts::222222222222:assumed-role/worker/session", "AROAWORKERWORKERWORKE:session"
	if u := out.AssumedRoleUser; *u.Arn != arn || *u.AssumedRoleId != id || out.PackedPolicySize != nil {
		t.Errorf("assumed %s, %s", *u.Arn, *u.AssumedRoleId)
	}
	c := out.Credentials
	if !regexp.MustCompile(`^ASIA[A-Z2-7]{16}$`).MatchString(*c.AccessKeyId) || len(*c.SecretAccessKey) != 40 {
		t.Errorf("key %s, secret of %d characters", *c.AccessKeyId, len(*c.SecretAccessKey))
	}
	if want := clock.Add(time.Hour); !c.Expiration.Equal(want) {
		t.Errorf("expires %s, want %s", c.Expiration, want)
	}

	lent := as(ctx, *c.AccessKeyId)
	if got, want := who(t, lent, s), "222222222222 "+arn+" "+id; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := s.Session(*c.AccessKeyId), (identity.Session{Account: "222222222222", ARN: arn, UserID: id, RoleARN: worker}); got == nil || *got != want {
		t.Errorf("the key is of %+v, want %+v", got, want)
	}
	clock.Time = clock.Add(time.Hour)
	if got := s.Session(*c.AccessKeyId); got != nil {
		t.Errorf("when it expired, the key is of %+v", got)
	}
	if got, want := who(t, lent, s), "111111111111 arn:aws:iam::111111111111:root 111111111111"; got != want {
		t.Errorf("when it expired: got %s, want %s", got, want)
	}
}

func TestRoleThatNobodyCreated(t *testing.T) {
	ctx, s, _ := start(t)
	const ghost = "arn:aws:iam::111111111111:role/ghost"
	a, err := assume(ctx, s, ghost)
	b, err2 := assume(ctx, s, ghost)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if *a.AssumedRoleUser.AssumedRoleId != *b.AssumedRoleUser.AssumedRoleId {
		t.Error("its id changes")
	}
	if !regexp.MustCompile(`^AROA[A-Z2-7]{17}:session$`).MatchString(*a.AssumedRoleUser.AssumedRoleId) {
		t.Errorf("id %s", *a.AssumedRoleUser.AssumedRoleId)
	}
	if *a.Credentials.AccessKeyId == *b.Credentials.AccessKeyId {
		t.Error("two sessions share a key")
	}
}

// The texts of ARNs and tags were recorded from AWS in 2025 by LocalStack's
// tests/aws/services/sts/test_sts.snapshot.json.
func TestAssumeRoleErrors(t *testing.T) {
	ctx, s, _ := start(t)
	for _, bad := range []string{
		"nothing-valid-in-here", "arn::b:::something/test-role", "arn:a::::something/test-role",
		"arn:a:::something/test-role", "arn:a:a::aaaaaaaaaa:", "arn:aws:iam::111111111111:user/worker",
		"arn:aws:iam:::role/worker", "arn:aws:iam::111111111111/x:role/worker",
	} {
		_, err := assume(ctx, s, bad)
		refused(t, "an ARN of no role", err, "ValidationError 400: "+bad+" is invalid")
	}

	lent, err := assume(ctx, s, worker)
	if err != nil {
		t.Fatal(err)
	}
	chained := as(ctx, *lent.Credentials.AccessKeyId)
	tag := func(key string) *api.Tag { return &api.Tag{Key: &key, Value: new("")} }
	for rule, c := range map[string]struct {
		ctx  context.Context
		in   api.AssumeRoleInput
		want string
	}{
		"the same tag twice": {ctx, api.AssumeRoleInput{Tags: []*api.Tag{tag("a"), tag("A")}},
			"InvalidParameterValue 400: Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		"transitive, not given": {ctx, api.AssumeRoleInput{Tags: []*api.Tag{tag("a")}, TransitiveTagKeys: []string{"b"}},
			"InvalidParameterValue 400: The specified transitive tag key must be included in the requested tags."},
		"longer than the role allows": {ctx, api.AssumeRoleInput{DurationSeconds: new(int32(7201))},
			"ValidationError 400: The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		"longer than a chain allows": {chained, api.AssumeRoleInput{DurationSeconds: new(int32(3601))},
			"ValidationError 400: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."},
		"a policy that is no JSON": {ctx, api.AssumeRoleInput{Policy: new("{")},
			"MalformedPolicyDocumentException 400: This policy contains invalid Json"},
	} {
		c.in.RoleArn, c.in.RoleSessionName = new(worker), new("session")
		_, err := s.AssumeRole(c.ctx, &c.in)
		refused(t, rule, err, c.want)
	}
}

func TestSessionToken(t *testing.T) {
	ctx, s, clock := start(t)
	out, err := s.GetSessionToken(ctx, &api.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	if want := clock.Add(12 * time.Hour); !out.Credentials.Expiration.Equal(want) {
		t.Errorf("expires %s, want %s", out.Credentials.Expiration, want)
	}
	if got, want := who(t, as(ctx, *out.Credentials.AccessKeyId), s), who(t, ctx, s); got != want {
		t.Errorf("calls as %s, want %s", got, want)
	}
}

func TestAccessKeyInfo(t *testing.T) {
	ctx, s, _ := start(t)
	lent, err := assume(ctx, s, worker)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{*lent.Credentials.AccessKeyId: "222222222222", "AKIAIOSFODNN7EXAMPLE": account} {
		out, err := s.GetAccessKeyInfo(ctx, &api.GetAccessKeyInfoInput{AccessKeyId: &key})
		if err != nil || *out.Account != want {
			t.Errorf("%s: got %v, %v, want %s", key, out, err, want)
		}
	}
}

// Sessions that have expired are forgotten, also when nobody asks for one again.
func TestSessionsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		b := backbone.New(backbone.Config{Dir: t.TempDir()})
		if err := b.Start(ctx); err != nil {
			t.Fatal(err)
		}
		defer b.Stop(ctx)
		store := record.New(b.JetStream(), nil)
		if err := store.Start(ctx); err != nil {
			t.Fatal(err)
		}
		defer store.Stop(context.Background())
		s := sts.New(domain.NewSessions(store, time.Now), roles{})
		left := func() int { return len(record.NewTable[any](store, "stssession").Keys("")) }
		for range 3 {
			if _, err := assume(as(ctx, "test"), s, worker); err != nil {
				t.Fatal(err)
			}
			time.Sleep(40 * time.Minute)
		}
		if n := left(); n != 1 {
			t.Errorf("%d sessions are kept, want the last alone", n)
		}
		time.Sleep(time.Hour)
		if n := left(); n != 0 {
			t.Errorf("%d sessions are kept that have expired", n)
		}
	})
}

// What a session costs does not grow with the sessions that there are.
func TestManySessions(t *testing.T) {
	ctx, s, _ := start(t)
	cost := func() float64 {
		return testing.AllocsPerRun(50, func() {
			if _, err := assume(ctx, s, worker); err != nil {
				t.Fatal(err)
			}
		})
	}
	few := cost()
	for range 10 {
		cost()
	}
	if many := cost(); many > 2*few {
		t.Errorf("a session takes %.0f allocations, and %.0f beside others", few, many)
	}
}
