package keys

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"millrace/runtime/arn"
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

// materialSize is in bytes; 0 for a spec that does not exist.
func (s Spec) materialSize() int {
	return map[Spec]int{Symmetric: 32, HMAC224: 28, HMAC256: 32, HMAC384: 48, HMAC512: 64}[s]
}

// Encrypts says whether keys of this spec encrypt; the others make HMACs.
func (s Spec) Encrypts() bool { return s == Symmetric }

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
		return wrong(ErrDisabled, "%s is disabled.", k.ARN())
	case PendingDeletion:
		return k.pending()
	}
	return k.missing()
}

func (k Key) pending() error { return wrong(ErrState, "%s is pending deletion.", k.ARN()) }
func (k Key) missing() error { return wrong(ErrNotFound, "Key '%s' does not exist", k.ARN()) }

// Managed says whether AWS manages the key for one of its services: customers
// can look at it, and neither change nor delete it.
func (k Key) Managed() bool { return k.Service != "" }

// ARN is the key's name in the world.
func (k Key) ARN() string { return arn.New("kms", k.Region, k.Account, "key/"+k.ID).String() }

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
