package sigv4

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// v2Parameters are those of a query that is presigned in Version 2, as boto3 still makes
// it unless it is told otherwise.
var v2Parameters = []string{"AWSAccessKeyId", "Signature", "Expires"}

func parseV2Query(query url.Values) (*Signature, error) {
	for _, name := range v2Parameters {
		if query.Get(name) == "" || len(query[name]) > 1 {
			return nil, denied("Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters", nil)
		}
	}
	expires, err := strconv.ParseInt(query.Get("Expires"), 10, 64)
	if err != nil || expires < 0 || expires > 1<<40 {
		return nil, denied("Invalid date (should be seconds since epoch): "+query.Get("Expires"), nil)
	}
	return &Signature{Algorithm: V2, Presigned: true, AccessKey: query.Get("AWSAccessKeyId"), Signature: query.Get("Signature"),
		Token: query.Get("x-amz-security-token"), Expires: time.Unix(expires, 0).UTC()}, nil
}

// parseV2Header reads "AWS AKID:SIGNATURE".
func parseV2Header(authorization, rest string) (*Signature, error) {
	key, signature, ok := strings.Cut(strings.TrimSpace(rest), ":")
	if !ok || key == "" || signature == "" || strings.Contains(rest, " ") {
		return nil, badAuthorization("AWS authorization header is invalid.  Expected AwsAccessKeyId:signature", authorization)
	}
	return &Signature{Algorithm: V2, AccessKey: key, Signature: signature}, nil
}
