package s3

import (
	"context"
	"errors"
	"net/http"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
)

// GetObjectTagging   restXml
//
//   - an object without tags has an empty set
//   - a delete marker that is named is MethodNotAllowed
func (s *Service) GetObjectTagging(ctx context.Context, in *api.GetObjectTaggingInput) (*api.GetObjectTaggingOutput, error) {
	t, err := s.target(ctx, "GetObjectTagging", in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	o, err := t.look(ctx, http.MethodGet)
	if err != nil {
		return nil, err
	}
	return &api.GetObjectTaggingOutput{TagSet: tagSet(o.Tags), VersionId: shownVersion(t.bucket, &o)}, nil
}

// PutObjectTagging   restXml
//
//   - replaces all tags: at most 10, keys of at most 128 characters and values of 256
//   - LastModified and ETag stay
func (s *Service) PutObjectTagging(ctx context.Context, in *api.PutObjectTaggingInput) (*api.PutObjectTaggingOutput, error) {
	t, err := s.target(ctx, "PutObjectTagging", in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	tags, err := objectTags(in.Tagging)
	if err != nil {
		return nil, err
	}
	stored, err := t.putTags(ctx, &object.PutTags{Tags: tags}, http.MethodPut)
	if err != nil {
		return nil, err
	}
	return &api.PutObjectTaggingOutput{VersionId: shownVersion(t.bucket, stored)}, nil
}

// DeleteObjectTagging   restXml
//
//   - removes all tags of an object or a version; one without tags is no error
func (s *Service) DeleteObjectTagging(ctx context.Context, in *api.DeleteObjectTaggingInput) (*api.DeleteObjectTaggingOutput, error) {
	t, err := s.target(ctx, "DeleteObjectTagging", in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	stored, err := t.putTags(ctx, &object.PutTags{Delete: true}, http.MethodDelete)
	if err != nil {
		return nil, err
	}
	return &api.DeleteObjectTaggingOutput{VersionId: shownVersion(t.bucket, stored)}, nil
}

func (t *target) putTags(ctx context.Context, p *object.PutTags, method string) (*object.Object, error) {
	p.Key, p.Version, p.By = t.key, t.version, causer(ctx)
	if err := t.bucket.Do(ctx, p); err != nil {
		return nil, t.translate(err)
	}
	switch {
	case p.Err == nil:
		return &p.Stored, nil
	case errors.Is(p.Err, object.ErrIsMarker), errors.Is(p.Err, object.ErrNoSuchVersion):
		if _, err := t.look(ctx, method); err != nil {
			return nil, err
		}
	}
	return nil, t.translate(p.Err)
}
