package keys

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
)

// Key finds the key that name means to an account in a region: an id, an alias,
// or the ARN of either. The alias of a service of AWS (alias/aws/sqs) makes its
// key when its account first asks for it, as AWS does. ErrNotFound when there is
// no such key. The key may be another account's.
func (r *Ring) Key(ctx context.Context, name, account, region string) (Key, error) {
	at, isARN := arn.ARN{Account: account, Region: region, Resource: name}, strings.HasPrefix(name, "arn:")
	if isARN {
		var err error
		if at, err = arn.Parse(name); err != nil || at.Service != "kms" {
			return Key{}, newError(ErrNotFound, "Invalid arn %s", name)
		}
		if at.Region != region {
			return Key{}, newError(ErrNotFound, "Invalid arn %s", at.Region)
		}
	}
	if strings.HasPrefix(at.Resource, aliasPrefix) {
		return r.byAlias(ctx, at.Account, at.Region, at.Resource, at.Account == account)
	}
	id, isKey := strings.CutPrefix(at.Resource, "key/")
	if isKey != isARN {
		return Key{}, newError(ErrNotFound, "Invalid keyId '%s'", name)
	}
	want := Key{ID: id, Account: at.Account, Region: at.Region}
	if _, ok := parseID(id); !ok && !isARN {
		return Key{}, newError(ErrNotFound, "Invalid keyId '%s'", name)
	}
	k, ok := r.find(ctx, id)
	if !ok || k.Account != want.Account || k.Region != want.Region {
		return Key{}, want.missing()
	}
	return k, nil
}

// byAlias finds the key of an alias. A service's is made when its own account
// asks; whatever account a stranger names gets no record.
func (r *Ring) byAlias(ctx context.Context, account, region, name string, own bool) (Key, error) {
	want := Alias{Name: name, Account: account, Region: region}
	if service, ok := strings.CutPrefix(name, managedPrefix); ok && managedDescriptions[service] != "" {
		if own {
			return r.managed(ctx, account, region, service)
		}
		if k, ok := r.find(ctx, managedID(account, region, service)); ok {
			return k, nil
		}
		return Key{}, want.missing()
	}
	a, err := r.aliases.Find(ctx, want.key()) // as find does for keys
	if err != nil {
		return Key{}, want.missing()
	}
	k, ok := r.find(ctx, a.Target)
	if !ok {
		return Key{}, want.missing()
	}
	return k, nil
}

// managedDescriptions describe the keys that AWS manages for its services, by the service:
// all that are supported.
var managedDescriptions = map[string]string{
	"mq":             "Default key that protects my Amazon MQ data when no other key is defined",
	"s3":             "Default key that protects my S3 objects when no other key is defined",
	"sns":            "Default key that protects my SNS data when no other key is defined",
	"sqs":            "Default key that protects my SQS messages when no other key is defined",
	"secretsmanager": "Default key that protects my Secrets Manager data when no other key is defined",
}

// managedID is the id of the key that AWS manages for a service. It follows from
// where the key is, so that runtimes that make it at once make the same one.
func managedID(account, region, service string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(arn.New("kms", region, account, managedPrefix+service).String())).String()
}

func (r *Ring) managed(ctx context.Context, account, region, service string) (Key, error) {
	id := managedID(account, region, service)
	if k, ok := r.byID(id); ok {
		return k, nil
	}
	k, err := r.store(ctx, Key{
		ID: id, Account: account, Region: region, Service: service, Spec: Symmetric,
		Description: managedDescriptions[service],
		Rotation:    year,
	})
	if errors.Is(err, fault.Exists) {
		if k, ok := r.byID(id); ok {
			return k, nil
		}
	}
	return k, err
}
