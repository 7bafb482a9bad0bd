package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/services/internal/api/s3"
	"millrace/services/internal/wire"
)

const (
	s3Head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	s3Of   = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`
)

// Roots, namespaces, flat lists, attributes and times stand in answers as in the examples
// of AWS's API reference.
func TestAnswersOfS3(t *testing.T) {
	at := time.Date(2026, 11, 27, 1, 2, 3, 0, time.UTC)
	for _, tt := range []struct {
		op     string
		out    any
		status int
		body   string
		header http.Header
	}{
		{"ListBuckets", &s3.ListBucketsOutput{Buckets: []*s3.Bucket{{Name: new("b"), CreationDate: &at}}, Owner: &s3.Owner{ID: new("id")}}, 200,
			`<ListAllMyBucketsResult` + s3Of + `><Buckets><Bucket><CreationDate>2026-11-27T01:02:03.000Z</CreationDate><Name>b</Name></Bucket></Buckets><Owner><ID>id</ID></Owner></ListAllMyBucketsResult>`, nil},
		{"ListBuckets", &s3.ListBucketsOutput{Buckets: []*s3.Bucket{}}, 200, `<ListAllMyBucketsResult` + s3Of + `><Buckets></Buckets></ListAllMyBucketsResult>`, nil},
		{"ListObjectsV2", &s3.ListObjectsV2Output{Name: new("b"), KeyCount: new(int32(2)), IsTruncated: new(false),
			Contents: []*s3.Object{{Key: new("a&b"), ETag: new(`"e"`), Size: new(int64(5)), ChecksumAlgorithm: []string{"CRC32"}}, {Key: new("c\r")}}, CommonPrefixes: []*s3.CommonPrefix{{Prefix: new("p/")}}}, 200,
			`<ListBucketResult` + s3Of + `><CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes><Contents><ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ETag>&quot;e&quot;</ETag><Key>a&amp;b</Key><Size>5</Size></Contents>` +
				`<Contents><Key>c&#xD;</Key></Contents><IsTruncated>false</IsTruncated><KeyCount>2</KeyCount><Name>b</Name></ListBucketResult>`, nil},
		{"ListObjectVersions", &s3.ListObjectVersionsOutput{Versions: []*s3.ObjectVersion{{Key: new("k")}}, DeleteMarkers: []*s3.DeleteMarkerEntry{{Key: new("k"), VersionId: new("v")}}}, 200,
			`<ListVersionsResult` + s3Of + `><DeleteMarker><Key>k</Key><VersionId>v</VersionId></DeleteMarker><Version><Key>k</Key></Version></ListVersionsResult>`, nil},
		{"GetBucketLocation", &s3.GetBucketLocationOutput{LocationConstraint: new("eu-west-1")}, 200, `<LocationConstraint` + s3Of + `>eu-west-1</LocationConstraint>`, nil},
		{"GetBucketLocation", &s3.GetBucketLocationOutput{}, 200, `<LocationConstraint` + s3Of + `></LocationConstraint>`, nil},
		{"GetBucketVersioning", &s3.GetBucketVersioningOutput{}, 200, `<VersioningConfiguration` + s3Of + `></VersioningConfiguration>`, nil},
		{"GetBucketEncryption", &s3.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: &s3.ServerSideEncryptionConfiguration{Rules: []*s3.ServerSideEncryptionRule{{BucketKeyEnabled: new(false)}}}}, 200,
			`<ServerSideEncryptionConfiguration` + s3Of + `><Rule><BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>`, nil},
		{"GetBucketLogging", &s3.GetBucketLoggingOutput{LoggingEnabled: &s3.LoggingEnabled{TargetGrants: []*s3.TargetGrant{{Grantee: &s3.Grantee{Type: new("Group"), URI: new("u")}}}}}, 200,
			`<BucketLoggingStatus` + s3Of + `><LoggingEnabled><TargetGrants><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>u</URI></Grantee></Grant></TargetGrants></LoggingEnabled></BucketLoggingStatus>`, nil},
		{"CopyObject", &s3.CopyObjectOutput{CopyObjectResult: &s3.CopyObjectResult{ETag: new(`"e"`), LastModified: &at}, VersionId: new("v")}, 200,
			`<CopyObjectResult` + s3Of + `><ETag>&quot;e&quot;</ETag><LastModified>2026-11-27T01:02:03.000Z</LastModified></CopyObjectResult>`, http.Header{"X-Amz-Version-Id": {"v"}}},
		{"UploadPartCopy", &s3.UploadPartCopyOutput{CopyPartResult: &s3.CopyPartResult{ETag: new("e")}}, 200, `<CopyPartResult` + s3Of + `><ETag>e</ETag></CopyPartResult>`, nil},
		{"CreateMultipartUpload", &s3.CreateMultipartUploadOutput{UploadId: new("u"), AbortDate: &at}, 200, `<InitiateMultipartUploadResult` + s3Of + `><UploadId>u</UploadId></InitiateMultipartUploadResult>`,
			http.Header{"X-Amz-Abort-Date": {"Fri, 27 Nov 2026 01:02:03 GMT"}}},
		{"CompleteMultipartUpload", &s3.CompleteMultipartUploadOutput{Key: new("k")}, 200, `<CompleteMultipartUploadResult` + s3Of + `><Key>k</Key></CompleteMultipartUploadResult>`, nil},
		{"DeleteObjects", &s3.DeleteObjectsOutput{Deleted: []*s3.DeletedObject{{Key: new("k")}}, Errors: []*s3.Error{{Key: new("l"), Code: new("AccessDenied")}}}, 200,
			`<DeleteResult` + s3Of + `><Deleted><Key>k</Key></Deleted><Error><Code>AccessDenied</Code><Key>l</Key></Error></DeleteResult>`, nil},
		{"GetObjectAttributes", &s3.GetObjectAttributesOutput{ObjectSize: new(int64(3)), LastModified: &at}, 200, `<GetObjectAttributesResponse` + s3Of + `><ObjectSize>3</ObjectSize></GetObjectAttributesResponse>`,
			http.Header{"Last-Modified": {"Fri, 27 Nov 2026 01:02:03 GMT"}}},
		{"GetBucketPolicy", &s3.GetBucketPolicyOutput{Policy: new(`{"Statement":[]}`)}, 200, `{"Statement":[]}`, nil},
		{"PutObject", &s3.PutObjectOutput{ETag: new(`"e"`)}, 200, "", http.Header{"Etag": {`"e"`}, "Content-Length": {"0"}}},
		{"DeleteObject", &s3.DeleteObjectOutput{DeleteMarker: new(true)}, 204, "", http.Header{"X-Amz-Delete-Marker": {"true"}}},
		{"DeleteBucket", &s3.DeleteBucketOutput{}, 204, "", nil},
		{"GetObject", &s3.GetObjectOutput{Body: strings.NewReader("abc"), ContentLength: new(int64(3)), Metadata: map[string]string{"name": "v"}}, 200, "abc", http.Header{"Content-Length": {"3"}, "x-amz-meta-name": {"v"}}},
		{"GetObject", &s3.GetObjectOutput{Body: strings.NewReader("b"), ContentLength: new(int64(1)), ContentRange: new("bytes 1-1/3")}, 206, "b", http.Header{"Content-Range": {"bytes 1-1/3"}}},
	} {
		op := s3.Service.Operation(tt.op)
		w := httptest.NewRecorder()
		r := &wire.Request{HTTP: httptest.NewRequest(op.Method, "/b/k", nil)}
		if err := wire.EncodeResult(w, wire.RestXML, s3.Service, op, r, "0123456789ABCDEF", tt.out); err != nil {
			t.Errorf("%s: %v", tt.op, err)
		}
		if strings.HasPrefix(tt.body, "<") {
			tt.body = s3Head + tt.body
		}
		if diff := cmp.Diff(tt.body, w.Body.String()); diff != "" || w.Code != tt.status {
			t.Errorf("%s: %d (-want +got):\n%s", tt.op, w.Code, diff)
		}
		for name, want := range tt.header {
			if got := w.Header()[name]; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s is %q, want %q", tt.op, name, got, want)
			}
		}
		if w.Header().Get("X-Amz-Request-Id") != "0123456789ABCDEF" || len(w.Header().Get("X-Amz-Id-2")) != 64 || w.Header().Get("X-Amzn-Requestid") != "" {
			t.Errorf("%s: the request is named %v", tt.op, w.Header())
		}
	}
}

