package identity_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/identity"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

const account, other = "111111111111", "222222222222"

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) *record.Store {
	t.Helper()
	b := backbonetest.Start(t, t.TempDir())
	store := record.New(b.JetStream(), nil)
	if err := store.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(store.Stop(context.Background()), b.Stop(context.Background())); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	return store
}

func wants(t *testing.T, what string, err error, code fault.Code) {
	t.Helper()
	if got := fault.Of(err); got != code {
		t.Errorf("%s: got %v, want %q", what, err, code)
	}
}

func TestRolesAreFoundInAnyCaseByTheirAccountAlone(t *testing.T) {
	roles, ctx := identity.NewRoles(open(t)), t.Context()
	worker := identity.Role{Account: account, Name: "worker", Path: "/team/", MaxSession: 3600}
	wants(t, "a role", roles.Create(ctx, worker), "")
	wants(t, "the name in another case", roles.Create(ctx, identity.Role{Account: account, Name: "Worker"}), fault.Exists)
	if got, ok := roles.Get(account, "WORKER"); !ok || got.ARN() != "arn:aws:iam::111111111111:role/team/worker" {
		t.Errorf("got %v, %t", got, ok)
	}
	if _, ok := roles.Get(other, "worker"); ok || len(roles.List(other)) != 0 {
		t.Error("another account has the role too")
	}
	stop := errors.New("stop")
	if _, err := roles.Update(ctx, account, "worker", func(r *identity.Role) error { r.Description = "x"; return stop }); !errors.Is(err, stop) {
		t.Errorf("an edit's error: %v", err)
	}
	r, err := roles.Update(ctx, account, "Worker", func(r *identity.Role) error { return r.Attach("arn:aws:iam::aws:policy/a") })
	if err != nil || r.Description != "" || len(r.Attached) != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
	if got := roles.PolicyUses(account)["arn:aws:iam::aws:policy/a"]; got != (identity.PolicyUse{Attached: 1}) {
		t.Errorf("used %+v", got)
	}
	wants(t, "deleting", roles.Delete(ctx, account, "worker"), "")
	wants(t, "deleting again", roles.Delete(ctx, account, "worker"), fault.NotFound)
}

func TestQuotasOfARole(t *testing.T) {
	var r identity.Role
	for i := range identity.MaxAttached {
		wants(t, "attaching", r.Attach(fmt.Sprint("arn:", i)), "")
	}
	wants(t, "attaching again", r.Attach("arn:0"), "")
	wants(t, "one too many", r.Attach("arn:x"), fault.TooLarge)
	wants(t, "detaching", r.Detach("arn:0"), "")
	wants(t, "detaching again", r.Detach("arn:0"), fault.NotFound)

	half := `"` + strings.Repeat("x", identity.MaxInlineSize/2-2) + `"`
	wants(t, "an inline policy", r.PutInline("a", half), "")
	wants(t, "white space is not counted", r.PutInline("b", "  "+half+"\n"), "")
	wants(t, "in its place", r.PutInline("b", half), "")
	wants(t, "one too large", r.PutInline("c", `1`), fault.TooLarge)
	wants(t, "deleting", r.DeleteInline("a"), "")
	wants(t, "deleting again", r.DeleteInline("a"), fault.NotFound)
}

func TestVersionsOfAPolicy(t *testing.T) {
	var p identity.Policy
	for i := range identity.MaxVersions {
		if v, err := p.AddVersion("{}", noon, i == 0); err != nil || v.Number != i+1 {
			t.Fatalf("got %+v, %v", v, err)
		}
	}
	_, err := p.AddVersion("{}", noon, true)
	wants(t, "a sixth", err, fault.TooLarge)
	wants(t, "the one in force", p.DeleteVersion(1), fault.Conflict)
	wants(t, "another in force", p.SetDefault(5), "")
	wants(t, "then the first", p.DeleteVersion(1), "")
	wants(t, "and again", p.DeleteVersion(1), fault.NotFound)
	wants(t, "one that is gone in force", p.SetDefault(1), fault.NotFound)
	if v, err := p.AddVersion("{}", noon, false); err != nil || v.Number != 6 || p.Default != 5 || p.Versions[0].Number != 6 {
		t.Errorf("numbers are given again: %+v, %v of %+v", v, err, p)
	}
	if _, ok := p.Version(7); ok {
		t.Error("there is a seventh")
	}
}

func TestSessionsExpire(t *testing.T) {
	now := noon
	sessions := identity.NewSessions(open(t), func() time.Time { return now })
	c, err := sessions.Issue(t.Context(), identity.Session{Account: account, ARN: "arn"}, time.Hour)
	if err != nil || !strings.HasPrefix(c.AccessKeyID, "ASIA") || len(c.SecretAccessKey) != 40 || !c.Expires.Equal(noon.Add(time.Hour)) {
		t.Fatalf("got %+v, %v", c, err)
	}
	want := identity.Session{Key: c.AccessKeyID, Account: account, ARN: "arn", Expires: c.Expires, SecretAccessKey: c.SecretAccessKey}
	if got, ok := sessions.Get(c.AccessKeyID); !ok || got != want {
		t.Errorf("got %+v", got)
	}
	if got, ok := sessions.Secret(c.AccessKeyID); !ok || got != c.SecretAccessKey {
		t.Errorf("its secret is %q, %v", got, ok)
	}
	if got, ok := sessions.Secret("ASIAELSE"); ok || got != "" {
		t.Errorf("the secret of another key is %q", got)
	}
	now = noon.Add(time.Hour)
	if _, ok := sessions.Get(c.AccessKeyID); ok {
		t.Error("it has not expired")
	}
	if got, ok := sessions.Secret(c.AccessKeyID); ok || got != "" {
		t.Errorf("its secret outlives it: %q", got)
	}
}
