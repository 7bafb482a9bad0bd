package sigv4_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"millrace/services/internal/sigv4"
)

func TestMalformedAuthorization(t *testing.T) {
	const malformed = "The authorization header is malformed; "
	const credential = "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
	for _, c := range []struct {
		why, old, new, code, message string
	}{
		{"one word", "AWS4-HMAC-SHA256 " + credential, "AWS4-HMAC-SHA256-" + credential, "InvalidArgument", "Authorization header is invalid -- one and only one ' ' (space) required."},
		{"another type", "AWS4-HMAC-SHA256 ", "Bearer ", "InvalidArgument", "Unsupported Authorization Type"},
		{"two parts", ",SignedHeaders=host;range;x-amz-content-sha256;x-amz-date", "", "AuthorizationHeaderMalformed", malformed + "the authorization header requires three components: Credential, SignedHeaders, and Signature."},
		{"four parts", ",SignedHeaders", ",a=b,SignedHeaders", "AuthorizationHeaderMalformed", malformed + "the authorization header requires three components: Credential, SignedHeaders, and Signature."},
		{"no credential", credential, "a=b", "AuthorizationHeaderMalformed", malformed + "missing Credential."},
		{"no signed headers", "SignedHeaders=", "a=", "AuthorizationHeaderMalformed", malformed + "missing SignedHeaders."},
		{"no signature", "Signature=f", "a=f", "AuthorizationHeaderMalformed", malformed + "missing Signature."},
		{"a part without a value", "Signature=", "Signature", "AuthorizationHeaderMalformed", ""},
		{"a part twice", "Signature=", "SignedHeaders=", "AuthorizationHeaderMalformed", ""},
		{"a short credential", "/aws4_request", "", "AuthorizationHeaderMalformed", malformed + `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`},
		{"a long credential", "Credential=", "Credential=a/", "AuthorizationHeaderMalformed", malformed + `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`},
		{"no access key", "AKIAIOSFODNN7EXAMPLE", "", "AuthorizationHeaderMalformed", malformed + `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`},
		{"another service", "/s3/", "/sqs/", "AuthorizationHeaderMalformed", malformed + `incorrect service "sqs". This endpoint belongs to "s3".`},
		{"another terminal", "aws4_request", "aws5_request", "AuthorizationHeaderMalformed", malformed + `incorrect terminal "aws5_request". This endpoint uses "aws4_request".`},
		{"no date", "/20130524/", "/2013052/", "AuthorizationHeaderMalformed", malformed + `incorrect date format "2013052". This date in the credential must be in the format "yyyyMMdd".`},
		{"another date", "/20130524/", "/20130525/", "AuthorizationHeaderMalformed", malformed + "Invalid credential date. Date is not the same as X-Amz-Date."},
		{"an empty signed header", "=host;", "=host;;", "AuthorizationHeaderMalformed", ""},
		{"signed headers in upper case", "=host;", "=Host;", "AuthorizationHeaderMalformed", ""},
		{"no time", "x-amz-date: 20130524T000000Z\n", "", "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"},
		{"a malformed time", "x-amz-date: 20130524T000000Z\n", "x-amz-date: yesterday\n", "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"},
		{"no hash", "x-amz-content-sha256: " + emptyHash + "\n", "", "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"},
		{"a malformed hash", "x-amz-content-sha256: ", "x-amz-content-sha256: 0", "InvalidArgument", ""},
		{"host not signed", "=host;", "=", "AccessDenied", "There were headers present in the request which were not signed"},
		{"another header not signed", "Range:", "x-amz-meta-a: b\nRange:", "AccessDenied", "There were headers present in the request which were not signed"},
		{"a signed header that is not there", "Range: bytes=0-9\n", "", "SignatureDoesNotMatch", ""},
		{"a signature of another length", "Signature=", "Signature=00", "SignatureDoesNotMatch", ""},
		{"a signature that is no number", "Signature=f", "Signature=g", "SignatureDoesNotMatch", ""},
		{"in the query as well", "/test.txt", "/test.txt?X-Amz-Algorithm=a", "InvalidArgument", ""},
	} {
		text := examples["GET Object"]
		bad := strings.Replace(text, c.old, c.new, 1)
		if bad == text {
			t.Errorf("%s changes nothing", c.why)
		}
		for _, v := range []sigv4.Verifier{verifier, {}} {
			s, err := v.Check(parse(t, bad))
			status := 400
			if c.code == "AccessDenied" || c.code == "SignatureDoesNotMatch" {
				status = 403
			}
			if e := refused(t, c.why, err, c.code, status); s != nil || c.message != "" && e.Message != c.message {
				t.Errorf("%s: %+v, %q, want %q", c.why, s, e.Message, c.message)
			}
		}
	}
	_, err := verifier.Check(parse(t, strings.Replace(examples["GET Object"], "Range:", "X-Amz-Meta-B: b\nX-Amz-Acl: private\nRange:", 1)))
	if e := refused(t, "two headers", err, "AccessDenied", 403); e.Fields["HeadersNotSigned"] != "x-amz-acl, x-amz-meta-b" {
		t.Errorf("headers not signed: %v", e.Fields)
	}
}