// A refusal may have headers, and none of a body where HTTP has none.
func TestErrorsOfS3(t *testing.T) {
	for _, tt := range []struct {
		rule, method string
		err          *wire.Error
		body         string
		headers      []string
	}{
		{"its elements in order, then the request's", "GET", &wire.Error{Code: "NoSuchKey", Status: 404, Message: "m", Elements: []wire.Element{{"Z", "<"}, {"A", "2"}}, Header: http.Header{"X-Amz-Delete-Marker": {"true"}}},
			s3Head + "<Error><Code>NoSuchKey</Code><Message>m</Message><Z>&lt;</Z><A>2</A><Resource>/b/a b</Resource><RequestId>0A</RequestId><HostId>" + wire.HostID("0A") + "</HostId></Error>",
			[]string{"X-Amz-Delete-Marker=true", "Content-Type=application/xml"}},
		{"HEAD", "HEAD", &wire.Error{Code: "NoSuchKey", Status: 404, Header: http.Header{"X-Amz-Delete-Marker": {"true"}}}, "", []string{"X-Amz-Delete-Marker=true", "Content-Length="}},
		{"not modified", "GET", &wire.Error{Code: "NotModified", Status: 304, Header: http.Header{"Etag": {`"e"`}}}, "", []string{`Etag="e"`, "Content-Type=", "Content-Length="}},
	} {
		w := httptest.NewRecorder()
		wire.EncodeError(w, wire.RestXML, s3.Service, &wire.Request{HTTP: httptest.NewRequest(tt.method, "/b/a%20b", nil)}, "0A", tt.err)
		if w.Code != tt.err.Status || w.Body.String() != tt.body {
			t.Errorf("%s: %d %s", tt.rule, w.Code, w.Body)
		}
		for _, want := range tt.headers {
			name, value, _ := strings.Cut(want, "=")
			if got := w.Header().Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", tt.rule, name, got, value)
			}
		}
	}
}

