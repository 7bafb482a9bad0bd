package s3

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"millrace/runtime/object"
	"millrace/runtime/object/notify"
	"millrace/runtime/policy"
	"millrace/runtime/policy/grammar"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// maxPolicy is the size of the largest policy, in bytes
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html).
const maxPolicy = 20 << 10

// PutBucketPolicy   restXml
//
//   - at most 20 KB, for S3 actions on the bucket and its objects
//   - other accounts, services and unsigned callers may do what the policy allows, and a
//     Deny holds for the owner, too; only the owner's root may always read, put and delete
//     the policy
//   - a policy that is public is AccessDenied while BlockPublicPolicy is on
//
// Not supported: ConfirmRemoveSelfBucketAccess; a policy may lock its writer out.
func (s *Service) PutBucketPolicy(ctx context.Context, in *api.PutBucketPolicyInput) (*api.PutBucketPolicyOutput, error) {
	c := identity.From(ctx)
	err := s.update(ctx, policyRequest("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		text := kit.Value(in.Policy)
		if err := checkPolicy(*in.Bucket, text); err != nil {
			return err
		}
		if settings.Public != nil && settings.Public.BlockPolicy && policy.IsPublic(text) {
			return refusal("AccessDenied", http.StatusForbidden, "User: "+c.Principal().ARN+" is not authorized to perform: s3:PutBucketPolicy on resource: \""+
				notify.BucketARN(*in.Bucket)+"\" because public policies are blocked by the BlockPublicPolicy block public access setting.")
		}
		settings.Policy = text
		return nil
	})
	return &api.PutBucketPolicyOutput{}, err
}

// GetBucketPolicy   restXml
//
//   - the text as it was put; a bucket without one is NoSuchBucketPolicy
func (s *Service) GetBucketPolicy(ctx context.Context, in *api.GetBucketPolicyInput) (*api.GetBucketPolicyOutput, error) {
	settings, err := s.settings(ctx, policyRequest("Get", in.Bucket, in.ExpectedBucketOwner))
	if err != nil {
		return nil, err
	}
	if settings.Policy == "" {
		return nil, noPolicy(in.Bucket)
	}
	return &api.GetBucketPolicyOutput{Policy: &settings.Policy}, nil
}

// DeleteBucketPolicy   restXml
//
//   - succeeds without a policy, too
func (s *Service) DeleteBucketPolicy(ctx context.Context, in *api.DeleteBucketPolicyInput) (*api.DeleteBucketPolicyOutput, error) {
	err := s.update(ctx, policyRequest("Delete", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		settings.Policy = ""
		return nil
	})
	return &api.DeleteBucketPolicyOutput{}, err
}

// GetBucketPolicyStatus   restXml
//
//   - IsPublic by AWS's meaning of public: a statement lets in callers that it does not
//     name, nor holds to fixed values of where they come from
func (s *Service) GetBucketPolicyStatus(ctx context.Context, in *api.GetBucketPolicyStatusInput) (*api.GetBucketPolicyStatusOutput, error) {
	settings, err := s.settings(ctx, request{action: "GetBucketPolicyStatus", bucket: in.Bucket, owner: in.ExpectedBucketOwner})
	if err != nil {
		return nil, err
	}
	if settings.Policy == "" {
		return nil, noPolicy(in.Bucket)
	}
	return &api.GetBucketPolicyStatusOutput{PolicyStatus: &api.PolicyStatus{IsPublic: new(policy.IsPublic(settings.Policy))}}, nil
}

func policyRequest(verb string, bucket, owner *string) request {
	return request{action: verb + "BucketPolicy", bucket: bucket, owner: owner}
}

func noPolicy(bucket *string) error {
	return notSet("NoSuchBucketPolicy", "The bucket policy does not exist", bucket)
}

// checkPolicy refuses a text that is no policy for the bucket.
func checkPolicy(bucket, text string) error {
	if len(text) > maxPolicy {
		return badPolicy("Policy exceeds the maximum allowed document size.")
	}
	read, err := grammar.Read(text)
	if err != nil {
		return badPolicy("Policies must be valid JSON and the first byte must be '{'")
	}
	if read.Version != "" && read.Version != grammar.Version2008 && read.Version != grammar.Version2012 {
		return badPolicy("The policy must contain a valid version string")
	}
	if len(read.Statement) == 0 {
		return badPolicy("Could not parse the policy: Statement is empty!")
	}
	for i := range read.Statement {
		if err := checkStatement(bucket, &read.Statement[i]); err != nil {
			return err
		}
	}
	_, err = policy.Parse(text)
	if e, ok := errors.AsType[*policy.PrincipalError](err); ok {
		return refusal("MalformedPolicy", http.StatusBadRequest, "Invalid principal in policy", "Detail", `"`+e.Kind+`" : "`+e.Name+`"`)
	}
	if err != nil {
		return badPolicy("The policy is not valid: " + err.Error())
	}
	return nil
}

func checkStatement(bucket string, s *grammar.Statement) error {
	switch {
	case s.Effect == "":
		return badPolicy("Missing required field Effect")
	case s.Effect != "Allow" && s.Effect != "Deny":
		return badPolicy("Invalid effect : " + s.Effect)
	case s.Principal == nil && s.NotPrincipal == nil:
		return badPolicy("Missing required field Principal")
	case s.Action == nil && s.NotAction == nil:
		return badPolicy("Missing required field Action")
	case s.Resource == nil && s.NotResource == nil:
		return badPolicy("Missing required field Resource")
	}
	for _, action := range append(s.Action, s.NotAction...) {
		if service, _, _ := strings.Cut(action, ":"); action != "*" && !strings.EqualFold(service, "s3") {
			return badPolicy("Policy has invalid action")
		}
	}
	for _, resource := range append(s.Resource, s.NotResource...) {
		if !isOfBucket(resource, bucket) {
			return badPolicy("Policy has invalid resource")
		}
	}
	if slices.ContainsFunc(s.Action, func(action string) bool { return !applies(action, s.Resource) }) {
		return badPolicy("Action does not apply to any resource(s) in statement")
	}
	return nil
}

// applies reports whether an action may be about one of the resources: one on objects needs
// an object, and one on buckets a bucket. Patterns may be about anything, and so may what has
// a name that says nothing; no resources are those of NotResource.
func applies(action string, resources []string) bool {
	if len(resources) == 0 || strings.ContainsAny(action, "*?") {
		return true
	}
	ofBucket, ofObject := strings.Contains(action, "Bucket"), strings.Contains(action, "Object")
	return ofBucket == ofObject || slices.ContainsFunc(resources, func(resource string) bool {
		_, _, isObject := strings.Cut(resource, "/")
		return isObject == ofObject || !isObject && strings.HasSuffix(resource, "*")
	})
}

// isOfBucket reports whether a resource of a policy is the bucket, or objects in it.
func isOfBucket(resource, bucket string) bool {
	arn := notify.BucketARN(bucket)
	rest, ok := strings.CutPrefix(resource, arn)
	if ok && (rest == "" || rest[0] == '/' || rest[0] == '*') {
		return true
	}
	before, _, wild := strings.Cut(resource, "*")
	return wild && strings.HasPrefix(arn, before)
}

func badPolicy(message string) *wire.Error {
	return refusal("MalformedPolicy", http.StatusBadRequest, message)
}
