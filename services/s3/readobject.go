package s3

import (
	"context"
	"errors"
	"io"

	"millrace/runtime/fault"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// ReadObject returns the content of an object to another service, which asks for the caller
// of ctx: the code of a function. "" is the latest version. Errors are those of GetObject;
// fault.TooLarge says that the object has more than limit bytes.
func (s *Service) ReadObject(ctx context.Context, bucket, key, version string, limit int64) ([]byte, error) {
	c := identity.From(ctx)
	c.HTTP = nil // the request is for the other service
	in := &api.GetObjectInput{Bucket: &bucket, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	out, err := s.GetObject(identity.With(ctx, &c), in)
	if err != nil {
		return nil, s.inOtherRegion(ctx, bucket, err)
	}
	if closer, ok := out.Body.(io.Closer); ok {
		defer closer.Close()
	}
	if *out.ContentLength > limit {
		return nil, fault.New(fault.TooLarge, "the object has %d bytes", *out.ContentLength)
	}
	content := make([]byte, *out.ContentLength)
	_, err = io.ReadFull(out.Body, content)
	return content, err
}

// inOtherRegion is the sentence that services hear of a bucket in another region.
func (s *Service) inOtherRegion(ctx context.Context, bucket string, err error) error {
	e, ok := errors.AsType[*wire.Error](err)
	if !ok || e.Code != "PermanentRedirect" {
		return err
	}
	b, found := s.buckets.Find(ctx, bucket)
	if found != nil {
		return err
	}
	told := *e
	told.Message = "The bucket is in this region: " + b.ID().Region + ". Please use this region to retry the request"
	return &told
}