// A document is read as it is meant, or refused whole.
func TestDocumentsOfS3(t *testing.T) {
	const ok = `<Tagging` + s3Of + `><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>`
	bomb := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`
	for _, tt := range []struct {
		rule, body string
		ok         bool
	}{
		{"as SDKs write it", ok, true},
		{"with its declaration", s3Head + ok, true},
		{"without a namespace", strings.Replace(ok, s3Of, "", 1), true},
		{"with an older namespace", strings.Replace(ok, "s3.amazonaws.com/doc", "doc.s3.amazonaws.com", 1), true},
		{"with spaces, comments and another order", "<Tagging>\n <!-- c -->\n <TagSet>\n <Tag><Value>v</Value><Key>k</Key></Tag>\n </TagSet>\n</Tagging>\n", true},
		{"with character references", strings.Replace(ok, ">k<", ">&#107;<", 1), true},
		{"in CDATA", strings.Replace(ok, ">k<", "><![CDATA[k]]><", 1), true},
		{"with a prefix", `<s:Tagging xmlns:s="http://s3.amazonaws.com/doc/2006-03-01/"><s:TagSet><s:Tag><s:Key>k</s:Key><s:Value>v</s:Value></s:Tag></s:TagSet></s:Tagging>`, true},
		{"of another namespace", strings.Replace(ok, "http://s3.amazonaws.com/doc/2006-03-01/", "https://evil.example/", 1), false},
		{"of another root", strings.ReplaceAll(ok, "Tagging", "Tagged"), false},
		{"that does not end", ok[:len(ok)-3], false},
		{"that goes on", ok + ok, false},
		{"with text after it", ok + "x", false},
		{"with text between", strings.Replace(ok, "<TagSet>", "x<TagSet>", 1), false},
		{"with what is not known", strings.Replace(ok, "<Key>", "<Colour>c</Colour><Key>", 1), false},
		{"with one thing twice", strings.Replace(ok, "<Key>k</Key>", "<Key>k</Key><Key>l</Key>", 1), false},
		{"with another list", strings.Replace(ok, "</TagSet>", "</TagSet><TagSet></TagSet>", 1), false},
		{"with elements in a text", strings.Replace(ok, ">k<", "><b>k</b><", 1), false},
		{"with a DTD", "<!DOCTYPE Tagging>" + ok, false},
		{"with a bomb", bomb + strings.Replace(ok, ">k<", ">&b;<", 1), false},
		{"with an entity of nobody's", strings.Replace(ok, ">k<", ">&nobody;<", 1), false},
		{"with an external entity", `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>` + strings.Replace(ok, ">k<", ">&e;<", 1), false},
		{"of bytes that are no text", strings.Replace(ok, ">k<", ">\xff<", 1), false},
		{"in another encoding", `<?xml version="1.0" encoding="UTF-16"?>` + ok, false},
		{"too deep", strings.Repeat("<Tagging>", 10000), false},
		{"JSON", `{"TagSet":[]}`, false},
		{"spaces", "  ", false},
	} {
		op := s3.Service.Operation("PutBucketTagging")
		in := op.NewInput().(*s3.PutBucketTaggingInput)
		err := wire.Decode(wire.RestXML, op, &wire.Request{HTTP: httptest.NewRequest("PUT", "/b?tagging", nil), Body: []byte(tt.body)}, in)
		if tt.ok && (err != nil || in.Tagging == nil || len(in.Tagging.TagSet) != 1 || *in.Tagging.TagSet[0].Key != "k" || *in.Tagging.TagSet[0].Value != "v") {
			t.Errorf("%s: %v, %+v", tt.rule, err, in.Tagging)
		}
		if !tt.ok && !isMalformed(err) {
			t.Errorf("%s: %v", tt.rule, err)
		}
	}
	for op, body := range map[string]string{
		"PutBucketVersioning":                "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Disabled</MfaDelete></VersioningConfiguration>",
		"PutBucketNotificationConfiguration": "<NotificationConfiguration><QueueConfiguration><Id>i</Id><Queue>q</Queue><Event>e</Event><Event>f</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>p</Value></FilterRule></S3Key></Filter></QueueConfiguration><EventBridgeConfiguration/></NotificationConfiguration>",
		"CompleteMultipartUpload":            "<CompleteMultipartUpload><Part><ETag>\"e\"</ETag><PartNumber>1</PartNumber></Part><Part><PartNumber>2</PartNumber></Part></CompleteMultipartUpload>",
		"DeleteObjects":                      "<Delete><Object><Key>a</Key></Object><Quiet>true</Quiet><Object><Key/><VersionId>v</VersionId></Object></Delete>",
		"CreateBucket":                       "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>",
		"PutBucketCors":                      "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod><AllowedOrigin>*</AllowedOrigin><MaxAgeSeconds>3</MaxAgeSeconds></CORSRule></CORSConfiguration>",
		"PutBucketLogging":                   `<BucketLoggingStatus xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><LoggingEnabled><TargetBucket>b</TargetBucket><TargetPrefix/><TargetGrants><Grant><Grantee xsi:type="Group"><URI>u</URI></Grantee></Grant></TargetGrants></LoggingEnabled></BucketLoggingStatus>`,
	} {
		if _, err := decodeS3(op, body); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
	for op, body := range map[string]string{
		"CompleteMultipartUpload": "<CompleteMultipartUpload><Part><PartNumber>one</PartNumber></Part></CompleteMultipartUpload>",
		"DeleteObjects":           "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
		"PutPublicAccessBlock":    "<PublicAccessBlockConfiguration><BlockPublicAcls>perhaps</BlockPublicAcls></PublicAccessBlockConfiguration>",
	} {
		if _, err := decodeS3(op, body); !isMalformed(err) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

func isMalformed(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Code == "MalformedXML" && e.Status == 400
}

func decodeS3(name, body string) (any, error) {
	op := s3.Service.Operation(name)
	in := op.NewInput()
	return in, wire.Decode(wire.RestXML, op, &wire.Request{HTTP: httptest.NewRequest(op.Method, "/b/k", nil), Body: []byte(body)}, in)
}

// FuzzDocumentsOfS3 reads each document of S3 from anything: it is refused as malformed,
// or is written and read again as the same.
func FuzzDocumentsOfS3(f *testing.F) {
	f.Add([]byte(`<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>`))
	f.Add([]byte(`<LifecycleConfiguration><Rule><ID>i</ID><Filter><And><Prefix>p</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter><Status>Enabled</Status><Expiration><Date>2026-01-01T00:00:00.000Z</Date></Expiration></Rule></LifecycleConfiguration>`))
	f.Add([]byte(`<NotificationConfiguration><CloudFunctionConfiguration><CloudFunction>f</CloudFunction><Event>e</Event></CloudFunctionConfiguration></NotificationConfiguration>`))
	f.Add([]byte(`<Delete><Object><Key>&#x10FFFF;</Key></Object></Delete>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, op := range s3.Service.Operations {
			if op.Input.Payload == "" || op.StreamIn {
				continue
			}
			in := op.NewInput()
			r := &wire.Request{HTTP: httptest.NewRequest(op.Method, "/", nil), Body: bytes.Clone(body)}
			if err := wire.Decode(wire.RestXML, op, r, in); err != nil {
				if !isMalformed(err) {
					t.Fatalf("%s: %v", op.Name, err)
				}
				continue
			}
			noNils(t, reflect.ValueOf(in))
			w := httptest.NewRecorder()
			if err := wire.EncodeResult(w, wire.RestXML, s3.Service, mirror(op), r, "id", in); err != nil {
				t.Fatal(err)
			}
			again := op.NewInput()
			r.Body = w.Body.Bytes()
			if err := wire.Decode(wire.RestXML, op, r, again); err != nil {
				t.Fatalf("%s: %q is not read: %v", op.Name, r.Body, err)
			}
			if diff := cmp.Diff(fmt.Sprint(essence(reflect.ValueOf(in))), fmt.Sprint(essence(reflect.ValueOf(again)))); diff != "" {
				t.Errorf("%s: by way of %q (-first +second):\n%s", op.Name, r.Body, diff)
			}
		}
	})
}
