package s3

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"millrace/runtime/object"
	"millrace/runtime/object/notify"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// PutBucketReplication   restXml
//
//   - both buckets keep versions; the destinations are there
//
// Not supported: the configuration is stored and returned; nothing is replicated.
func (s *Service) PutBucketReplication(ctx context.Context, in *api.PutBucketReplicationInput) (*api.PutBucketReplicationOutput, error) {
	err := s.update(ctx, replicationRequest("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		conf := in.ReplicationConfiguration
		switch {
		case conf == nil:
			return noBody()
		case settings.Versioning != object.VersioningEnabled:
			return invalidRequest("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
		case conf.Role == nil || len(conf.Rules) == 0:
			return malformed()
		}
		for _, r := range conf.Rules {
			if err := s.checkReplication(ctx, r); err != nil {
				return err
			}
		}
		return setDocument(settings, replicationDocument, conf)
	})
	return &api.PutBucketReplicationOutput{}, err
}

// checkReplication checks a rule, and gives it an id if it has none.
func (s *Service) checkReplication(ctx context.Context, r *api.ReplicationRule) error {
	if r == nil || r.Destination == nil || r.Destination.Bucket == nil || *r.Destination.Bucket == "" {
		return malformed()
	}
	if status := kit.Value(r.Status); status != "Enabled" && status != "Disabled" {
		return malformed()
	}
	name, ok := strings.CutPrefix(*r.Destination.Bucket, notify.BucketARN(""))
	if !ok {
		return invalidRequest("Invalid bucket ARN.")
	}
	b, err := s.buckets.Find(ctx, name)
	switch {
	case err != nil:
		return invalidRequest("Destination bucket must exist.")
	case b.Info().Settings.Versioning != object.VersioningEnabled:
		return invalidRequest("Destination bucket must have versioning enabled.")
	case r.ID == nil:
		r.ID = new(uuid.NewString())
	}
	return nil
}

// GetBucketReplication   restXml
//
//   - as it was put; a bucket without one is ReplicationConfigurationNotFoundError
func (s *Service) GetBucketReplication(ctx context.Context, in *api.GetBucketReplicationInput) (*api.GetBucketReplicationOutput, error) {
	settings, err := s.settings(ctx, replicationRequest("Get", in.Bucket, in.ExpectedBucketOwner))
	if err != nil {
		return nil, err
	}
	conf, err := documentIn[api.ReplicationConfiguration](&settings, replicationDocument)
	if err != nil {
		return nil, err
	}
	if conf == nil {
		return nil, notSet("ReplicationConfigurationNotFoundError", "The replication configuration was not found", in.Bucket)
	}
	return &api.GetBucketReplicationOutput{ReplicationConfiguration: conf}, nil
}

// DeleteBucketReplication   restXml
//
//   - succeeds without a configuration, too
func (s *Service) DeleteBucketReplication(ctx context.Context, in *api.DeleteBucketReplicationInput) (*api.DeleteBucketReplicationOutput, error) {
	err := s.update(ctx, replicationRequest("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		return setDocument[api.ReplicationConfiguration](settings, replicationDocument, nil)
	})
	return &api.DeleteBucketReplicationOutput{}, err
}

func replicationRequest(verb string, bucket, owner *string) request {
	return request{action: verb + "ReplicationConfiguration", bucket: bucket, owner: owner}
}
