package s3

import (
	"context"
	"net/http"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/object/jetobject"
	"millrace/runtime/object/notify"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// CreateBucket   restXml
//
//   - names are one space over all accounts and regions; x-amz-bucket-namespace
//     account-regional asks for a name of the account's own: PREFIX-ACCOUNT-REGION-an
//   - in us-east-1 a location constraint may name any other region; elsewhere it has to
//     name the region that the client asks in
//   - the owner may create a bucket of us-east-1 again, and gets it as it is, unless the
//     request has tags
//   - a new bucket has the owner enforced, blocks public access, encrypts with AES256 and
//     refuses keys of clients (SSE-C)
//   - who asks for the ACL private and for no ownership gets BucketOwnerPreferred: such a
//     bucket takes objects with ACLs, which clients like rclone go on to put. Seen at AWS
//     (https://github.com/versity/versitygw/issues/1869)
//
// Not supported: object lock, directory buckets, and ACLs other than private.
func (s *Service) CreateBucket(ctx context.Context, in *api.CreateBucketInput) (*api.CreateBucketOutput, error) {
	c, name := identity.From(ctx), kit.Value(in.Bucket)
	if c.Anonymous && !s.config.PoliciesOff {
		return nil, accessDenied()
	}
	conf := kit.Value(in.CreateBucketConfiguration)
	region, err := locate(c.Region, conf.LocationConstraint)
	if err != nil {
		return nil, err
	}
	namespace := kit.Value(in.BucketNamespace)
	if err := checkName(&c, name, region, namespace); err != nil {
		return nil, err
	}
	settings, err := newSettings(in, &conf)
	if err != nil {
		return nil, err
	}
	settings.AccountRegional = namespace == accountNamespace
	id := object.ID{Account: c.Account, Region: region, Name: name}
	_, err = s.buckets.Create(ctx, jetobject.Draft{ID: id, Settings: settings})
	if fault.Of(err) == fault.Exists {
		err = s.createdBefore(ctx, id, &settings)
	}
	if err != nil {
		return nil, err
	}
	location := "/" + name
	if region != firstRegion && !settings.AccountRegional {
		location = "http://" + name + ".s3.amazonaws.com/"
	}
	return &api.CreateBucketOutput{BucketArn: new(notify.BucketARN(name)), Location: &location}, nil
}

// newSettings are those of a new bucket, as a request asks for it.
func newSettings(in *api.CreateBucketInput, conf *api.CreateBucketConfiguration) (settings object.Settings, err error) {
	switch {
	case kit.Value(in.ObjectLockEnabledForBucket):
		return settings, notImplementedHeader("x-amz-bucket-object-lock-enabled", "")
	case conf.Bucket != nil || conf.Location != nil:
		return settings, refusal("NotImplemented", http.StatusNotImplemented, "Directory buckets are not supported by Millrace.")
	}
	settings = object.Settings{
		Ownership:  enforced,
		Public:     &object.PublicAccess{BlockACLs: true, IgnoreACLs: true, BlockPolicy: true, RestrictBuckets: true},
		Encryption: object.BucketEncryption{Algorithm: aes256, BlockSSEC: true},
		Location:   kit.Value(conf.LocationConstraint),
	}
	if in.ACL != nil && *in.ACL == "private" {
		settings.Ownership = preferred
	}
	if in.ObjectOwnership != nil {
		if !isOwnership(*in.ObjectOwnership) {
			return settings, refusal("InvalidArgument", http.StatusBadRequest,
				"Invalid x-amz-object-ownership header: "+*in.ObjectOwnership, "ArgumentName", "x-amz-object-ownership")
		}
		settings.Ownership = *in.ObjectOwnership
	}
	if err := checkNewACL(in, settings.Ownership); err != nil {
		return settings, err
	}
	settings.Tags, err = bucketTags(conf.Tags)
	return settings, err
}

// checkNewACL refuses what makes an access control list of its own: a new bucket enforces
// its owner, or blocks public lists.
func checkNewACL(in *api.CreateBucketInput, ownership string) error {
	granted := in.GrantFullControl != nil || in.GrantRead != nil || in.GrantReadACP != nil || in.GrantWrite != nil || in.GrantWriteACP != nil
	switch acl := kit.ValueOr(in.ACL, "private"); {
	case acl == "private" && !granted:
		return nil
	case ownership == enforced:
		return refusal("InvalidBucketAclWithObjectOwnership", http.StatusBadRequest,
			"Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	case !granted && acl != "private":
		return accessDenied() // all that are left are public
	}
	return notImplementedHeader("x-amz-grant-*", "")
}

// createdBefore is the answer to who asks for a bucket that is there: nil if it is as good
// as made now.
func (s *Service) createdBefore(ctx context.Context, asked object.ID, settings *object.Settings) error {
	b, err := s.buckets.Find(ctx, asked.Name)
	if err != nil { // deleted meanwhile: a client that tries again makes it
		return refusal("OperationAborted", http.StatusConflict,
			"A conflicting conditional operation is currently in progress against this resource. Please try again.")
	}
	switch there := b.Info().ID; {
	case there.Account != asked.Account:
		return refusal("BucketAlreadyExists", http.StatusConflict, "The requested bucket name is not available. "+
			"The bucket namespace is shared by all users of the system. Please select a different name and try again.", "BucketName", asked.Name)
	case there.Region == firstRegion && asked.Region == firstRegion && len(settings.Tags) == 0 && !settings.AccountRegional:
		return nil
	}
	return refusal("BucketAlreadyOwnedByYou", http.StatusConflict,
		"Your previous request to create the named bucket succeeded and you already own it.", "BucketName", asked.Name)
}
