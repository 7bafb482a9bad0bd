package conformance

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"millrace/test/testenv"
)

// signature is the part of a signature that is read: who calls.
func signature(key string) string {
	return "AWS4-HMAC-SHA256 Credential=" + key + "/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"
}

// A raw client speaks HTTP itself, as curl and old SDKs do. Account 000000000000
// calls unless a header says otherwise; an empty Authorization is nobody.
type raw struct {
	t   *testing.T
	env *testenv.Env
}

// An answer of HTTP. Its request id, which must be the header's, reads ID in it.
type answer struct {
	status int
	header http.Header
	body   string
}

func (r raw) do(method, path, body string, header ...string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.env.Endpoint+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", signature("000000000000"))
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if req.Header.Get("Authorization") == "" {
		req.Header.Del("Authorization")
	}
	res, err := r.env.AWS.HTTPClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	id := res.Header.Get("X-Amzn-Requestid")
	if id == "" {
		r.t.Errorf("%s %s: no x-amzn-RequestId", method, path)
	}
	return answer{res.StatusCode, res.Header, strings.ReplaceAll(string(text), id, "ID")}
}

// post sends a form.
func (r raw) post(path, form string, header ...string) answer {
	r.t.Helper()
	return r.do("POST", path, form, append(header, "Content-Type", "application/x-www-form-urlencoded")...)
}

// json sends an operation of SQS as the SDKs do.
func (r raw) json(op, body string) answer {
	r.t.Helper()
	return r.do("POST", "/", body, "X-Amz-Target", "AmazonSQS."+op, "Content-Type", "application/x-amz-json-1.0")
}

// form writes pairs of names and values.
func form(pairs ...string) string {
	f := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f.Encode()
}

func xmlAnswer(op, result string) string {
	return `<?xml version="1.0"?>` + "\n" + `<` + op + `Response xmlns="http://queue.amazonaws.com/doc/2012-11-05/">` + result +
		`<ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></` + op + `Response>`
}

func xmlError(code, message string) string {
	return `<?xml version="1.0"?>` + "\n" + `<ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type><Code>` + code +
		`</Code><Message>` + message + `</Message><Detail/></Error><RequestId>ID</RequestId></ErrorResponse>`
}