func TestMalformedQueries(t *testing.T) {
	const parameters = "AuthorizationQueryParametersError"
	const required = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
	const credential = "Error parsing the X-Amz-Credential parameter; "
	cases := []struct{ why, old, new, code, message string }{
		{"another algorithm", "=AWS4-HMAC-SHA256", "=AWS4-HMAC-MD5", parameters, `X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"`},
		{"a malformed credential", "%2Faws4_request", "", parameters, credential + `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`},
		{"another service", "%2Fs3", "%2Fiam", parameters, credential + `incorrect service "iam". This endpoint belongs to "s3".`},
		{"another terminal", "aws4_request", "aws4", parameters, credential + `incorrect terminal "aws4". This endpoint uses "aws4_request".`},
		{"no date in the credential", "%2F20130524%2F", "%2F2013%2F", parameters, credential + `incorrect date format "2013". This date in the credential must be in the format "yyyyMMdd".`},
		{"a malformed time", "=20130524T000000Z", "=20130524", parameters, `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`},
		{"another date", "%2F20130524%2F", "%2F20130523%2F", parameters, `Invalid credential date "20130523". This date is not the same as X-Amz-Date: "20130524".`},
		{"a lifetime that is no number", "=86400", "=1d", parameters, "X-Amz-Expires should be a number"},
		{"a negative lifetime", "=86400", "=-1", parameters, "X-Amz-Expires must be non-negative"},
		{"a long lifetime", "=86400", "=604801", parameters, "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"},
		{"host not signed", "SignedHeaders=host", "SignedHeaders=range", "AccessDenied", "There were headers present in the request which were not signed"},
		{"a header that is not signed", "\nHost:", "\nx-amz-acl: private\nHost:", "AccessDenied", "There were headers present in the request which were not signed"},
		{"a signed header that is not there", "SignedHeaders=host", "SignedHeaders=content-type%3Bhost", "SignatureDoesNotMatch", ""},
		{"malformed signed headers", "SignedHeaders=host", "SignedHeaders=host%3B", "SignatureDoesNotMatch", ""},
		{"a short signature", "Signature=ae", "Signature=", "SignatureDoesNotMatch", ""},
	}
	for _, name := range []string{"Algorithm", "Credential", "Signature", "Date", "SignedHeaders", "Expires"} {
		cases = append(cases, struct{ why, old, new, code, message string }{"no " + name, "X-Amz-" + name + "=", "x=", parameters, required},
			struct{ why, old, new, code, message string }{"two of " + name, "X-Amz-" + name + "=", "X-Amz-" + name + "=1&X-Amz-" + name + "=", parameters, required})
	}
	for _, c := range cases {
		bad := strings.Replace(examples["presigned"], c.old, c.new, 1)
		if bad == examples["presigned"] {
			t.Errorf("%s changes nothing", c.why)
		}
		for _, v := range []sigv4.Verifier{verifier, {}} {
			_, err := v.Check(parse(t, bad))
			status := 403
			if c.code == parameters {
				status = 400
			}
			if e := refused(t, c.why, err, c.code, status); c.message != "" && e.Message != c.message {
				t.Errorf("%s: %q, want %q", c.why, e.Message, c.message)
			}
		}
	}
	ignored := strings.Replace(examples["presigned"], "\nHost:", "\nx-amz-content-sha256: UNSIGNED-PAYLOAD\nHost:", 1)
	if _, err := verifier.Check(parse(t, ignored)); err != nil {
		t.Errorf("a hash of the payload beside a presigned query: %v", err)
	}
}

