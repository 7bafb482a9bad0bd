package object

import (
	"encoding/json"
	"maps"
	"slices"

	"millrace/runtime/object/notify"
)

// Settings are what an account sets on a bucket, as the bucket's record keeps them. The
// machine needs Versioning, and what is compiled of Notifications; the rest is read by the
// service, which checks all of it before it is stored. Slices and maps are never changed
// once they are stored: who changes a setting puts another one in its place.
type Settings struct {
	Versioning    Versioning           `json:",omitempty"`
	Notifications notify.Configuration `json:",omitzero"`

	Tags      map[string]string `json:",omitempty"`
	Policy    string            `json:",omitempty"` // the text, as given; "" for none
	Ownership string            `json:",omitempty"` // BucketOwnerEnforced, BucketOwnerPreferred or ObjectWriter; "" for none
	Public    *PublicAccess     `json:",omitempty"` // nil for no configuration, which blocks nothing
	CORS      []CORSRule        `json:",omitempty"`

	Encryption BucketEncryption `json:",omitzero"`

	// Location is the location constraint that the bucket was created with, as
	// GetBucketLocation answers it: "" in us-east-1, "EU" or a region elsewhere.
	Location string `json:",omitempty"`

	// AccountRegional says that the bucket was created in the account's regional namespace,
	// which its name shows.
	AccountRegional bool `json:",omitempty"`

	// Documents are configurations that are stored and returned and have no effect, by the
	// name of what is configured: "Lifecycle", "Website". The service knows their shapes.
	Documents map[string]json.RawMessage `json:",omitempty"`
}

// A Versioning says what becomes of an object that is overwritten or deleted.
type Versioning string

// The states of versioning. A bucket leaves Unversioned for good.
const (
	Unversioned         Versioning = ""
	VersioningEnabled   Versioning = "Enabled"
	VersioningSuspended Versioning = "Suspended"
)

// PublicAccess are the four switches of a bucket's public access block.
type PublicAccess struct {
	BlockACLs, IgnoreACLs, BlockPolicy, RestrictBuckets bool
}

// BucketEncryption is how a bucket encrypts objects whose writers say nothing of it. The zero
// value is that of a bucket whose encryption was deleted: there is no rule to return, and
// objects are encrypted with AES256.
type BucketEncryption struct {
	Algorithm string `json:",omitempty"` // AES256, aws:kms or aws:kms:dsse; "" for no rule
	KMSKey    string `json:",omitempty"` // as given: an id, an alias or an ARN; "" for AWS's own key
	BucketKey bool   `json:",omitempty"`
	BlockSSEC bool   `json:",omitempty"` // refuse writes with a client's own key
}

// A CORSRule says which pages of other origins may call the bucket from a browser, and how.
type CORSRule struct {
	ID      string   `json:",omitempty"`
	Origins []string // each with at most one *
	Methods []string
	Headers []string `json:",omitempty"` // that may be asked for; each with at most one *
	Expose  []string `json:",omitempty"` // response headers that the page may read
	MaxAge  *int     `json:",omitempty"` // seconds for which a browser may keep the answer; nil for none
}

// Clone returns settings that may be changed without those being changed: one level deep,
// as stored values are replaced whole.
func (s *Settings) Clone() Settings {
	c := *s
	c.Tags = maps.Clone(s.Tags)
	c.CORS = slices.Clone(s.CORS)
	c.Documents = maps.Clone(s.Documents)
	if s.Public != nil {
		c.Public = new(*s.Public)
	}
	return c
}
