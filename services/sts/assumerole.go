package sts

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/identity"
	"millrace/runtime/policy"
	api "millrace/services/internal/api/sts"
	"millrace/services/internal/kit"
)

// AssumeRole   awsQuery
//
//   - credentials of the role's account, for an hour unless DurationSeconds says
//     otherwise, and no longer than the role allows
//   - an assumed role that assumes another gets an hour at most
//   - session tags differ by more than their case, and hold the transitive keys
//
// Not supported: trust policies and external ids are not asked, nor must the role
// exist; a role that does not has an id made of its ARN. PackedPolicySize counts
// the session policy's characters. Tags and session policies have no effect.
func (s *Service) AssumeRole(ctx context.Context, in *api.AssumeRoleInput) (*api.AssumeRoleOutput, error) {
	role, name, err := parseRole(*in.RoleArn)
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags, in.TransitiveTagKeys); err != nil {
		return nil, err
	}
	if in.Policy != nil && !json.Valid([]byte(*in.Policy)) {
		return nil, malformed
	}
	duration := seconds(in.DurationSeconds, 60*60)
	if s.caller(ctx).RoleARN != "" && duration > time.Hour {
		return nil, validation("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	known, exists := s.roles.Get(role.Account, name)
	id := known.ID
	if !exists {
		id = policy.UniqueID("AROA", *in.RoleArn)
	} else if duration > time.Duration(known.MaxSession)*time.Second {
		return nil, validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}

	as := identity.Session{
		Account: role.Account,
		ARN:     arn.New("sts", "", role.Account, "assumed-role/"+name+"/"+*in.RoleSessionName).String(),
		UserID:  id + ":" + *in.RoleSessionName,
		RoleARN: *in.RoleArn,
	}
	credentials, err := s.issue(ctx, as, duration)
	if err != nil {
		return nil, err
	}
	out := &api.AssumeRoleOutput{
		AssumedRoleUser: &api.AssumedRoleUser{Arn: &as.ARN, AssumedRoleId: &as.UserID},
		Credentials:     credentials,
		SourceIdentity:  in.SourceIdentity,
	}
	if in.Policy != nil {
		out.PackedPolicySize = new(packed(*in.Policy))
	}
	return out, nil
}

// parseRole reads the ARN of a role; its name is what follows the path.
func parseRole(text string) (role arn.ARN, name string, err error) {
	role, err = arn.Parse(text)
	path, isRole := strings.CutPrefix(role.Resource, "role/")
	name = path[strings.LastIndexByte(path, '/')+1:]
	// Accounts are parts of the keys of records: one like 111111111111/x would
	// have its own among another's.
	isAccount := len(role.Account) == 12 && strings.Trim(role.Account, "0123456789") == ""
	if err != nil || role.Service != "iam" || !isRole || name == "" || !isAccount {
		return arn.ARN{}, "", validation("%s is invalid", text)
	}
	return role, name, nil
}

func checkTags(tags []*api.Tag, transitive []string) error {
	add := make([]identity.Tag, len(tags))
	for i, t := range tags {
		add[i] = identity.Tag{Key: *t.Key, Value: *t.Value}
	}
	rules := kit.TagRules{Max: len(tags), Fold: true, Duplicate: func() error {
		return invalidParameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	}}
	if _, err := kit.AddTags(rules, nil, add); err != nil {
		return err
	}
	for _, key := range transitive {
		if !slices.ContainsFunc(tags, func(t *api.Tag) bool { return strings.EqualFold(*t.Key, key) }) {
			return invalidParameter("The specified transitive tag key must be included in the requested tags.")
		}
	}
	return nil
}

// packed is how much of the room for session policies a policy takes, in percent.
func packed(policy string) int32 {
	const room = 2048
	return int32(min(100, (len(policy)*100+room-1)/room))
}

// seconds is a duration that a request gives, or other.
func seconds(n *int32, other int32) time.Duration {
	if n != nil {
		other = *n
	}
	return time.Duration(other) * time.Second
}