func TestExpiry(t *testing.T) {
	for _, c := range []struct {
		name, now, code, message string
		fields                   map[string]any
	}{
		{"presigned", "20130525T000000Z", "", "", nil},
		{"presigned", "20130525T000001Z", "AccessDenied", "Request has expired",
			map[string]any{"X-Amz-Expires": 86400, "Expires": "2013-05-25T00:00:00Z", "ServerTime": "2013-05-25T00:00:01Z"}},
		{"presigned", "20130523T234500Z", "", "", nil},
		{"presigned", "20130523T234459Z", "AccessDenied", "Request is not yet valid",
			map[string]any{"X-Amz-Date": int64(1369353600000), "Expires": "2013-05-25T00:00:00Z", "ServerTime": "2013-05-23T23:44:59Z"}},
		{"GET Object", "20130524T001500Z", "", "", nil},
		{"GET Object", "20130523T234500Z", "", "", nil},
		{"GET Object", "20130524T001501Z", "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.",
			map[string]any{"RequestTime": "20130524T000000Z", "ServerTime": "2013-05-24T00:15:01Z", "MaxAllowedSkewMilliseconds": int64(900_000)}},
		{"GET Object", "20130523T234459Z", "RequestTimeTooSkewed", "", nil},
	} {
		v := sigv4.Verifier{Now: at(c.now), MaxSkew: 15 * time.Minute, Secret: secret}
		_, err := v.Check(parse(t, examples[c.name]))
		if c.code == "" {
			if err != nil {
				t.Errorf("%s at %s: %v", c.name, c.now, err)
			}
			continue
		}
		e := refused(t, c.name+" at "+c.now, err, c.code, 403)
		if c.message != "" && (e.Message != c.message || fmt.Sprint(e.Fields) != fmt.Sprint(c.fields)) {
			t.Errorf("%s at %s: %q with %v, want %q with %v", c.name, c.now, e.Message, e.Fields, c.message, c.fields)
		}
	}
	late := sigv4.Verifier{Now: at("20300101T000000Z")}
	if _, err := late.Check(parse(t, examples["GET Object"])); err != nil {
		t.Errorf("without a skew: %v", err)
	}
}

func TestWrongRegion(t *testing.T) {
	header, err := sigv4.Parse(parse(t, examples["GET Object"]))
	query, err2 := sigv4.Parse(parse(t, examples["presigned"]))
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	for _, s := range []*sigv4.Signature{nil, header, query, {Algorithm: sigv4.V2}, {Algorithm: sigv4.ECDSA}} {
		if err := sigv4.WrongRegion(s, "us-east-1"); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
	e := refused(t, "header", sigv4.WrongRegion(header, "eu-west-1"), "AuthorizationHeaderMalformed", 400)
	if e.Message != "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'" || e.Fields["Region"] != "eu-west-1" {
		t.Errorf("header: %q with %v", e.Message, e.Fields)
	}
	refused(t, "query", sigv4.WrongRegion(query, "eu-west-1"), "AuthorizationQueryParametersError", 400)
	refused(t, "payload", sigv4.PayloadMismatch("a", "b"), "XAmzContentSHA256Mismatch", 400)
}
