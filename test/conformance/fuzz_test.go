package conformance

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"millrace/test/testenv"
)

// FuzzRequest throws whole requests at the front: whatever a stranger
// sends, the answer is one of AWS's with a request id, never an internal
// failure, and what was refused has changed nothing.
func FuzzRequest(f *testing.F) {
	for _, c := range [][5]string{
		{"POST", "/", "AmazonSQS.SendMessage", "application/x-amz-json-1.0", `{"QueueUrl":"q","MessageBody":"x"}`},
		{"POST", "/", "AmazonSQS.SendMessage", "application/x-amz-json-1.0", `{"QueueUrl":"q","MessageBody":{}}`},
		{"POST", "/", "AmazonSQS.SendMessageBatch", "application/x-amz-json-1.0", `{"QueueUrl":"q","Entries":[{"Id":"1"},null]}`},
		{"POST", "/", "AmazonSQS.CreateQueue", "application/x-amz-json-1.0", `{"QueueName":"p","Attributes":{"RedrivePolicy":"{}"}}`},
		{"POST", "/", "AmazonSQS.AddPermission", "application/x-amz-json-1.0", `{"QueueUrl":"q","Label":"l","AWSAccountIds":["111111111111"],"Actions":["SendMessage","DeleteQueue"]}`},
		{"POST", "/", "AmazonSQS.RemovePermission", "application/x-amz-json-1.0", `{"QueueUrl":"q","Label":"l"}`},
		{"POST", "/", "AmazonSQS.StartMessageMoveTask", "application/x-amz-json-1.0", `{"SourceArn":"arn:aws:sqs:us-east-1:000000000000:q","MaxNumberOfMessagesPerSecond":501}`},
		{"POST", "/", "AmazonSQS.CancelMessageMoveTask", "application/x-amz-json-1.0", `{"TaskHandle":"e30="}`},
		{"POST", "/", "AmazonSQS.ListMessageMoveTasks", "application/x-amz-json-1.0", `{"SourceArn":"arn:aws:sqs:us-east-1:000000000000:q"}`},
		{"POST", "/", "AmazonSQS.SetQueueAttributes", "application/x-amz-json-1.0", `{"QueueUrl":"q","Attributes":{"DelaySeconds":"1","Policy":"{\"Statement\":[]}"}}`},
		{"POST", "/", "AmazonSQS.TagQueue", "application/x-amz-json-1.0", `{"QueueUrl":"q.fifo","Tags":{"a":"b","aws:c":"d"}}`},
		{"POST", "/", "AmazonSQS.ChangeMessageVisibilityBatch", "application/x-amz-json-1.0", `{"QueueUrl":"q","Entries":[{"Id":"a","ReceiptHandle":"x","VisibilityTimeout":-1}]}`},
		{"POST", "/", "AmazonSQS.DeleteMessageBatch", "application/x-amz-json-1.0", `{"QueueUrl":"q","Entries":[{"Id":"a","ReceiptHandle":"x"},{"Id":"a"}]}`},
		{"POST", "/000000000000/q.fifo", "", "application/x-www-form-urlencoded", "Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=x&SendMessageBatchRequestEntry.2.Id=b"},
		{"POST", "/000000000000/q", "", "application/x-www-form-urlencoded", "Action=SetQueueAttributes&Attribute.1.Name=DelaySeconds&Attribute.1.Value=1&Attribute.2.Name=Colour&Attribute.2.Value=red"},
		{"POST", "/000000000000/q", "", "application/x-www-form-urlencoded", "Action=AddPermission&Label=l&AWSAccountId.1=111111111111&ActionName.1=Fly"},
		{"GET", "/_runtime/sqs/messages?QueueUrl=q&ShowDelayed=true&MaxMessages=0", "", "", ""},
		{"POST", "/", "AmazonSQS.Nonsense", "application/x-amz-json-1.0", `{`},
		{"POST", "/", "DynamoDB_20120810.ListTables", "application/x-amz-json-1.0", `{}`},
		{"POST", "/000000000000/q", "", "application/x-www-form-urlencoded", "Action=SendMessage&MessageBody=x&MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=String"},
		{"GET", "/000000000000/q?Action=ReceiveMessage&AttributeName.1=All", "", "", ""},
		{"POST", "/", "", "application/x-www-form-urlencoded", "Action=GetCallerIdentity&Version=2011-06-15"},
		{"POST", "/", "", "application/x-www-form-urlencoded", "Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=%7B%7D"},
		{"POST", "/2015-03-31/functions", "", "application/json", `{"FunctionName":"f","Code":{"ZipFile":"AAAA"},"Role":"arn:aws:iam::000000000000:role/r","Runtime":"provided.al2023","Handler":"b"}`},
		{"POST", "/2015-03-31/functions/f/invocations", "", "", `{`},
		{"POST", "/2015-03-31/event-source-mappings", "", "application/json", `{"FunctionName":"f","BatchSize":-1}`},
		{"PUT", "/2015-03-31/functions/%2e%2e/code", "", "application/json", `{"ZipFile":1}`},
		{"GET", "/_runtime/code/../../x", "", "", ""},
		{"POST", "/service/X/operation/Y", "", "application/cbor", "\xbf\xff"},
	} {
		f.Add(c[0], c[1], c[2], c[3], []byte(c[4]))
	}
	env := testenv.Start(f)
	call := func(method, path, target, contentType string, body []byte) (*http.Response, []byte, error) {
		req, err := http.NewRequest(method, env.Endpoint, bytes.NewReader(body))
		if err != nil {
			return nil, nil, err
		}
		req.URL.Opaque = path
		if strings.HasPrefix(target, "AmazonSQS.") || strings.Contains(contentType, "form") {
			req.Header.Set("Authorization", signature("000000000000"))
		}
		req.Header.Set("X-Amz-Target", target)
		req.Header.Set("Content-Type", contentType)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, nil, err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp, b, err
	}
	const json = "application/x-amz-json-1.0"
	for _, queue := range []string{`{"QueueName":"q"}`, `{"QueueName":"q.fifo","Attributes":{"FifoQueue":"true"}}`} {
		if resp, b, err := call("POST", "/", "AmazonSQS.CreateQueue", json, []byte(queue)); err != nil || resp.StatusCode != 200 {
			f.Fatalf("creating a queue: %s %v", b, err)
		}
	}
	// Everything of a queue but its counters, which time moves too.
	const settings = `"AttributeNames":["CreatedTimestamp","LastModifiedTimestamp","DelaySeconds","MaximumMessageSize","MessageRetentionPeriod","ReceiveMessageWaitTimeSeconds",` +
		`"VisibilityTimeout","Policy","RedrivePolicy","RedriveAllowPolicy","KmsMasterKeyId","KmsDataKeyReusePeriodSeconds","SqsManagedSseEnabled",` +
		`"ContentBasedDeduplication","DeduplicationScope","FifoThroughputLimit"]`
	// state is what a stranger could change: queues, their messages, functions, roles.
	state := func(t *testing.T) string {
		var all strings.Builder
		for _, c := range [][4]string{
			{"POST", "/", "AmazonSQS.ListQueues", "{}"},
			{"POST", "/", "AmazonSQS.GetQueueAttributes", `{"QueueUrl":"q",` + settings + `}`},
			{"POST", "/", "AmazonSQS.GetQueueAttributes", `{"QueueUrl":"q.fifo",` + settings + `}`},
			{"POST", "/", "AmazonSQS.ListQueueTags", `{"QueueUrl":"q"}`},
			{"POST", "/", "AmazonSQS.ListQueueTags", `{"QueueUrl":"q.fifo"}`},
			{"POST", "/", "AmazonSQS.ListMessageMoveTasks", `{"SourceArn":"arn:aws:sqs:us-east-1:000000000000:q"}`},
			{"GET", "/2015-03-31/functions/", "", ""},
			{"GET", "/2015-03-31/event-source-mappings/", "", ""},
		} {
			_, b, err := call(c[0], c[1], c[2], json, []byte(c[3]))
			if err != nil {
				t.Fatalf("reading the state: %v", err)
			}
			all.Write(b)
		}
		// Time may move a message from in flight to visible; none may come or go.
		status, err := env.App.Status(t.Context())
		if err != nil {
			t.Fatalf("counting the messages: %v", err)
		}
		fmt.Fprint(&all, status.Stored)
		return all.String()
	}
	f.Fuzz(func(t *testing.T, method, path, target, contentType string, body []byte) {
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/_runtime/reset") || method == "CONNECT" ||
			strings.Contains(string(body), "WaitTimeSeconds") || strings.Contains(path, "WaitTimeSeconds") {
			t.Skip("not a request, or one that does what it says")
		}
		before := state(t)
		resp, b, err := call(method, path, target, contentType, body)
		if err != nil {
			t.Skip("net/http does not send it, or its server refuses it")
		}
		if resp.StatusCode == http.StatusInternalServerError || resp.StatusCode == http.StatusServiceUnavailable {
			t.Errorf("%s %s %s: %d %s", method, path, target, resp.StatusCode, b)
		}
		if resp.StatusCode < 400 {
			return
		}
		if after := state(t); after != before {
			t.Errorf("%s %s %s was refused (%d %s), but changed\n%s\nto\n%s", method, path, target, resp.StatusCode, b, before, after)
		}
	})
}
