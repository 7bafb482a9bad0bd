package conformance

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"millrace/test/testenv"
)

// Requests that nobody signed: what was another service's before there was S3 still is,
// and the rest is S3's.
func TestUnsignedRequestsFindTheirService(t *testing.T) {
	env := testenv.Start(t)
	const form = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		rule, method, path, body string
		header                   []string
		contains                 string
		isS3                     bool
	}{
		{"a form to SQS", "POST", "/", "Action=ListQueues&Version=2012-11-05", []string{"Content-Type", form}, "queue.amazonaws.com", false},
		{"a form to SQS by its action", "POST", "/", "Action=ListQueues", []string{"Content-Type", form}, "queue.amazonaws.com", false},
		{"a form to SQS at any path", "POST", "/some/path", "Action=ListQueues&Version=2012-11-05", []string{"Content-Type", form}, "queue.amazonaws.com", false},
		{"a queue's URL", "GET", "/000000000000/no-queue?Action=GetQueueUrl&QueueName=q", "", nil, "NonExistentQueue", false},
		{"a queue's URL in a browser", "GET", "/000000000000/no-queue", "", nil, "<UnknownOperationException/>", false},
		{"JSON to SQS", "POST", "/", "{}", []string{"X-Amz-Target", "AmazonSQS.ListQueues", "Content-Type", "application/x-amz-json-1.0"}, "com.amazon.coral.service#AccessDeniedException", false},
		{"a link of SNS", "GET", "/?Action=ConfirmSubscription&TopicArn=t&Token=t", "", nil, "InvalidParameter", false},
		{"a path of Lambda", "GET", "/2015-03-31/functions/", "", nil, `"Functions"`, false},
		{"a path of Lambda that is not supported", "GET", "/2015-03-31/functions/f/nothing", "", nil, "names no service", false},
		{"a path of Amazon MQ", "GET", "/v1/brokers", "", nil, "brokerSummaries", false},
		{"a target of nobody", "POST", "/bucket", "{}", []string{"X-Amz-Target", "Nope.Nope"}, "names no service that Millrace supports", false},
		{"the runtime itself", "GET", "/_runtime/nothing", "", nil, "404", false},
		{"an object", "GET", "/bucket/key", "", nil, "<HostId>", true},
		{"an upload by curl", "PUT", "/bucket/key", "body", []string{"Content-Type", form}, "<HostId>", true},
		{"a bucket named for a service", "GET", "/lambda/key", "", nil, "<HostId>", true},
		{"many keys to delete, by curl", "POST", "/bucket?delete", "<Delete/>", []string{"Content-Type", form}, "<HostId>", true},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, env.Endpoint+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		for pair := range slices.Chunk(tt.header, 2) {
			r.Header.Set(pair[0], pair[1])
		}
		resp, err := env.AWS.HTTPClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if isS3 := resp.Header.Get("X-Amz-Id-2") != ""; !strings.Contains(string(text), tt.contains) || isS3 != tt.isS3 {
			t.Errorf("%s: %d %v %s", tt.rule, resp.StatusCode, isS3, text)
		}
	}
}
