package lambda

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"millrace/runtime/fault"
	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// Objects is where code in S3 is read from.
type Objects interface {
	// ReadObject returns the content of an object to the caller of ctx, who asks in
	// the caller's region; "" is the latest version. Its errors are S3's, as S3's own
	// clients get them; fault.TooLarge says that the object has more than limit bytes.
	ReadObject(ctx context.Context, bucket, key, version string, limit int64) ([]byte, error)
}

// code returns the zip file that a request holds, or names in S3.
func (s *Service) code(ctx context.Context, c api.FunctionCode) ([]byte, error) {
	fromS3 := c.S3Bucket != nil || c.S3Key != nil || c.S3ObjectVersion != nil
	switch {
	case c.ZipFile != nil && (fromS3 || c.ImageUri != nil):
		return nil, invalidValue("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case len(c.ZipFile) > function.MaxZipped:
		// The model does not have this error: AWS's front end sends it.
		return nil, user(&wire.Error{Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge,
			Message: fmt.Sprintf("Zipped size must be smaller than %d bytes", function.MaxZipped)})
	case c.ZipFile != nil:
		return c.ZipFile, nil
	case fromS3 && c.ImageUri != nil:
		return nil, invalidValue("Please do not provide other FunctionCode parameters when providing an ImageUri.")
	case fromS3 && (c.S3Bucket == nil || c.S3Key == nil):
		return nil, invalidValue("Please provide both S3Bucket and S3Key.")
	case fromS3:
		return s.codeInS3(ctx, *c.S3Bucket, *c.S3Key, kit.Value(c.S3ObjectVersion))
	case c.ImageUri != nil:
		return nil, invalidValue("Container images are not supported by Millrace: deploy a zip file with PackageType Zip.")
	}
	return nil, invalidValue("Please provide a source for function code.")
}

// codeInS3 reads a zip file from S3, and tells S3's errors in Lambda's words.
func (s *Service) codeInS3(ctx context.Context, bucket, key, version string) ([]byte, error) {
	zip, err := s.objects.ReadObject(ctx, bucket, key, version, function.MaxUnzipped)
	if fault.Of(err) == fault.TooLarge {
		return nil, fromDomain(function.ErrUnzippedTooLarge)
	}
	e, ok := errors.AsType[*wire.Error](err)
	if !ok {
		return zip, fromDomain(err)
	}
	text := fmt.Sprintf("S3 Error Code: %s. S3 Error Message: %s", e.Code, e.Message)
	switch {
	case e.Status == http.StatusForbidden:
		return nil, user(&wire.Error{Code: "AccessDeniedException", Status: http.StatusForbidden, Message: fmt.Sprintf(
			"Your access has been denied by S3, please make sure your request credentials have permission to GetObject for %s/%s. %s", bucket, key, text)})
	case e.Fault:
		return nil, err
	}
	return nil, invalidValue("Error occurred while GetObject. %s", text)
}
