package crash

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

// secrets makes secrets whose values, tags and being there are changed: a value is one
// record, which another one names.
func (c *client) secrets(sdk *sm.Client) []*setting {
	for _, name := range []string{"value", "previous"} {
		_, err := sdk.CreateSecret(c.t.Context(), &sm.CreateSecretInput{Name: &name, SecretString: aws.String("0")})
		c.must("CreateSecret", err)
	}
	v := vault{c, sdk}
	return []*setting{
		{what: "value of a secret", next: number, change: v.put("value"), read: v.value("value"), known: "0"},
		{what: "description of a secret", next: number, change: v.describe("previous"), read: v.description("previous")},
		{what: "secret come-and-go", next: numberOrNone, change: v.makeOrUnmake("come-and-go"), read: v.value("come-and-go")},
	}
}

// A vault is a client of secrets.
type vault struct {
	*client
	sdk *sm.Client
}

func (v vault) put(name string) func(string) bool {
	return func(to string) bool {
		_, err := v.sdk.PutSecretValue(v.t.Context(), &sm.PutSecretValueInput{SecretId: &name, SecretString: &to})
		return v.must("PutSecretValue", err)
	}
}

// value is that of a secret, "" when there is none.
func (v vault) value(name string) func() string {
	return func() string {
		out, err := v.sdk.GetSecretValue(v.t.Context(), &sm.GetSecretValueInput{SecretId: &name})
		if none := (*types.ResourceNotFoundException)(nil); errors.As(err, &none) {
			return ""
		}
		if err != nil {
			v.t.Errorf("GetSecretValue: %v", err)
			return ""
		}
		return *out.SecretString
	}
}

func (v vault) describe(name string) func(string) bool {
	return func(to string) bool {
		_, err := v.sdk.UpdateSecret(v.t.Context(), &sm.UpdateSecretInput{SecretId: &name, Description: &to})
		return v.must("UpdateSecret", err)
	}
}

func (v vault) description(name string) func() string {
	return func() string {
		out, err := v.sdk.DescribeSecret(v.t.Context(), &sm.DescribeSecretInput{SecretId: &name})
		if err != nil {
			v.t.Errorf("DescribeSecret: %v", err)
			return ""
		}
		return aws.ToString(out.Description)
	}
}

// makeOrUnmake makes the secret with a value, gives it another one, or deletes it at once.
func (v vault) makeOrUnmake(name string) func(string) bool {
	return func(to string) bool {
		if to == "" {
			_, err := v.sdk.DeleteSecret(v.t.Context(), &sm.DeleteSecretInput{SecretId: &name, ForceDeleteWithoutRecovery: aws.Bool(true)})
			return v.must("DeleteSecret", err)
		}
		_, err := v.sdk.CreateSecret(v.t.Context(), &sm.CreateSecretInput{Name: &name, SecretString: &to})
		if taken := (*types.ResourceExistsException)(nil); errors.As(err, &taken) {
			return v.put(name)(to)
		}
		return v.must("CreateSecret", err)
	}
}
