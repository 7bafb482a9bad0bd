package secret

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/policy"
)

// A Tag is a key and a value on a secret.
type Tag struct{ Key, Value string }

// A Secret is the record of a secret. Times are in whole milliseconds.
type Secret struct {
	Account     string
	Region      string
	Name        string
	Suffix      string // six letters and digits, the end of its ARN
	ID          string // names its values; never that of another secret
	Description string `json:",omitzero"`
	KeyID       string `json:",omitzero"` // the KMS key, as it was given; "" for aws/secretsmanager
	Type        string `json:",omitzero"` // of a secret that a partner of AWS manages
	Created     time.Time
	Changed     time.Time
	Accessed    time.Time `json:",omitzero"` // the last day that a value was read on, its midnight in UTC
	DeleteAt    time.Time `json:",omitzero"` // the end of its recovery window; zero while it is not deleted
	Policy      string    `json:",omitzero"` // its resource policy; "" for none
	Tags        []Tag     `json:",omitzero"` // in the order of their coming
	Tagged      bool      `json:",omitzero"` // it has or had tags
	Versions    Versions  `json:",omitzero"`
}

// ARN is the secret's name in AWS.
func (s Secret) ARN() string {
	return arn.New(service, s.Region, s.Account, "secret:"+s.Name+"-"+s.Suffix).String()
}

// Deleting reports whether the secret waits for its deletion.
func (s Secret) Deleting() bool { return !s.DeleteAt.IsZero() }

// gone reports whether the recovery window is over.
func (s Secret) gone(now time.Time) bool { return s.Deleting() && !now.Before(s.DeleteAt) }

func (s Secret) key() string { return recordKey(s.Account, s.Region, s.Name) }

// recordKey encodes the name, since a record's key must be short when its rarer
// characters are escaped, and a name may be made of them.
func recordKey(account, region, name string) string {
	return scope(account, region) + base64.RawURLEncoding.EncodeToString([]byte(name))
}

// scope is the prefix of the records of an account in a region.
func scope(account, region string) string { return account + "/" + region + "/" }

// fail is a refusal that names the secret.
func (s Secret) fail(r Reason) *Error { return &Error{Reason: r, Secret: s.ARN()} }

// tagMap is the tags as policies read them.
func (s Secret) tagMap() map[string]string {
	m := map[string]string{}
	for _, t := range s.Tags {
		m[t.Key] = t.Value
	}
	return m
}

// A Value is what is secret of a version: 1 to 65,536 bytes. Printed or logged it is
// not shown.
type Value struct {
	Bytes  []byte
	Binary bool // SecretBinary; else the bytes are a SecretString
}

// MaxValue is how many bytes a value may have.
const MaxValue = 65536

const redacted = "[redacted]"

// Format implements fmt.Formatter: no verb shows the value.
func (v Value) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// LogValue implements slog.LogValuer.
func (v Value) LogValue() slog.Value { return slog.StringValue(redacted) }

func (v Value) equal(other Value) bool {
	return v.Binary == other.Binary && string(v.Bytes) == string(other.Bytes)
}

// A Caller is who asks for something that needs a KMS key.
type Caller struct {
	Principal policy.Principal
	Context   func() policy.Context // condition keys of the request; nil for none
}
