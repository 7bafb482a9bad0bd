package wire_test

import (
	"maps"
	"net/http/httptest"
	"testing"

	"millrace/services/internal/api/lambda"
	"millrace/services/internal/wire"
)

func TestRoute(t *testing.T) {
	s3 := &wire.Service{Operations: []*wire.Operation{
		{Name: "ListObjects", Method: "GET", URI: "/{Bucket}"},
		{Name: "ListObjectsV2", Method: "GET", URI: "/{Bucket}?list-type=2"},
		{Name: "GetBucketTagging", Method: "GET", URI: "/{Bucket}?tagging"},
		{Name: "GetObject", Method: "GET", URI: "/{Bucket}/{Key+}"},
		{Name: "GetObjectTagging", Method: "GET", URI: "/{Bucket}/{Key+}?tagging"},
		{Name: "ListBuckets", Method: "GET", URI: "/"},
	}}
	for _, tt := range []struct {
		rule        string
		service     *wire.Service
		method, url string
		want        string // "" for none
		labels      map[string]string
	}{
		{"a label", lambda.Service, "GET", "/2015-03-31/functions/f", "GetFunction", map[string]string{"FunctionName": "f"}},
		{"a slash at the end", lambda.Service, "GET", "/2015-03-31/functions/", "ListFunctions", nil},
		{"the method tells", lambda.Service, "POST", "/2015-03-31/functions", "CreateFunction", nil},
		{"what follows a label", lambda.Service, "POST", "/2015-03-31/functions/f/invocations?Qualifier=1", "Invoke", map[string]string{"FunctionName": "f"}},
		{"a slash in a pattern", lambda.Service, "POST", "/2014-11-13/functions/f/invoke-async", "InvokeAsync", map[string]string{"FunctionName": "f"}},
		{"percent signs, once", lambda.Service, "GET", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aa%2Fb%2520", "ListTags", map[string]string{"Resource": "arn:aws:lambda:a/b%20"}},
		{"no such path", lambda.Service, "GET", "/2015-03-31/functions/f/nothing", "", nil},
		{"no such method", lambda.Service, "PATCH", "/2015-03-31/functions/f", "", nil},
		{"too short", lambda.Service, "GET", "/2015-03-31", "", nil},
		{"nothing before a label", s3, "GET", "/b/", "ListObjects", map[string]string{"Bucket": "b"}},
		{"the root", s3, "GET", "/", "ListBuckets", nil},
		{"a fixed parameter is more particular", s3, "GET", "/b?list-type=2", "ListObjectsV2", map[string]string{"Bucket": "b"}},
		{"a fixed parameter of another value", s3, "GET", "/b?list-type=1", "ListObjects", map[string]string{"Bucket": "b"}},
		{"a fixed parameter without a value", s3, "GET", "/b?tagging", "GetBucketTagging", map[string]string{"Bucket": "b"}},
		{"greedy", s3, "GET", "/b/a//c%2Fd/", "GetObject", map[string]string{"Bucket": "b", "Key": "a//c/d/"}},
		{"greedy, with a parameter", s3, "GET", "/b/k?tagging=", "GetObjectTagging", map[string]string{"Bucket": "b", "Key": "k"}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.url, nil)
			op, labels := tt.service.Route(r, r.URL.EscapedPath())
			got := ""
			if op != nil {
				got = op.Name
			}
			if got != tt.want || !maps.Equal(labels, tt.labels) {
				t.Errorf("got %s %v, want %s %v", got, labels, tt.want, tt.labels)
			}
		})
	}
}
