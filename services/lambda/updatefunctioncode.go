package lambda

import (
	"context"

	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/kit"
)

// UpdateFunctionCode   restJson1
//
//   - events from now on run the new code; those that run come to their end
//   - a RevisionId that is past is refused with PreconditionFailedException
//   - DryRun checks and changes nothing
//   - answers LastUpdateStatus InProgress; Successful for the next request
//
// Not supported: container images; Publish has no effect.
func (s *Service) UpdateFunctionCode(ctx context.Context, in *api.UpdateFunctionCodeInput) (*api.UpdateFunctionCodeOutput, error) {
	_, r, err := s.find(ctx, "UpdateFunctionCode", in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	zip, err := s.code(ctx, api.FunctionCode{
		ZipFile: in.ZipFile, S3Bucket: in.S3Bucket, S3Key: in.S3Key, S3ObjectVersion: in.S3ObjectVersion, ImageUri: in.ImageUri,
	})
	if err != nil {
		return nil, err
	}
	u := function.CodeUpdate{Zip: zip, Architectures: in.Architectures, Revision: kit.Value(in.RevisionId)}
	if kit.Value(in.DryRun) {
		f, err := s.functions.CheckCode(r.ID, u)
		if err != nil {
			return nil, fromDomain(err)
		}
		return (*api.UpdateFunctionCodeOutput)(configuration(f, "")), nil
	}
	f, err := s.functions.UpdateCode(ctx, r.ID, u)
	if err != nil {
		return nil, fromDomain(err)
	}
	return (*api.UpdateFunctionCodeOutput)(updated(f)), nil
}
