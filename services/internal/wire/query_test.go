package wire_test

import (
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"millrace/services/internal/api/sqs"
	"millrace/services/internal/wire"
)

// TestSQSQueryNames checks the names of the query protocol, which SQS's model
// has lost (SQS API Reference, "Query API").
func TestSQSQueryNames(t *testing.T) {
	attribute := func(value *sqs.MessageAttributeValue) map[string]*sqs.MessageAttributeValue {
		return map[string]*sqs.MessageAttributeValue{"kind": value}
	}
	for _, tt := range []struct {
		op, form string
		want     any
	}{
		{"CreateQueue", "QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&Tag.1.Key=k&Tag.1.Value=v", &sqs.CreateQueueInput{
			QueueName: new("q"), Attributes: map[string]string{"DelaySeconds": "5"}, Tags: map[string]string{"k": "v"},
		}},
		{"GetQueueAttributes", "AttributeName.1=All&AttributeName.2=Policy", &sqs.GetQueueAttributesInput{AttributeNames: []string{"All", "Policy"}}},
		{"SendMessage", "MessageBody=b&DelaySeconds=1&MessageAttribute.1.Name=kind&MessageAttribute.1.Value.DataType=Binary&MessageAttribute.1.Value.BinaryValue=AAH/", &sqs.SendMessageInput{
			MessageBody: new("b"), DelaySeconds: new(int32(1)),
			MessageAttributes: attribute(&sqs.MessageAttributeValue{DataType: new("Binary"), BinaryValue: []byte{0, 1, 255}}),
		}},
		{"SendMessage", "MessageSystemAttribute.1.Name=AWSTraceHeader&MessageSystemAttribute.1.Value.DataType=String&MessageSystemAttribute.1.Value.StringValue=x", &sqs.SendMessageInput{
			MessageSystemAttributes: map[string]*sqs.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: new("String"), StringValue: new("x")}},
		}},
		{"SendMessageBatch", "SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=1&SendMessageBatchRequestEntry.10.Id=c&SendMessageBatchRequestEntry.2.Id=b&SendMessageBatchRequestEntry.2.MessageAttribute.1.Name=kind&SendMessageBatchRequestEntry.2.MessageAttribute.1.Value.StringValue=s", &sqs.SendMessageBatchInput{
			Entries: []*sqs.SendMessageBatchRequestEntry{
				{Id: new("a"), MessageBody: new("1")},
				{Id: new("b"), MessageAttributes: attribute(&sqs.MessageAttributeValue{StringValue: new("s")})},
				{Id: new("c")},
			},
		}},
		{"ReceiveMessage", "MaxNumberOfMessages=10&AttributeName.1=All&MessageAttributeName.1=.*&MessageSystemAttributeName.1=SentTimestamp", &sqs.ReceiveMessageInput{
			MaxNumberOfMessages: new(int32(10)), AttributeNames: []string{"All"}, MessageAttributeNames: []string{".*"}, MessageSystemAttributeNames: []string{"SentTimestamp"},
		}},
		{"DeleteMessageBatch", "DeleteMessageBatchRequestEntry.1.Id=a&DeleteMessageBatchRequestEntry.1.ReceiptHandle=r", &sqs.DeleteMessageBatchInput{
			Entries: []*sqs.DeleteMessageBatchRequestEntry{{Id: new("a"), ReceiptHandle: new("r")}},
		}},
		{"ChangeMessageVisibilityBatch", "ChangeMessageVisibilityBatchRequestEntry.1.VisibilityTimeout=0", &sqs.ChangeMessageVisibilityBatchInput{
			Entries: []*sqs.ChangeMessageVisibilityBatchRequestEntry{{VisibilityTimeout: new(int32(0))}},
		}},
		{"AddPermission", "AWSAccountId.1=1&ActionName.1=SendMessage&Label=l", &sqs.AddPermissionInput{
			AWSAccountIds: []string{"1"}, Actions: []string{"SendMessage"}, Label: new("l"),
		}},
		{"TagQueue", "Tag.1.Key=a&Tag.1.Value=1&Tag.2.Key=b", &sqs.TagQueueInput{Tags: map[string]string{"a": "1", "b": ""}}},
		{"UntagQueue", "TagKey.1=a", &sqs.UntagQueueInput{TagKeys: []string{"a"}}},
	} {
		t.Run(tt.op, func(t *testing.T) {
			form, err := url.ParseQuery(tt.form)
			if err != nil {
				t.Fatal(err)
			}
			op := sqs.Service.Operation(tt.op)
			in := op.NewInput()
			if err := wire.Decode(wire.AWSQuery, op, &wire.Request{Form: form}, in); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, in); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSQSQueryAnswers checks whole answers, to the byte.
func TestSQSQueryAnswers(t *testing.T) {
	const open, shut = `<?xml version="1.0"?>` + "\n", `<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata>`
	const space = ` xmlns="http://queue.amazonaws.com/doc/2012-11-05/"`
	for _, tt := range []struct {
		rule, op, accept string
		out              any
		want             string
	}{
		{
			"texts survive XML, a carriage return too; lists and maps are flat", "ReceiveMessage", "",
			&sqs.ReceiveMessageOutput{Messages: []*sqs.Message{{
				Body: new("a\r\n<&quot;>\t\x01"), Attributes: map[string]string{"SenderId": "1", "A": "2"},
			}, {
				MessageAttributes: map[string]*sqs.MessageAttributeValue{"k": {DataType: new("Binary"), BinaryValue: []byte{255}}},
			}}},
			open + "<ReceiveMessageResponse" + space + "><ReceiveMessageResult>" +
				"<Message><Attribute><Name>A</Name><Value>2</Value></Attribute><Attribute><Name>SenderId</Name><Value>1</Value></Attribute>" +
				"<Body>a&#xD;\n&lt;&amp;quot;&gt;\t\uFFFD</Body></Message>" +
				"<Message><MessageAttribute><Name>k</Name><Value><BinaryValue>/w==</BinaryValue><DataType>Binary</DataType></Value></MessageAttribute></Message>" +
				"</ReceiveMessageResult>" + shut + "</ReceiveMessageResponse>",
		},
		{
			"an empty result is one element", "ReceiveMessage", "", &sqs.ReceiveMessageOutput{},
			open + "<ReceiveMessageResponse" + space + "><ReceiveMessageResult/>" + shut + "</ReceiveMessageResponse>",
		},
		{
			"an operation without output has no result", "DeleteMessage", "", &sqs.DeleteMessageOutput{},
			open + "<DeleteMessageResponse" + space + ">" + shut + "</DeleteMessageResponse>",
		},
		{
			"batch entries have names of their own", "SendMessageBatch", "",
			&sqs.SendMessageBatchOutput{Successful: []*sqs.SendMessageBatchResultEntry{{Id: new("a")}}, Failed: []*sqs.BatchResultErrorEntry{{Id: new("b"), SenderFault: new(true)}}},
			open + "<SendMessageBatchResponse" + space + "><SendMessageBatchResult><BatchResultErrorEntry><Id>b</Id><SenderFault>true</SenderFault></BatchResultErrorEntry>" +
				"<SendMessageBatchResultEntry><Id>a</Id></SendMessageBatchResultEntry></SendMessageBatchResult>" + shut + "</SendMessageBatchResponse>",
		},
		{
			"an URL each", "ListQueues", "", &sqs.ListQueuesOutput{QueueUrls: []string{"u", "v"}},
			open + "<ListQueuesResponse" + space + "><ListQueuesResult><QueueUrl>u</QueueUrl><QueueUrl>v</QueueUrl></ListQueuesResult>" + shut + "</ListQueuesResponse>",
		},
		{
			"the members that begin small", "ListDeadLetterSourceQueues", "", &sqs.ListDeadLetterSourceQueuesOutput{QueueUrls: []string{"u"}},
			open + "<ListDeadLetterSourceQueuesResponse" + space + "><ListDeadLetterSourceQueuesResult><QueueUrl>u</QueueUrl></ListDeadLetterSourceQueuesResult>" + shut + "</ListDeadLetterSourceQueuesResponse>",
		},
		{
			"JSON on request: messages, in small letters, and null for what is not there", "ReceiveMessage", "application/json",
			&sqs.ReceiveMessageOutput{Messages: []*sqs.Message{{Body: new("b")}}},
			`{"ReceiveMessageResponse":{"ReceiveMessageResult":{"messages":[{"Attributes":null,"Body":"b","MD5OfBody":null,` +
				`"MD5OfMessageAttributes":null,"MessageAttributes":null,"MessageId":null,"ReceiptHandle":null}]},"ResponseMetadata":{"RequestId":"id"}}}`,
		},
		{
			"JSON on request: queue URLs, in small letters", "ListQueues", "application/json", &sqs.ListQueuesOutput{QueueUrls: []string{"u"}},
			`{"ListQueuesResponse":{"ListQueuesResult":{"NextToken":null,"queueUrls":["u"]},"ResponseMetadata":{"RequestId":"id"}}}`,
		},
		{
			"JSON on request: maps, as lists of pairs", "ReceiveMessage", "application/json",
			&sqs.ReceiveMessageOutput{Messages: []*sqs.Message{{
				Attributes:        map[string]string{"SenderId": "1", "A": "2"},
				MessageAttributes: map[string]*sqs.MessageAttributeValue{"k": {DataType: new("Binary"), BinaryValue: []byte{255}}},
			}}},
			`{"ReceiveMessageResponse":{"ReceiveMessageResult":{"messages":[{"Attributes":[{"Name":"A","Value":"2"},{"Name":"SenderId","Value":"1"}],"Body":null,"MD5OfBody":null,` +
				`"MD5OfMessageAttributes":null,"MessageAttributes":[{"Name":"k","Value":{"BinaryListValues":null,"BinaryValue":"/w==","DataType":"Binary","StringListValues":null,"StringValue":null}}],` +
				`"MessageId":null,"ReceiptHandle":null}]},"ResponseMetadata":{"RequestId":"id"}}}`,
		},
		{
			"JSON on request: tags, likewise", "ListQueueTags", "application/json", &sqs.ListQueueTagsOutput{Tags: map[string]string{"k": "v"}},
			`{"ListQueueTagsResponse":{"ListQueueTagsResult":{"Tags":[{"Key":"k","Value":"v"}]},"ResponseMetadata":{"RequestId":"id"}}}`,
		},
		{
			"JSON on request: no result", "DeleteMessage", "application/json", &sqs.DeleteMessageOutput{},
			`{"DeleteMessageResponse":{"ResponseMetadata":{"RequestId":"id"}}}`,
		},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Accept", tt.accept)
			w := httptest.NewRecorder()
			if err := wire.EncodeResult(w, wire.AWSQuery, sqs.Service, sqs.Service.Operation(tt.op), &wire.Request{HTTP: r}, "id", tt.out); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, w.Body.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := w.Header().Get("x-amzn-RequestId"); got != "id" {
				t.Errorf("x-amzn-RequestId is %q", got)
			}
		})
	}
}