func TestSQSQueryAnswers(t *testing.T) {
	const path, root = "/000000000000/q", "/"
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		create(t, env, "q", map[string]string{"MaximumMessageSize": "1024"})
		create(t, env, "empty", nil)
		r := raw{t, env}
		const q = "http://localhost:4566/000000000000/q"
		const md5 = "5d41402abc4b2a76b9719d911017c592"
		for _, c := range []struct {
			rule   string
			got    answer
			status int
			body   string
		}{
			{"a GET on / with the URL as a parameter", r.do("GET", "/?"+form("Action", "GetQueueUrl", "QueueName", "q", "Version", "2012-11-05"), ""), 200,
				xmlAnswer("GetQueueUrl", `<GetQueueUrlResult><QueueUrl>`+q+`</QueueUrl></GetQueueUrlResult>`)},
			{"a GET on a queue URL, for the queue of another name", r.do("GET", "/000000000000/other?"+form("Action", "GetQueueUrl", "QueueName", "q"), ""), 200,
				xmlAnswer("GetQueueUrl", `<GetQueueUrlResult><QueueUrl>`+q+`</QueueUrl></GetQueueUrlResult>`)},
			{"a POST on /, without Version", r.post(root, form("Action", "GetQueueUrl", "QueueName", "q")), 200,
				xmlAnswer("GetQueueUrl", `<GetQueueUrlResult><QueueUrl>`+q+`</QueueUrl></GetQueueUrlResult>`)},
			{"the queue of the path", r.post(path, form("Action", "GetQueueAttributes", "AttributeName.1", "QueueArn")), 200,
				xmlAnswer("GetQueueAttributes", `<GetQueueAttributesResult><Attribute><Name>QueueArn</Name><Value>arn:aws:sqs:us-east-1:000000000000:q</Value></Attribute></GetQueueAttributesResult>`)},
			{"QueueUrl overrides the path", r.post(path, form("Action", "GetQueueAttributes", "AttributeName.1", "QueueArn", "QueueUrl", "http://localhost:4566/000000000000/empty")), 200,
				xmlAnswer("GetQueueAttributes", `<GetQueueAttributesResult><Attribute><Name>QueueArn</Name><Value>arn:aws:sqs:us-east-1:000000000000:empty</Value></Attribute></GetQueueAttributesResult>`)},
			{"QueueUrl may be a bare name", r.post(root, form("Action", "GetQueueAttributes", "AttributeName.1", "VisibilityTimeout", "QueueUrl", "q")), 200,
				xmlAnswer("GetQueueAttributes", `<GetQueueAttributesResult><Attribute><Name>VisibilityTimeout</Name><Value>30</Value></Attribute></GetQueueAttributesResult>`)},
			{"an attribute set without a number", r.post(path, form("Action", "SetQueueAttributes", "Attribute.Name", "VisibilityTimeout", "Attribute.Value", "35")), 200, xmlAnswer("SetQueueAttributes", "")},
			{"an attribute asked for without a number", r.post(path, form("Action", "GetQueueAttributes", "AttributeName", "VisibilityTimeout")), 200,
				xmlAnswer("GetQueueAttributes", `<GetQueueAttributesResult><Attribute><Name>VisibilityTimeout</Name><Value>35</Value></Attribute></GetQueueAttributesResult>`)},
			{"the same with a number beside it", r.post(path, form("Action", "GetQueueAttributes", "AttributeName.1", "VisibilityTimeout", "AttributeName.", "QueueArn", "AttributeName", "QueueArn")), 200,
				xmlAnswer("GetQueueAttributes", `<GetQueueAttributesResult><Attribute><Name>VisibilityTimeout</Name><Value>35</Value></Attribute></GetQueueAttributesResult>`)},
			{"no attributes asked for, as SDKs wrote it", r.post(path, form("Action", "GetQueueAttributes", "AttributeName", "")), 200, xmlAnswer("GetQueueAttributes", `<GetQueueAttributesResult/>`)},
			{"no attributes asked for", r.post(path, form("Action", "GetQueueAttributes")), 200, xmlAnswer("GetQueueAttributes", `<GetQueueAttributesResult/>`)},
			{"an attribute, as JSON", r.post(path, form("Action", "GetQueueAttributes", "AttributeName.1", "QueueArn"), "Accept", "application/json"), 200,
				`{"GetQueueAttributesResponse":{"GetQueueAttributesResult":{"Attributes":[{"Name":"QueueArn","Value":"arn:aws:sqs:us-east-1:000000000000:q"}]},"ResponseMetadata":{"RequestId":"ID"}}}`},
			{"nothing received", r.post(path, form("Action", "ReceiveMessage")), 200, xmlAnswer("ReceiveMessage", `<ReceiveMessageResult/>`)},
			{"nothing received, as JSON", r.post(path, form("Action", "ReceiveMessage"), "Accept", "application/json"), 200,
				`{"ReceiveMessageResponse":{"ReceiveMessageResult":{"messages":null},"ResponseMetadata":{"RequestId":"ID"}}}`},
			{"no result at all", r.post(path, form("Action", "SetQueueAttributes", "Attribute.1.Name", "DelaySeconds", "Attribute.1.Value", "0")), 200, xmlAnswer("SetQueueAttributes", "")},
			{"tags", r.post(path, form("Action", "TagQueue", "Tag.1.Key", "a", "Tag.1.Value", "0", "Tag.2.Key", "b", "Tag.2.Value", "")), 200, xmlAnswer("TagQueue", "")},
			{"tags as the Java SDKs write them", r.post(path, form("Action", "TagQueue", "Tags.1.Key", "a", "Tags.1.Value", "1")), 200, xmlAnswer("TagQueue", "")},
			{"listed", r.post(path, form("Action", "ListQueueTags")), 200,
				xmlAnswer("ListQueueTags", `<ListQueueTagsResult><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value></Value></Tag></ListQueueTagsResult>`)},
			{"untagged", r.post(path, form("Action", "UntagQueue", "TagKey.1", "a", "TagKey.2", "b", "TagKey.3", "never")), 200, xmlAnswer("UntagQueue", "")},
			{"no tags", r.post(path, form("Action", "ListQueueTags")), 200, xmlAnswer("ListQueueTags", `<ListQueueTagsResult/>`)},
			{"queues by prefix", r.do("GET", "/?"+form("Action", "ListQueues", "QueueNamePrefix", "e"), ""), 200,
				xmlAnswer("ListQueues", `<ListQueuesResult><QueueUrl>http://localhost:4566/000000000000/empty</QueueUrl></ListQueuesResult>`)},
			{"no queues", r.do("GET", "/?"+form("Action", "ListQueues", "QueueNamePrefix", "none"), ""), 200, xmlAnswer("ListQueues", `<ListQueuesResult/>`)},
			{"no dead-letter sources", r.post(path, form("Action", "ListDeadLetterSourceQueues")), 200, xmlAnswer("ListDeadLetterSourceQueues", `<ListDeadLetterSourceQueuesResult/>`)},
			{"purged", r.post("/000000000000/empty", form("Action", "PurgeQueue")), 200, xmlAnswer("PurgeQueue", "")},
			{"deleted", r.post("/000000000000/empty/", form("Action", "DeleteQueue")), 200, xmlAnswer("DeleteQueue", "")},
			{"all failed in a batch", r.post(path, form("Action", "DeleteMessageBatch", "DeleteMessageBatchRequestEntry.1.Id", "a", "DeleteMessageBatchRequestEntry.1.ReceiptHandle", "x")), 200,
				xmlAnswer("DeleteMessageBatch", `<DeleteMessageBatchResult><BatchResultErrorEntry><Code>ReceiptHandleIsInvalid</Code><Id>a</Id><Message>The input receipt handle &quot;x&quot; is not a valid receipt handle.</Message><SenderFault>true</SenderFault></BatchResultErrorEntry></DeleteMessageBatchResult>`)},

			{"no queue", r.post("/000000000000/empty", form("Action", "ReceiveMessage")), 400,
				xmlError("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist for this wsdl version.")},
			{"no queue, as JSON", r.post("/000000000000/empty", form("Action", "ReceiveMessage"), "Accept", "application/json"), 400,
				`{"Error":{"Code":"AWS.SimpleQueueService.NonExistentQueue","Message":"The specified queue does not exist for this wsdl version.","Type":"Sender"},"RequestId":"ID"}`},
			{"no queue of that name", r.post("/", form("Action", "GetQueueUrl", "QueueName", "none")), 400,
				xmlError("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist for this wsdl version.")},
			{"CreateQueue on a queue URL", r.post(path, form("Action", "CreateQueue", "QueueName", "x")), 400, xmlError("InvalidAction", "The action CreateQueue is not valid for this endpoint.")},
			{"ListQueues on a queue URL", r.post(path, form("Action", "ListQueues")), 400, xmlError("InvalidAction", "The action ListQueues is not valid for this endpoint.")},
			{"an unknown action", r.post(path, form("Action", "Fly")), 400, xmlError("InvalidAction", "The action Fly is not valid for this endpoint.")},
			{"an unknown action on /", r.do("GET", "/?"+form("Action", "Fly", "Version", "2012-11-05"), ""), 400, xmlError("InvalidAction", "The action Fly is not valid for this endpoint.")},
			{"a queue URL in a browser", r.do("GET", path, ""), 404, `<UnknownOperationException/>`},
			{"no QueueUrl", r.post(root, form("Action", "ReceiveMessage")), 400, xmlError("MissingParameter", "The request must contain the parameter QueueUrl.")},
			{"the endpoint as QueueUrl", r.post(root, form("Action", "ReceiveMessage", "QueueUrl", "http://localhost:4566/")), 404,
				xmlError("InvalidAddress", "The address http://localhost:4566/ is not valid for this endpoint.")},
			{"a bad handle", r.post(path, form("Action", "DeleteMessage", "ReceiptHandle", "a<b\"c")), 404,
				xmlError("ReceiptHandleIsInvalid", `The input receipt handle &quot;a&lt;b&quot;c&quot; is not a valid receipt handle.`)},
			{"text for a number", r.post(path, form("Action", "ReceiveMessage", "MaxNumberOfMessages", "ten")), 400, xmlError("MalformedInput", "STRING_VALUE can not be converted to an Integer")},
			{"a missing body", r.post(path, form("Action", "SendMessage")), 400, xmlError("MissingParameter", "The request must contain the parameter MessageBody.")},
			{"a sent message", sent(r.do("GET", path+"?"+form("Action", "SendMessage", "MessageBody", "hello"), "")), 200,
				xmlAnswer("SendMessage", `<SendMessageResult><MD5OfMessageBody>`+md5+`</MD5OfMessageBody><MessageId>UUID</MessageId></SendMessageResult>`)},
		} {
			wantEqual(t, c.rule+", status", c.got.status, c.status)
			wantEqual(t, c.rule+", body", c.got.body, c.body)
			wantEqual(t, c.rule+", x-amzn-query-error", c.got.header.Get("X-Amzn-Query-Error"), "")
			switch {
			case strings.HasPrefix(c.body, "{"):
				wantEqual(t, c.rule+", Content-Type", c.got.header.Get("Content-Type"), "application/json")
			case strings.HasPrefix(c.body, "<?xml"):
				wantEqual(t, c.rule+", Content-Type", c.got.header.Get("Content-Type"), "text/xml")
			}
		}
	})
}

