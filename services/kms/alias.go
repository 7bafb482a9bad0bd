package kms

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"millrace/runtime/store/keys"
	api "millrace/services/internal/api/kms"
)

// maxAliases is how many aliases a key may have.
const maxAliases = 50

// CreateAlias   awsJson1_1
//
//   - names a key of the caller's, in its region; AlreadyExistsException when the
//     name is taken
//   - names begin with alias/, and not with alias/aws/, which is AWS's
//   - at most 50 aliases a key
func (s *Service) CreateAlias(ctx context.Context, in *api.CreateAliasInput) (*api.CreateAliasOutput, error) {
	k, err := s.target(ctx, in.AliasName, in.TargetKeyId, "CreateAlias")
	if err != nil {
		return nil, err
	}
	return &api.CreateAliasOutput{}, failure(s.ring.CreateAlias(ctx, *in.AliasName, k))
}

// UpdateAlias   awsJson1_1
//
//   - the alias names another key of the same usage; NotFoundException when there
//     is no such alias
func (s *Service) UpdateAlias(ctx context.Context, in *api.UpdateAliasInput) (*api.UpdateAliasOutput, error) {
	k, err := s.target(ctx, in.AliasName, in.TargetKeyId, "UpdateAlias")
	if err != nil {
		return nil, err
	}
	now, err := s.ring.Key(ctx, *in.AliasName, k.Account, k.Region)
	if err != nil {
		return nil, failure(err)
	}
	if now.Spec.Encrypts() != k.Spec.Encrypts() {
		return nil, validation("Alias %s cannot be changed from KMS key %s to %s because the keys have different KeyUsage values", *in.AliasName, now.ARN(), k.ARN())
	}
	return &api.UpdateAliasOutput{}, failure(s.ring.UpdateAlias(ctx, *in.AliasName, k))
}

// target finds the key that an alias shall name.
func (s *Service) target(ctx context.Context, alias, name *string, op string) (keys.Key, error) {
	if err := checkAlias(*alias); err != nil {
		return keys.Key{}, err
	}
	if strings.HasPrefix(*name, "alias/") || strings.Contains(*name, ":alias/") {
		return keys.Key{}, validation("Aliases must refer to keys. Not aliases")
	}
	k, err := s.key(ctx, name, op)
	if err != nil {
		return k, err
	}
	c, who := caller(ctx)
	if k.Account != c.Account {
		return k, accessDenied("User: " + who.ARN + " is not authorized to perform: kms:" + op + " on resource: " + k.ARN())
	}
	named := slices.DeleteFunc(s.ring.Aliases(k.Account, k.Region), func(a keys.Alias) bool { return a.Target != k.ID || a.Name == *alias })
	switch {
	case k.State(s.now()) == keys.PendingDeletion:
		return k, api.ErrKMSInvalidStateException(k.ARN() + " is pending deletion.")
	case len(named) >= maxAliases:
		return k, api.ErrLimitExceededException("The KMS key " + k.ARN() + " has reached its limit of 50 aliases")
	}
	return k, nil
}

var aliasName = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]+$`)

// checkAlias accepts a name that a customer may give.
func checkAlias(name string) error {
	switch {
	case !strings.HasPrefix(name, "alias/"):
		return validation(`Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html`)
	case !aliasName.MatchString(name):
		return validation("%s contains invalid characters for an alias", name)
	case strings.HasPrefix(name, "alias/aws/"):
		return notAuthorized()
	}
	return nil
}

// DeleteAlias   awsJson1_1
//
//   - the key stays
func (s *Service) DeleteAlias(ctx context.Context, in *api.DeleteAliasInput) (*api.DeleteAliasOutput, error) {
	if err := checkAlias(*in.AliasName); err != nil {
		return nil, err
	}
	c, _ := caller(ctx)
	return &api.DeleteAliasOutput{}, failure(s.ring.DeleteAlias(ctx, *in.AliasName, c.Account, c.Region))
}

// ListAliases   awsJson1_1
//
//   - the account's in the region, or those of a key, in the order of their names,
//     50 a page
//   - alias/aws/mq, alias/aws/s3, alias/aws/secretsmanager, alias/aws/sns and alias/aws/sqs are always among them, and each names a key
//     once its service has used it
func (s *Service) ListAliases(ctx context.Context, in *api.ListAliasesInput) (*api.ListAliasesOutput, error) {
	c, _ := caller(ctx)
	all := s.ring.Aliases(c.Account, c.Region)
	if in.KeyId != nil {
		k, err := s.key(ctx, in.KeyId, "ListAliases")
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(a keys.Alias) bool { return a.Target != k.ID })
	}
	part, next, truncated, err := page(all, func(a keys.Alias) string { return a.Name }, listing{in.Marker, in.Limit, 50, 100})
	if err != nil {
		return nil, err
	}
	out := &api.ListAliasesOutput{Aliases: []*api.AliasListEntry{}, NextMarker: next, Truncated: truncated}
	for _, a := range part {
		e := &api.AliasListEntry{AliasName: &a.Name, AliasArn: new(a.ARN())}
		if a.Target != "" {
			e.TargetKeyId, e.CreationDate, e.LastUpdatedDate = &a.Target, &a.Created, &a.Updated
		}
		out.Aliases = append(out.Aliases, e)
	}
	return out, nil
}
