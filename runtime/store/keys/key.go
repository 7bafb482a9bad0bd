package keys

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
	"millrace/runtime/policy"
)

// A Key is a KMS key: the record of it. Its material is of use to a Ring only.
type Key struct {
	ID          string // a UUID
	Account     string
	Region      string
	Service     string `json:",omitzero"` // "sqs" for the key that AWS manages for SQS; "" for customers' own
	Spec        Spec
	Description string `json:",omitzero"`
	Created     time.Time
	Disabled    bool          `json:",omitzero"`
	DeleteAt    time.Time     `json:",omitzero"` // when it will be gone; zero when it will not
	Rotation    time.Duration `json:",omitzero"` // how often it should rotate; 0 for never
	RotateFrom  time.Time     `json:",omitzero"` // since when
	Policy      string        `json:",omitzero"` // "" for the default policy
	Tags        []Tag         `json:",omitzero"`
	Material    []byte        // wrapped by the root key
}

// A Tag is a label on a key.
type Tag struct{ Key, Value string }

// A Spec is a kind of key that can be made, in KMS's words.
type Spec string

// The specs: 256 bits for encryption, and keys for HMACs.
const (
	Symmetric Spec = "SYMMETRIC_DEFAULT"
	HMAC224   Spec = "HMAC_224"
	HMAC256   Spec = "HMAC_256"
	HMAC384   Spec = "HMAC_384"
	HMAC512   Spec = "HMAC_512"
)

// Specs are all there are.
var Specs = []Spec{Symmetric, HMAC224, HMAC256, HMAC384, HMAC512}

// materialSize is in bytes; 0 for a spec that does not exist.
func (s Spec) materialSize() int {
	return map[Spec]int{Symmetric: 32, HMAC224: 28, HMAC256: 32, HMAC384: 48, HMAC512: 64}[s]
}

// Encrypts says whether keys of this spec encrypt; the others make HMACs.
func (s Spec) Encrypts() bool { return s == Symmetric }

// Usage is KMS's word for what keys of this spec are for.
func (s Spec) Usage() string {
	if s.Encrypts() {
		return "ENCRYPT_DECRYPT"
	}
	return "GENERATE_VERIFY_MAC"
}

// A State is KMS's word for what a key is good for.
type State string

// The states.
const (
	Enabled         State = "Enabled"
	Disabled        State = "Disabled"
	PendingDeletion State = "PendingDeletion"
	Gone            State = "" // its deletion date has passed
)

// State is what a key is good for now.
func (k Key) State(now time.Time) State {
	switch {
	case !k.DeleteAt.IsZero() && !now.Before(k.DeleteAt):
		return Gone
	case !k.DeleteAt.IsZero():
		return PendingDeletion
	case k.Disabled:
		return Disabled
	}
	return Enabled
}

// usable is nil while a key may wrap and unwrap.
func (k Key) usable(now time.Time) error {
	switch k.State(now) {
	case Enabled:
		return nil
	case Disabled:
		return newError(ErrDisabled, "%s is disabled.", k.ARN())
	case PendingDeletion:
		return k.pending()
	}
	return k.missing()
}

func (k Key) pending() error { return newError(ErrState, "%s is pending deletion.", k.ARN()) }
func (k Key) missing() error { return newError(ErrNotFound, "Key '%s' does not exist", k.ARN()) }

func (k Key) otherUse(op string) error {
	return newError(ErrUsage, "%s key usage is %s which is not valid for %s.", k.ARN(), k.Spec.Usage(), op)
}

// Managed says whether AWS manages the key for one of its services: customers
// can look at it, and neither change nor delete it.
func (k Key) Managed() bool { return k.Service != "" }

// ARN is the key's name in the world.
func (k Key) ARN() string { return arn.New("kms", k.Region, k.Account, "key/"+k.ID).String() }

// crossAccountOps are the operations that a policy can allow other accounts; allowed
// there, all others have no effect
// (https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html).
var crossAccountOps = []string{
	"Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateMac",
	"GetKeyRotationStatus", "ReEncryptFrom", "ReEncryptTo", "VerifyMac",
}

// Allows is nil if a principal may perform an operation of KMS on the key: any
// principal of the key's own account, and those of other accounts that the key's
// policy allows, for the operations that other accounts can call at all. The keys
// that AWS manages can only be described. context has the condition keys of the
// request; nil for none. Those that follow from the key and the principal are added.
// Otherwise it is ErrAccess and wraps a *policy.DeniedError.
//
// Not supported: a policy that allows its own account less than everything;
// conditions on encryption contexts, which no request here has.
func (k Key) Allows(who policy.Principal, op string, context func() policy.Context) error {
	denied := &policy.DeniedError{Principal: who, Action: "kms:" + op, Resource: k.ARN()}
	switch {
	case k.Managed():
		reads := slices.ContainsFunc([]string{"Describe", "Get", "List"}, func(verb string) bool { return strings.HasPrefix(op, verb) })
		if reads && who.Account == k.Account {
			return nil
		}
	case who.Account == k.Account:
		return nil
	case slices.Contains(crossAccountOps, op):
		doc, err := policy.Parse(k.Policy)
		if err != nil {
			break // it allows nothing; none such is ever stored
		}
		err = policy.Resource{ARN: k.ARN(), Account: k.Account, Tags: k.tagMap(), Policy: doc}.
			Authorize(who, denied.Action, func() policy.Context { return k.context(who, context) })
		if !errors.As(err, &denied) {
			return err
		}
	}
	return &fault.Error{Code: fault.Denied, What: denied.Error(), Err: refusal{denied}}
}

// A refusal is ErrAccess with what was refused.
type refusal struct{ *policy.DeniedError }

func (r refusal) Error() string   { return ErrAccess.Error() }
func (r refusal) Unwrap() []error { return []error{ErrAccess, r.DeniedError} }

// context adds the condition keys that follow from the key and the principal to those
// of a request, which come first.
func (k Key) context(who policy.Principal, of func() policy.Context) policy.Context {
	c := policy.Context{}
	c.Set("aws:PrincipalAccount", who.Account)
	c.Set("kms:CallerAccount", who.Account)
	c.Set("kms:KeySpec", string(k.Spec))
	c.Set("kms:KeyUsage", k.Spec.Usage())
	if of != nil {
		maps.Copy(c, of())
	}
	return c
}

func (k Key) tagMap() map[string]string {
	m := map[string]string{}
	for _, t := range k.Tags {
		m[t.Key] = t.Value
	}
	return m
}

// A keyID is a key's id in 16 bytes. Zero stands for the root key.
type keyID [16]byte

func newID() string { return uuid.NewString() }

// parseID reads an id as KMS writes it, and no other spelling of a UUID.
func parseID(s string) (keyID, bool) {
	if len(s) != 36 || strings.ToLower(s) != s {
		return keyID{}, false
	}
	id, err := uuid.Parse(s)
	return keyID(id), err == nil
}

func (id keyID) String() string { return uuid.UUID(id).String() }