// TestErrorAnswers checks whole errors, to the byte, and the headers beside them.
func TestErrorAnswers(t *testing.T) {
	for _, tt := range []struct {
		rule     string
		protocol wire.Protocol
		service  *wire.Service
		err      *wire.Error
		accept   string
		header   string // to look at
		status   int
		want     string // header and body
	}{
		{
			"awsJson: the type has the service's prefix, the header the old code", wire.AWSJSON, sqs.Service,
			sqs.ErrQueueDoesNotExist("The specified queue does not exist."), "", "x-amzn-query-error", 400,
			`AWS.SimpleQueueService.NonExistentQueue;Sender {"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}`,
		},
		{
			"awsJson: an error without a shape", wire.AWSJSON, sqs.Service,
			&wire.Error{Code: "InvalidParameterValueException", QueryCode: "InvalidParameterValue", Status: 400, Message: "m"}, "", "x-amzn-query-error", 400,
			`InvalidParameterValue;Sender {"__type":"com.amazon.coral.service#InvalidParameterValueException","message":"m"}`,
		},
		{
			"awsJson: the server's fault", wire.AWSJSON, sqs.Service,
			&wire.Error{Code: "InternalFailure", Status: 500, Fault: true, Message: "m"}, "", "x-amzn-query-error", 500,
			`InternalFailure;Receiver {"__type":"com.amazon.coral.service#InternalFailure","message":"m"}`,
		},
		{
			"awsQuery", wire.AWSQuery, sqs.Service, sqs.ErrQueueDoesNotExist("no <queue>"), "", "Content-Type", 400,
			"text/xml <?xml version=\"1.0\"?>\n" + `<ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type>` +
				`<Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>no &lt;queue&gt;</Message><Detail/></Error><RequestId>id</RequestId></ErrorResponse>`,
		},
		{
			"awsQuery as JSON", wire.AWSQuery, sqs.Service, sqs.ErrReceiptHandleIsInvalid("m"), "application/json", "Content-Type", 404,
			`application/json {"Error":{"Code":"ReceiptHandleIsInvalid","Message":"m","Type":"Sender"},"RequestId":"id"}`,
		},
		{
			"restXml: as S3 has it", wire.RestXML, &wire.Service{},
			&wire.Error{Code: "NoSuchBucket", Status: 404, Message: "m", Fields: map[string]any{"BucketName": "b"}}, "", "Content-Type", 404,
			"application/xml <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucket</Code><Message>m</Message><BucketName>b</BucketName><Resource>/</Resource><RequestId>id</RequestId>" +
				"<HostId>" + wire.HostID("id") + "</HostId></Error>",
		},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			w := answerError(tt.protocol, tt.service, tt.err, tt.accept)
			if diff := cmp.Diff(tt.want, w.Header().Get(tt.header)+" "+w.Body.String()); diff != "" || w.Code != tt.status {
				t.Errorf("status %d (-want +got):\n%s", w.Code, diff)
			}
		})
	}
}

func answerError(p wire.Protocol, s *wire.Service, e *wire.Error, accept ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/", nil)
	r.Header["Accept"] = accept
	w := httptest.NewRecorder()
	wire.EncodeError(w, p, s, &wire.Request{HTTP: r}, "id", e)
	return w
}
