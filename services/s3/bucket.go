package s3

import (
	"context"
	"errors"
	"net/http"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/object/jetobject"
	"millrace/runtime/object/notify"
	"millrace/runtime/policy"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// A request is what an operation wants of a bucket.
type request struct {
	action string  // as policies name it, without its service: "GetObject"
	bucket *string // the bucket's name
	owner  *string // the account that the client takes for the owner; nil for none
	key    string  // of the object; "" for the bucket itself

	anyRegion bool // the bucket may be in another region than the client asks in

	conditions map[string]string // keys of policies beside the global ones: "s3:prefix"
}

// find returns the bucket that a request names, to a caller that may do the action to it.
// Every operation on a bucket or an object comes through here: it is the one place that
// knows of regions, owners and policies.
func (s *Service) find(ctx context.Context, r request) (*jetobject.Bucket, error) {
	name := kit.Value(r.bucket)
	b, err := s.buckets.Find(ctx, name)
	if err != nil {
		return nil, fromBuckets(err, name)
	}
	c, info := identity.From(ctx), b.Info()
	if !c.Anonymous && !r.anyRegion && c.Region != info.ID.Region {
		return nil, elsewhere(info.ID)
	}
	if err := checkOwner(r.owner, info.ID.Account); err != nil {
		return nil, err
	}
	return b, s.authorize(&c, &info, r)
}

// checkOwner refuses a request whose client takes another account for the owner of the
// bucket. nil takes none.
func checkOwner(expected *string, account string) error {
	switch {
	case expected == nil || *expected == account:
		return nil
	case !policy.IsAccount(*expected):
		return refusal("InvalidBucketOwnerAWSAccountID", http.StatusBadRequest,
			"The value of the expected bucket owner parameter must be an AWS Account ID... ["+*expected+"]")
	}
	return accessDenied()
}

// rootActions are the actions that the owning account's root may call even if the policy
// denies everything to everyone: otherwise such a policy could never be removed
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketPolicy.html).
var rootActions = map[string]bool{"GetBucketPolicy": true, "PutBucketPolicy": true, "DeleteBucketPolicy": true}

// authorize returns nil if the caller may do what it asks: the account that owns the
// bucket may unless the bucket's policy denies, others may if the policy allows and the
// public access block lets it. What an account's own identity policies say is not evaluated.
func (s *Service) authorize(c *identity.Caller, info *jetobject.Info, r request) error {
	text := info.Settings.Policy
	owner := !c.Anonymous && c.Account == info.ID.Account
	switch {
	case s.config.PoliciesOff || owner && text == "":
		return nil
	case owner && rootActions[r.action] && (c.Session == nil || c.Session.RoleARN == ""):
		return nil
	case !owner && restrictsPublic(&info.Settings):
		return accessDenied()
	}
	resource := policy.Resource{
		ARN: resourceARN(info.ID.Name, r.key), Account: info.ID.Account,
		Policy: s.policies.Document(info.ID, text, func() (string, error) { return text, nil }),
	}
	err := resource.Authorize(c.Principal(), "s3:"+r.action, func() policy.Context {
		all := c.Context(s.now)()
		for key, value := range r.conditions {
			all.Set(key, value)
		}
		return all
	})
	var d *policy.DeniedError
	switch {
	case err == nil:
		return nil
	case owner && errors.As(err, &d):
		// Callers of the account are told why, others are not
		// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html).
		return refusal("AccessDenied", http.StatusForbidden, "User: "+d.Principal.ARN+" is not authorized to perform: "+d.Action+
			` on resource: "`+d.Resource+`" with an explicit deny in a resource-based policy`)
	}
	return accessDenied()
}

// restrictsPublic reports whether a bucket's public access block keeps other accounts out,
// because its policy is public.
func restrictsPublic(s *object.Settings) bool {
	return s.Public != nil && s.Public.RestrictBuckets && policy.IsPublic(s.Policy)
}

// resourceARN names a bucket, or an object in it, as policies do.
func resourceARN(bucket, key string) string {
	arn := notify.BucketARN(bucket)
	if key != "" {
		arn += "/" + key
	}
	return arn
}

// elsewhere tells a client to ask in the region of the bucket.
func elsewhere(id object.ID) error {
	e := refusal("PermanentRedirect", http.StatusMovedPermanently,
		"The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
		"Endpoint", id.Name+".s3."+id.Region+".amazonaws.com", "Bucket", id.Name)
	e.Header = regionHeader(id.Region)
	return e
}

func regionHeader(region string) http.Header { return http.Header{"X-Amz-Bucket-Region": {region}} }

// update changes the settings of the bucket that a request names.
func (s *Service) update(ctx context.Context, r request, change func(*object.Settings) error) error {
	b, err := s.find(ctx, r)
	if err != nil {
		return err
	}
	return fromBuckets(b.Update(ctx, change), *r.bucket)
}

// settings are those of the bucket that a request names.
func (s *Service) settings(ctx context.Context, r request) (object.Settings, error) {
	b, err := s.find(ctx, r)
	if err != nil {
		return object.Settings{}, err
	}
	return b.Info().Settings, nil
}

// fromBuckets translates the errors of the domain about a bucket.
func fromBuckets(err error, name string) error {
	if _, ok := errors.AsType[*wire.Error](err); ok || err == nil {
		return err
	}
	if fault.Of(err) == fault.NotFound {
		return noSuchBucket(name)
	}
	return err
}

func accessDenied() *wire.Error {
	return refusal("AccessDenied", http.StatusForbidden, "Access Denied")
}

// notSet is the answer of a GET for what a bucket has none of.
func notSet(code, message string, bucket *string) *wire.Error {
	return refusal(code, http.StatusNotFound, message, "BucketName", kit.Value(bucket))
}

// noBody is the answer of a PUT whose document is missing.
func noBody() *wire.Error {
	return refusal("MissingRequestBodyError", http.StatusBadRequest, "Request Body is empty")
}
