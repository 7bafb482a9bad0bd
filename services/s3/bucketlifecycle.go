package s3

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// The values of x-amz-transition-default-minimum-object-size.
const (
	minimum128K       = "all_storage_classes_128K"
	minimumByClass    = "varies_by_storage_class"
	maxLifecycleRules = 1000
)

// A lifecycle is what a bucket stores of its lifecycle configuration.
type lifecycle struct {
	Rules       []*api.LifecycleRule
	MinimumSize string
}

// PutBucketLifecycleConfiguration   restXml
//
//   - 1 to 1,000 rules; ids are unique and made up where absent
//   - each rule has a Status, a Filter or the Prefix of old, and an action
//
// Not supported: the configuration is stored and returned; nothing expires and no storage
// class changes.
func (s *Service) PutBucketLifecycleConfiguration(ctx context.Context, in *api.PutBucketLifecycleConfigurationInput) (*api.PutBucketLifecycleConfigurationOutput, error) {
	minimum := kit.ValueOr(in.TransitionDefaultMinimumObjectSize, minimum128K)
	err := s.update(ctx, lifecycleRequest("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		if minimum != minimum128K && minimum != minimumByClass {
			return invalidRequest("Invalid TransitionDefaultMinimumObjectSize found: " + minimum)
		}
		if in.LifecycleConfiguration == nil {
			return noBody()
		}
		rules := in.LifecycleConfiguration.Rules
		if err := checkLifecycle(rules); err != nil {
			return err
		}
		return setDocument(settings, lifecycleDocument, &lifecycle{rules, minimum})
	})
	return &api.PutBucketLifecycleConfigurationOutput{TransitionDefaultMinimumObjectSize: &minimum}, err
}

// GetBucketLifecycleConfiguration   restXml
//
//   - as it was put; a bucket without one is NoSuchLifecycleConfiguration
func (s *Service) GetBucketLifecycleConfiguration(ctx context.Context, in *api.GetBucketLifecycleConfigurationInput) (*api.GetBucketLifecycleConfigurationOutput, error) {
	settings, err := s.settings(ctx, lifecycleRequest("Get", in.Bucket, in.ExpectedBucketOwner))
	if err != nil {
		return nil, err
	}
	l, err := documentIn[lifecycle](&settings, lifecycleDocument)
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, notSet("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", in.Bucket)
	}
	return &api.GetBucketLifecycleConfigurationOutput{Rules: l.Rules, TransitionDefaultMinimumObjectSize: &l.MinimumSize}, nil
}

// DeleteBucketLifecycle   restXml
//
//   - succeeds without a configuration, too
func (s *Service) DeleteBucketLifecycle(ctx context.Context, in *api.DeleteBucketLifecycleInput) (*api.DeleteBucketLifecycleOutput, error) {
	err := s.update(ctx, lifecycleRequest("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		return setDocument[lifecycle](settings, lifecycleDocument, nil)
	})
	return &api.DeleteBucketLifecycleOutput{}, err
}

func lifecycleRequest(verb string, bucket, owner *string) request {
	return request{action: verb + "LifecycleConfiguration", bucket: bucket, owner: owner}
}

// checkLifecycle checks rules, and gives an id to those that have none.
func checkLifecycle(rules []*api.LifecycleRule) error {
	if len(rules) == 0 || len(rules) > maxLifecycleRules || slices.Contains(rules, nil) {
		return malformed()
	}
	ids := map[string]bool{}
	for _, r := range rules {
		if err := checkLifecycleRule(r); err != nil {
			return err
		}
		switch id := kit.Value(r.ID); {
		case id == "":
			r.ID = new(base64.StdEncoding.EncodeToString([]byte(uuid.NewString())))
		case len(id) > 255:
			return invalidArgument("ID length should not exceed allowed limit of 255", "ID", id)
		case ids[id]:
			return invalidArgument("Rule ID must be unique. Found same ID for more than one rule", "ID", id)
		default:
			ids[id] = true
		}
	}
	return nil
}

func checkLifecycleRule(r *api.LifecycleRule) error {
	switch status := kit.Value(r.Status); {
	case status != "Enabled" && status != "Disabled":
		return malformed()
	case (r.Filter == nil) == (r.Prefix == nil):
		return malformed()
	case r.Expiration == nil && r.NoncurrentVersionExpiration == nil && r.AbortIncompleteMultipartUpload == nil &&
		len(r.Transitions) == 0 && len(r.NoncurrentVersionTransitions) == 0:
		return invalidRequest("At least one action needs to be specified in a rule")
	}
	if err := checkLifecycleFilter(r.Filter); err != nil {
		return err
	}
	if e := r.Expiration; e != nil {
		if !exactlyOne(e.Date != nil, e.Days != nil, e.ExpiredObjectDeleteMarker != nil) {
			return malformed()
		}
		if err := checkLifecycleDate(e.Date); err != nil {
			return err
		}
		if e.Days != nil && *e.Days < 1 {
			return refusal("InvalidArgument", http.StatusBadRequest, "'Days' for Expiration action must be a positive integer")
		}
	}
	for _, t := range r.Transitions {
		if t == nil || t.StorageClass == nil || t.Date != nil && t.Days != nil {
			return malformed()
		}
		if err := checkLifecycleDate(t.Date); err != nil {
			return err
		}
	}
	return nil
}

// checkLifecycleFilter refuses a filter with several conditions that are not in an And.
func checkLifecycleFilter(f *api.LifecycleRuleFilter) error {
	if f == nil {
		return nil
	}
	and := f.And != nil
	if n := countTrue(and, f.Prefix != nil, f.Tag != nil, f.ObjectSizeGreaterThan != nil, f.ObjectSizeLessThan != nil); n > 1 {
		return malformed()
	}
	if !and {
		return nil
	}
	keys := map[string]bool{}
	for _, t := range f.And.Tags {
		if t == nil || t.Key == nil {
			return malformed()
		}
		if keys[*t.Key] {
			return invalidRequest("Duplicate Tag Keys are not allowed.")
		}
		keys[*t.Key] = true
	}
	return nil
}

func checkLifecycleDate(date *time.Time) error {
	if date != nil && !date.UTC().Equal(date.UTC().Truncate(24*time.Hour)) {
		return refusal("InvalidArgument", http.StatusBadRequest, "'Date' must be at midnight GMT")
	}
	return nil
}

func exactlyOne(given ...bool) bool { return countTrue(given...) == 1 }

func countTrue(given ...bool) (n int) {
	for _, g := range given {
		if g {
			n++
		}
	}
	return n
}