// sent replaces what differs from send to send.
func sent(a answer) answer {
	if _, rest, ok := strings.Cut(a.body, "<MessageId>"); ok {
		id, _, _ := strings.Cut(rest, "<")
		a.body = strings.ReplaceAll(a.body, id, "UUID")
	}
	return a
}

// between cuts out what stands between two texts.
func between(t *testing.T, s, before, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(s, before)
	found, _, ok2 := strings.Cut(rest, after)
	if !ok || !ok2 {
		t.Fatalf("no %s…%s in %s", before, after, s)
	}
	return found
}

// What is sent in a form comes back in XML as it was: attributes of every type,
// characters that XML would change, and digests recorded from AWS.
func TestSQSQueryMessages(t *testing.T) {
	const path = "/000000000000/q"
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		create(t, env, "q", nil)
		r := raw{t, env}
		got := r.post(path, form("Action", "SendMessage", "MessageBody", "a\r\n&quot;<b>",
			"MessageAttribute.1.Name", "timestamp", "MessageAttribute.1.Value.DataType", "Number", "MessageAttribute.1.Value.StringValue", "1493147359900",
			"MessageSystemAttribute.1.Name", "AWSTraceHeader", "MessageSystemAttribute.1.Value.DataType", "String",
			"MessageSystemAttribute.1.Value.StringValue", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"))
		wantEqual(t, "sent", sent(got).body, xmlAnswer("SendMessage", `<SendMessageResult><MD5OfMessageAttributes>235c5c510d26fb653d073faed50ae77c</MD5OfMessageAttributes>`+
			`<MD5OfMessageBody>59f2d04a7cdf2c4dd759ae14a20a1c38</MD5OfMessageBody><MD5OfMessageSystemAttributes>5ae4d5d7636402d80f4eb6d213245a88</MD5OfMessageSystemAttributes>`+
			`<MessageId>UUID</MessageId></SendMessageResult>`))
		in := r.post(path, form("Action", "ReceiveMessage", "MessageAttributeName.1", "time.*", "MessageSystemAttributeName.1", "All", "AttributeName.1", "AWSTraceHeader"))
		handle := between(t, in.body, "<ReceiptHandle>", "<")
		in.body = strings.ReplaceAll(in.body, handle, "HANDLE")
		wantEqual(t, "received, the older parameter wins", sent(in).body, xmlAnswer("ReceiveMessage", `<ReceiveMessageResult><Message>`+
			`<Attribute><Name>AWSTraceHeader</Name><Value>Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1</Value></Attribute>`+
			`<Body>a&#xD;
&amp;quot;&lt;b&gt;</Body><MD5OfBody>59f2d04a7cdf2c4dd759ae14a20a1c38</MD5OfBody><MD5OfMessageAttributes>235c5c510d26fb653d073faed50ae77c</MD5OfMessageAttributes>`+
			`<MessageAttribute><Name>timestamp</Name><Value><DataType>Number</DataType><StringValue>1493147359900</StringValue></Value></MessageAttribute>`+
			`<MessageId>UUID</MessageId><ReceiptHandle>HANDLE</ReceiptHandle></Message></ReceiveMessageResult>`))
		wantEqual(t, "visibility", r.post(path, form("Action", "ChangeMessageVisibility", "ReceiptHandle", handle, "VisibilityTimeout", "0")).body, xmlAnswer("ChangeMessageVisibility", ""))
		again := r.post(path, form("Action", "ReceiveMessage"), "Accept", "application/json")
		if want := `{"ReceiveMessageResponse":{"ReceiveMessageResult":{"messages":[{`; !strings.HasPrefix(again.body, want) {
			t.Errorf("received as JSON: got %s, want %s…", again.body, want)
		}
		wantEqual(t, "deleted", r.post(path, form("Action", "DeleteMessage", "ReceiptHandle", handle)).body, xmlAnswer("DeleteMessage", ""))
		wantEqual(t, "deleted again", r.post(path, form("Action", "DeleteMessage", "ReceiptHandle", handle)).status, 200)
	})
}
