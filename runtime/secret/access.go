package secret

import (
	"strconv"
	"strings"

	"millrace/runtime/policy"
)

// Actions are the operations that a secret's resource policy speaks of.
var actions = []string{
	"BatchGetSecretValue", "CancelRotateSecret", "DeleteResourcePolicy", "DeleteSecret", "DescribeSecret", "GetResourcePolicy",
	"GetSecretValue", "ListSecretVersionIds", "PutResourcePolicy", "PutSecretValue", "RestoreSecret", "RotateSecret",
	"TagResource", "UntagResource", "UpdateSecret", "UpdateSecretVersionStage", "ValidateResourcePolicy",
}

// Authorize is nil if a caller may perform an operation on the secret, else a
// *policy.DeniedError: its own account unless the resource policy denies it, others if
// that allows it. keys are condition keys of the operation: "VersionStage", "VersionId".
func (sec Secret) Authorize(who Caller, op string, keys map[string]string) error {
	doc, err := policy.Parse(sec.Policy)
	if err != nil {
		doc = nil // there is none: what cannot be read is never stored
	}
	return sec.resource(doc).Authorize(who.Principal, service+":"+op, func() policy.Context {
		c := policy.Context{}
		if who.Context != nil {
			c = who.Context()
		}
		c.Set("secretsmanager:SecretId", sec.ARN())
		c.Set("secretsmanager:Name", sec.Name)
		for _, t := range sec.Tags {
			c.Set("secretsmanager:ResourceTag/"+t.Key, t.Value)
		}
		for k, v := range keys {
			c.Set(service+":"+k, v)
		}
		return c
	})
}

func (sec Secret) resource(doc *policy.Document) policy.Resource {
	return policy.Resource{ARN: sec.ARN(), Account: sec.Account, Tags: sec.tagMap(), Policy: doc}
}

// IsPublic reports whether a resource policy lets an account that it does not name do
// something with the secret, under no condition that such an account could not meet.
func (sec Secret) IsPublic(doc *policy.Document, text string) bool {
	stranger := policy.RootPrincipal(unnamed(text))
	for _, op := range actions {
		if sec.resource(doc).Authorize(stranger, service+":"+op, nil) == nil {
			return true
		}
	}
	return false
}

// unnamed is an account that is not part of a text.
func unnamed(text string) string {
	for n := 987654321098; ; n-- {
		if account := strconv.Itoa(n); !strings.Contains(text, account) {
			return account
		}
	}
}
