package lambda_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"millrace/runtime/fault"
	"millrace/services/internal/wire"
)

// fakeObjects are the objects of S3 by bucket/key, or bucket/key/version.
type fakeObjects map[string][]byte

func (o fakeObjects) ReadObject(_ context.Context, bucket, key, version string, limit int64) ([]byte, error) {
	name := bucket + "/" + key
	if version != "" {
		name += "/" + version
	}
	switch b, ok := o[name]; {
	case bucket == "private":
		return nil, &wire.Error{Code: "AccessDenied", Message: "Access Denied", Status: http.StatusForbidden}
	case !ok:
		return nil, &wire.Error{Code: "NoSuchKey", Message: "The specified key does not exist.", Status: http.StatusNotFound}
	case int64(len(b)) > limit || key == "huge":
		return nil, fault.New(fault.TooLarge, "%s", key)
	default:
		return b, nil
	}
}

func TestCodeFromS3(t *testing.T) {
	w := serve(t)
	w.objects["code/orders.zip"] = zipNamed(t, "bootstrap")
	w.objects["code/orders.zip/v2"] = zipNamed(t, "bootstrap", "more")
	in := w.input("orders")
	in.Code = &types.FunctionCode{S3Bucket: aws.String("code"), S3Key: aws.String("orders.zip")}
	made, err := w.CreateFunction(t.Context(), in)
	must(t, err)
	if int(made.CodeSize) != len(w.objects["code/orders.zip"]) {
		t.Errorf("CodeSize %d of the code in S3, want %d", made.CodeSize, len(w.objects["code/orders.zip"]))
	}
	updated, err := w.UpdateFunctionCode(t.Context(), &sdk.UpdateFunctionCodeInput{
		FunctionName: aws.String("orders"), S3Bucket: aws.String("code"), S3Key: aws.String("orders.zip"), S3ObjectVersion: aws.String("v2"),
	})
	must(t, err)
	if int(updated.CodeSize) != len(w.objects["code/orders.zip/v2"]) {
		t.Errorf("CodeSize %d of another version, want %d", updated.CodeSize, len(w.objects["code/orders.zip/v2"]))
	}
}

func TestCodeFromS3Refuses(t *testing.T) {
	w := serve(t)
	w.objects["code/text"] = []byte("no zip")
	w.objects["code/huge"] = nil
	for _, c := range []struct {
		rule   string
		code   types.FunctionCode
		status int
		want   string
		text   string
	}{
		{"no such key", types.FunctionCode{S3Bucket: aws.String("code"), S3Key: aws.String("none")}, 400, "InvalidParameterValueException",
			"Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."},
		{"no permission", types.FunctionCode{S3Bucket: aws.String("private"), S3Key: aws.String("none")}, 403, "AccessDeniedException",
			"Your access has been denied by S3, please make sure your request credentials have permission to GetObject for private/none. S3 Error Code: AccessDenied. S3 Error Message: Access Denied"},
		{"no zip", types.FunctionCode{S3Bucket: aws.String("code"), S3Key: aws.String("text")}, 400, "InvalidParameterValueException",
			"Could not unzip uploaded file. Please check your file, then try to upload again."},
		{"too large", types.FunctionCode{S3Bucket: aws.String("code"), S3Key: aws.String("huge")}, 400, "InvalidParameterValueException",
			"Unzipped size must be smaller than 262144000 bytes"},
		{"no key", types.FunctionCode{S3Bucket: aws.String("code")}, 400, "InvalidParameterValueException", "Please provide both S3Bucket and S3Key."},
	} {
		t.Run(c.rule, func(t *testing.T) {
			in := w.input("f")
			in.Code = &c.code
			_, err := w.CreateFunction(t.Context(), in)
			wants(t, err, c.status, c.want, c.text)
		})
	}
}
