package sns

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
	"millrace/runtime/topic"
	"millrace/runtime/topic/fifo"
	"millrace/services/gateway"
)

const (
	account  = "111111111111"
	region   = "eu-west-1"
	stranger = "222222222222"
	topicARN = "arn:aws:sns:" + region + ":" + account + ":"
)

// A press is a publisher that keeps what it is given. Messages whose body begins with
// "fail" are not taken.
type press struct {
	published []topic.Message
	texts     []string
	err       error // of the whole call
	each      error // of messages that fail; nil for one that is nobody's
}

func (p *press) Publish(_ context.Context, _ topic.ID, messages ...topic.Message) ([]topic.Published, error) {
	if p.err != nil {
		return nil, p.err
	}
	all := make([]topic.Published, len(messages))
	for i, m := range messages {
		if strings.HasPrefix(m.Body, "fail") {
			all[i].Err = p.each
			continue
		}
		p.published = append(p.published, m)
		n := len(p.published)
		all[i].MessageID = fmt.Sprint("message-", n)
		if m.GroupID != "" {
			all[i].Seq = uint64(n)
		}
	}
	return all, nil
}

func (p *press) Text(_ context.Context, account, region, phone string, m topic.Message) (string, error) {
	p.texts = append(p.texts, strings.Join([]string{account, region, phone, m.Body}, " "))
	return "text", p.err
}

// A printer is a service before a press: topics "t", "shared" with the stranger, "small"
// and "big" of 1,024 and 1,048,576 bytes, "o.fifo", and "c.fifo" that deduplicates by
// content.
type printer struct {
	*press
	front http.Handler
	t     testing.TB
}

func printing(t testing.TB) *printer {
	t.Helper()
	backbone := backbonetest.Start(t, t.TempDir())
	store := record.New(backbone.JetStream(), nil)
	logs := fifo.New(fifo.Config{Backbone: backbone, Records: store})
	if err := errors.Join(store.Start(t.Context()), logs.Start(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { errors.Join(logs.Stop(context.Background()), store.Stop(context.Background())) })
	topics := topic.New(topic.Config{Records: store, Logs: logs, Now: time.Now})
	for name, attributes := range map[string]map[string]string{
		"t": nil, "small": {topic.MaxMessageSize: "1024"}, "big": {topic.MaxMessageSize: "1048576"},
		"shared": {topic.Policy: `{"Statement":{"Effect":"Allow","Principal":{"AWS":"` + stranger + `"},"Action":"SNS:Publish","Resource":"` + topicARN + `shared"}}`},
		"o.fifo": nil, "c.fifo": {topic.ContentDedup: "true"},
	} {
		if _, err := topics.Create(t.Context(), topic.Topic{ID: topic.ID{Account: account, Region: region, Name: name}, Attributes: attributes}); err != nil {
			t.Fatal(err)
		}
	}
	service, p := New(topics, Options{}), &press{}
	service.publisher = p
	front := gateway.New(gateway.Config{Services: []gateway.Service{service}, Account: account, Region: region})
	return &printer{p, front, t}
}

// A reply is one of Publish or PublishBatch, or an error.
type reply struct {
	Status    int
	Code      string `xml:"Error>Code"`
	Message   string `xml:"Error>Message"`
	MessageID string `xml:"PublishResult>MessageId"`
	Sequence  string `xml:"PublishResult>SequenceNumber"`

	Successful []entryAnswer `xml:"PublishBatchResult>Successful>member"`
	Failed     []entryAnswer `xml:"PublishBatchResult>Failed>member"`
}

type entryAnswer struct {
	ID       string `xml:"Id"`
	Message  string `xml:"MessageId"`
	Sequence string `xml:"SequenceNumber"`
	Code     string
	Text     string `xml:"Message"`
	Fault    bool   `xml:"SenderFault"`
}

// call sends a form: names and values in turn.
func (p *printer) call(action string, pairs ...string) (a reply) {
	p.t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-03-31"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return p.send(form, nil)
}

func (p *printer) send(form url.Values, header http.Header) (a reply) {
	p.t.Helper()
	status, body := p.handle(form, header)
	if err := xml.Unmarshal(body, &a); err != nil {
		p.t.Fatalf("answered %d, %s: %v", status, body, err)
	}
	a.Status = status
	return a
}

func (p *printer) handle(form url.Values, header http.Header) (status int, body []byte) {
	req := httptest.NewRequest("POST", "http://localhost/", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	req.Header.Set("Authorization", signature(account))
	for name, values := range header {
		req.Header[name] = values
	}
	w := httptest.NewRecorder()
	p.front.ServeHTTP(w, req)
	return w.Code, w.Body.Bytes()
}

func signature(account string) string {
	return "AWS4-HMAC-SHA256 Credential=" + account + "/20260101/" + region + "/sns/aws4_request, SignedHeaders=host, Signature=0"
}

// attributeForm is a message attribute as parameters: name, type, and the value of a
// field.
func attributeForm(name, dataType, field, value string) []string {
	pairs := []string{"MessageAttributes.entry.1.Name", name}
	if dataType != "" {
		pairs = append(pairs, "MessageAttributes.entry.1.Value.DataType", dataType)
	}
	if field != "" {
		pairs = append(pairs, "MessageAttributes.entry.1.Value."+field, value)
	}
	return pairs
}

// What is wrong with a Publish is said in AWS's words, and nothing is published.
func TestPublishRefusals(t *testing.T) {
	p := printing(t)
	const badType = "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
	const nameChars = "was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots."
	const bare = "\x00bare" // a message attribute alone, on a good request
	for _, c := range []struct {
		rule, code, text string
		pairs            []string
	}{
		{"no target", "InvalidParameter", "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter", []string{"Message", "x"}},
		{"two targets", "InvalidParameter", "Invalid parameter: TopicArn, TargetArn and PhoneNumber Reason: only one of them may be specified", []string{"Message", "x", "TopicArn", topicARN + "t", "PhoneNumber", "+4930123456"}},
		{"no message", "ValidationError", "1 validation error detected: Value null at 'message' failed to satisfy constraint: Member must not be null", []string{"TopicArn", topicARN + "t"}},
		{"an ARN that is none", "InvalidParameter", "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1", []string{"Message", "x", "TopicArn", "t"}},
		{"a target that is no ARN", "InvalidParameter", "Invalid parameter: TargetArn Reason: An ARN must have at least 6 elements, not 1", []string{"Message", "x", "TargetArn", "t"}},
		{"a topic of another region", "InvalidParameter", "Invalid parameter: TopicArn", []string{"Message", "x", "TopicArn", "arn:aws:sns:us-east-1:" + account + ":t"}},
		{"a queue", "InvalidParameter", "Invalid parameter: TopicArn", []string{"Message", "x", "TopicArn", "arn:aws:sqs:" + region + ":" + account + ":t"}},
		{"no such topic", "NotFound", "Topic does not exist", []string{"Message", "x", "TopicArn", topicARN + "nowhere"}},
		{"an endpoint", "InvalidParameter", "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified", []string{"Message", "x", "TargetArn", topicARN + "endpoint/GCM/app/5e3e9847-3183-3f18-a7e8-671c3a57d4b3"}},
		{"empty", "InvalidParameter", "Invalid parameter: Empty message", []string{"TopicArn", topicARN + "t", "Message", ""}},
		{"too long", "InvalidParameter", "Invalid parameter: Message too long", []string{"TopicArn", topicARN + "t", "Message", strings.Repeat("x", 262145)}},
		{"too long for small", "InvalidParameter", "Invalid parameter: Message too long", []string{"TopicArn", topicARN + "small", "Message", strings.Repeat("ü", 512) + "x"}},
		{"too long for big", "InvalidParameter", "Invalid parameter: Message too long", []string{"TopicArn", topicARN + "big", "Message", strings.Repeat("x", 1048577)}},
		{"too long with an attribute", "InvalidParameter", "Invalid parameter: Message too long",
			append(attributeForm("a", "String", "StringValue", "v"), "TopicArn", topicARN+"small", "Message", strings.Repeat("x", 1025-8))},
		{"an empty subject", "InvalidParameter", "Invalid parameter: Subject", []string{"TopicArn", topicARN + "t", "Message", "x", "Subject", ""}},
		{"a long subject", "InvalidParameter", "Invalid parameter: Subject", []string{"TopicArn", topicARN + "t", "Message", "x", "Subject", strings.Repeat("ü", 101)}},
		{"lines of a subject", "InvalidParameter", "Invalid parameter: Subject", []string{"TopicArn", topicARN + "t", "Message", "x", "Subject", "a\nb"}},
		{"a control character", "InvalidParameter", "Invalid parameter: Subject", []string{"TopicArn", topicARN + "t", "Message", "x", "Subject", "a\x7f"}},
		{"structure: no JSON", "InvalidParameter", "Invalid parameter: Message Structure - JSON message body failed to parse", []string{"TopicArn", topicARN + "t", "Message", "x", "MessageStructure", "json"}},
		{"structure: an array", "InvalidParameter", "Invalid parameter: Message Structure - JSON message body failed to parse", []string{"TopicArn", topicARN + "t", "Message", "[]", "MessageStructure", "json"}},
		{"structure: null", "InvalidParameter", "Invalid parameter: Message Structure - JSON message body failed to parse", []string{"TopicArn", topicARN + "t", "Message", "null", "MessageStructure", "json"}},
		{"structure: no default", "InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body", []string{"TopicArn", topicARN + "t", "Message", `{"sqs":"x"}`, "MessageStructure", "json"}},
		{"structure: a default that is no text", "InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body", []string{"TopicArn", topicARN + "t", "Message", `{"default":{"a":1}}`, "MessageStructure", "json"}},
		{"structure: a default of null", "InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body", []string{"TopicArn", topicARN + "t", "Message", `{"default":null}`, "MessageStructure", "json"}},

		{"FIFO: no group", "InvalidParameter", "Invalid parameter: The MessageGroupId parameter is required for FIFO topics", []string{"TopicArn", topicARN + "c.fifo", "Message", "x"}},
		{"FIFO: no deduplication", "InvalidParameter", "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly", []string{"TopicArn", topicARN + "o.fifo", "Message", "x", "MessageGroupId", "g"}},
		{"FIFO: a strange group", "InvalidParameter", "Invalid parameter: MessageGroupId Reason: can only include alphanumeric and punctuation characters, 1 to 128 in length", []string{"TopicArn", topicARN + "c.fifo", "Message", "x", "MessageGroupId", "a b"}},
		{"FIFO: a long deduplication id", "InvalidParameter", "Invalid parameter: MessageDeduplicationId Reason: can only include alphanumeric and punctuation characters, 1 to 128 in length", []string{"TopicArn", topicARN + "c.fifo", "Message", "x", "MessageGroupId", "g", "MessageDeduplicationId", strings.Repeat("d", 129)}},
		{"standard: a deduplication id", "InvalidParameter", "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type", []string{"TopicArn", topicARN + "t", "Message", "x", "MessageDeduplicationId", "d"}},
		{"standard: an empty group", "InvalidParameter", "Invalid parameter: MessageGroupId Reason: can only include alphanumeric and punctuation characters, 1 to 128 in length", []string{"TopicArn", topicARN + "t", "Message", "x", "MessageGroupId", ""}},

		{"a phone number", "InvalidParameter", "Invalid parameter: PhoneNumber Reason: +49 30 1 is not valid to publish to", []string{"Message", "x", "PhoneNumber", "+49 30 1"}},
		{"a long text", "InvalidParameter", "Invalid parameter: Message too long", []string{"Message", strings.Repeat("ü", 1601), "PhoneNumber", "+4930123456"}},

		{"attribute: no type", "ValidationError", "1 validation error detected: Value null at 'messageAttributes.a.member.dataType' failed to satisfy constraint: Member must not be null", append(attributeForm("a", "", "StringValue", "v"), bare, "")},
		{"attribute: another type", "ParameterValueInvalid", badType, append(attributeForm("a", "Text", "StringValue", "v"), bare, "")},
		{"attribute: a type in small letters", "ParameterValueInvalid", badType, append(attributeForm("a", "string", "StringValue", "v"), bare, "")},
		{"attribute: an empty label", "ParameterValueInvalid", badType, append(attributeForm("a", "String.", "StringValue", "v"), bare, "")},
		{"attribute: no value", "ParameterValueInvalid", "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'.", append(attributeForm("a", "String", "", ""), bare, "")},
		{"attribute: an empty value", "ParameterValueInvalid", "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'Number'.", append(attributeForm("a", "Number", "StringValue", ""), bare, "")},
		{"attribute: an empty binary", "ParameterValueInvalid", "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'Binary'.", append(attributeForm("a", "Binary", "BinaryValue", ""), bare, "")},
		{"attribute: a text as binary", "ParameterValueInvalid", "The message attribute 'a' with type 'Binary' must use field 'Binary'.", append(attributeForm("a", "Binary", "StringValue", "v"), bare, "")},
		{"attribute: a binary as text", "ParameterValueInvalid", "The message attribute 'a' with type 'String.Array' must use field 'String'.", append(attributeForm("a", "String.Array", "BinaryValue", "dg=="), bare, "")},
		{"attribute: a binary number", "ParameterValueInvalid", "The message attribute 'a' with type 'Number' must use field 'String'.", append(attributeForm("a", "Number", "BinaryValue", "dg=="), bare, "")},
		{"attribute: a long name", "ParameterValueInvalid", "Length of message attribute name must be less than 256 bytes.", append(attributeForm(strings.Repeat("a", 257), "String", "StringValue", "v"), bare, "")},
		{"attribute: a strange name", "ParameterValueInvalid", "Invalid non-alphanumeric character '#x5E' " + nameChars, append(attributeForm("a^b", "String", "StringValue", "v"), bare, "")},
		{"attribute: another script", "ParameterValueInvalid", "Invalid non-alphanumeric character '#xE9' " + nameChars, append(attributeForm("é", "String", "StringValue", "v"), bare, "")},
		{"attribute: a dot before", "ParameterValueInvalid", "Invalid message attribute name starting with character '.' was found.", append(attributeForm(".a", "String", "StringValue", "v"), bare, "")},
		{"attribute: a dot after", "ParameterValueInvalid", "Invalid message attribute name ending with character '.' was found.", append(attributeForm("a.", "String", "StringValue", "v"), bare, "")},
		{"attribute: two dots", "ParameterValueInvalid", "Message attribute name can not have successive '.' character.", append(attributeForm("a..b", "String", "StringValue", "v"), bare, "")},
	} {
		if n := len(c.pairs); c.pairs[n-2] == bare {
			c.pairs = append(c.pairs[:n-2], "TopicArn", topicARN+"t", "Message", "x")
		}
		want := reply{Status: 400, Code: c.code, Message: c.text}
		if c.code == "NotFound" {
			want.Status = 404
		}
		if d := cmp.Diff(want, p.call("Publish", c.pairs...)); d != "" {
			t.Errorf("%s:\n%s", c.rule, d)
		}
	}
	if len(p.published)+len(p.texts) > 0 {
		t.Errorf("published %+v, %q", p.published, p.texts)
	}
}

// What is right is handed over as it came.
func TestPublish(t *testing.T) {
	p := printing(t)
	for _, c := range []struct {
		rule  string
		want  topic.Message
		pairs []string
	}{
		{"a body", topic.Message{Body: "hello"}, []string{"TopicArn", topicARN + "t", "Message", "hello"}},
		{"to a target", topic.Message{Body: "hello"}, []string{"TargetArn", topicARN + "t", "Message", "hello"}},
		{"a body with a structure that means nothing", topic.Message{Body: "hello"}, []string{"TopicArn", topicARN + "t", "Message", "hello", "MessageStructure", "string"}},
		{"a subject of 100 characters", topic.Message{Body: " ", Subject: strings.Repeat("ü", 100)}, []string{"TopicArn", topicARN + "t", "Message", " ", "Subject", strings.Repeat("ü", 100)}},
		{"as long as can be, the subject aside", topic.Message{Body: strings.Repeat("x", 262144), Subject: "long"}, []string{"TopicArn", topicARN + "t", "Message", strings.Repeat("x", 262144), "Subject", "long"}},
		{"as long as can be of a big topic", topic.Message{Body: strings.Repeat("x", 1048576)}, []string{"TopicArn", topicARN + "big", "Message", strings.Repeat("x", 1048576)}},
		{"as long as can be with an attribute", topic.Message{Body: strings.Repeat("x", 1024-8), Attributes: []queue.Attribute{{Name: "a", DataType: "String", Value: []byte("v")}}},
			append(attributeForm("a", "String", "StringValue", "v"), "TopicArn", topicARN+"small", "Message", strings.Repeat("x", 1024-8))},
		{"attributes", topic.Message{Body: "x", Attributes: []queue.Attribute{{Name: "AWS.SNS.SMS.SenderID", DataType: "String.Array", Value: []byte(`["a",1]`)}, {Name: "b", DataType: "Binary.png", Value: []byte{0xff}}}},
			append(attributeForm("b", "Binary.png", "BinaryValue", "/w=="), "MessageAttributes.entry.2.Name", "AWS.SNS.SMS.SenderID", "MessageAttributes.entry.2.Value.DataType", "String.Array", "MessageAttributes.entry.2.Value.StringValue", `["a",1]`,
				"TopicArn", topicARN+"t", "Message", "x")},
		{"a body each", topic.Message{Body: `{"default":"d","sqs":"","sqs":"q","http":1,"lambda":null}`, ByProtocol: map[string]string{"default": "d", "sqs": "q"}},
			[]string{"TopicArn", topicARN + "t", "Message", `{"default":"d","sqs":"","sqs":"q","http":1,"lambda":null}`, "MessageStructure", "json"}},
		{"a group on a standard topic", topic.Message{Body: "x", GroupID: "g!~"}, []string{"TopicArn", topicARN + "t", "Message", "x", "MessageGroupId", "g!~"}},
		{"a FIFO topic", topic.Message{Body: "x", GroupID: "g", DedupID: strings.Repeat("d", 128)}, []string{"TopicArn", topicARN + "o.fifo", "Message", "x", "MessageGroupId", "g", "MessageDeduplicationId", strings.Repeat("d", 128)}},
		{"a FIFO topic that deduplicates by content", topic.Message{Body: "x", GroupID: "g"}, []string{"TopicArn", topicARN + "c.fifo", "Message", "x", "MessageGroupId", "g"}},
		{"bytes that are no text", topic.Message{Body: "a\uFFFDb"}, []string{"TopicArn", topicARN + "t", "Message", "a\xffb"}},
	} {
		p.published = nil
		want := reply{Status: 200, MessageID: "message-1"}
		if c.want.GroupID != "" {
			want.Sequence = "10000000000000000001"
		}
		if d := cmp.Diff(want, p.call("Publish", c.pairs...)); d != "" {
			t.Errorf("%s:\n%s", c.rule, d)
			continue
		}
		if d := cmp.Diff([]topic.Message{c.want}, p.published); d != "" {
			t.Errorf("%s:\n%s", c.rule, d)
		}
	}
}

// The trace header of the request goes with the message.
func TestPublishTrace(t *testing.T) {
	p := printing(t)
	const header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	form := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {topicARN + "t"}, "Message": {"x"}}
	p.send(form, http.Header{"X-Amzn-Trace-Id": {header}})
	if len(p.published) != 1 || p.published[0].TraceHeader != header {
		t.Errorf("published %+v", p.published)
	}
}

func TestPublishText(t *testing.T) {
	p := printing(t)
	for _, pairs := range [][]string{
		{"PhoneNumber", "+4930123456", "Message", "hello"},
		{"PhoneNumber", "+4930123456", "Message", `{"default":"` + strings.Repeat("x", 1601) + `","sms":"short"}`, "MessageStructure", "json"},
	} {
		if d := cmp.Diff(reply{Status: 200, MessageID: "text"}, p.call("Publish", pairs...)); d != "" {
			t.Error(d)
		}
	}
	if len(p.texts) != 2 || p.texts[0] != account+" "+region+" +4930123456 hello" {
		t.Errorf("texts %q", p.texts)
	}
}

// What the topics say is told in SNS's words: a key that does not work is KMS's error,
// what nobody named is ours.
func TestPublishFailures(t *testing.T) {
	p := printing(t)
	for _, c := range []struct {
		err    error
		code   string
		status int
	}{
		{keys.ErrDisabled, "KMSDisabled", 400},
		{keys.ErrNotFound, "KMSNotFound", 400},
		{keys.ErrState, "KMSInvalidState", 400},
		{keys.ErrAccess, "KMSAccessDenied", 400},
		{fault.New(fault.NotFound, "no topic"), "NotFound", 404},
		{errors.New("a secret of ours"), "InternalFailure", 500},
	} {
		p.press.err = nil
		p.each = c.err
		single := p.call("Publish", "TopicArn", topicARN+"t", "Message", "fail")
		p.press.err = c.err
		whole := p.call("PublishBatch", batch("x")...)
		for _, a := range []reply{single, whole} {
			if a.Code != c.code || a.Status != c.status || strings.Contains(a.Message, "secret") {
				t.Errorf("%v: got %+v, want %s", c.err, a, c.code)
			}
		}
		if c.status >= 500 {
			continue
		}
		p.press.err = nil
		a := p.call("PublishBatch", batch("x", "fail", "y")...)
		if len(a.Successful) != 2 || len(a.Failed) != 1 || a.Failed[0].ID != "e2" || a.Failed[0].Code != c.code || !a.Failed[0].Fault {
			t.Errorf("%v in a batch: %+v", c.err, a)
		}
	}
	p.press.err, p.each = nil, errors.New("a secret of ours")
	a := p.call("PublishBatch", batch("x", "fail")...)
	if len(a.Failed) != 1 || a.Failed[0].Code != "InternalError" || a.Failed[0].Fault || strings.Contains(a.Failed[0].Text, "secret") {
		t.Errorf("an error of ours in a batch: %+v", a)
	}
}

// batch is a batch of bodies to t, with the ids e1, e2, ….
func batch(bodies ...string) []string {
	pairs := []string{"TopicArn", topicARN + "t"}
	for i, body := range bodies {
		pairs = append(pairs, member(i+1, "Id"), fmt.Sprint("e", i+1), member(i+1, "Message"), body)
	}
	return pairs
}

func member(i int, name string) string {
	return fmt.Sprintf("PublishBatchRequestEntries.member.%d.%s", i, name)
}

// What fails a whole batch.
func TestPublishBatchRefusals(t *testing.T) {
	p := printing(t)
	with := func(pairs []string, more ...string) []string { return append(slices.Clone(pairs), more...) }
	half := strings.Repeat("x", 131072)
	const noType = "1 validation error detected: Value null at 'publishBatchRequestEntries.2.member.messageAttributes.a.member.dataType' failed to satisfy constraint: Member must not be null"
	for _, c := range []struct {
		rule, code, text string
		pairs            []string
	}{
		{"no topic", "NotFound", "Topic does not exist", with(batch("x"), "TopicArn", topicARN+"nowhere")},
		{"no entries", "EmptyBatchRequest", "The batch request doesn't contain any entries.", []string{"TopicArn", topicARN + "t", "PublishBatchRequestEntries", ""}},
		{"no parameter of entries", "ValidationError", "1 validation error detected: Value null at 'publishBatchRequestEntries' failed to satisfy constraint: Member must not be null", []string{"TopicArn", topicARN + "t"}},
		{"eleven", "TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.", batch("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k")},
		{"an id twice", "BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.", with(batch("x", "y"), member(2, "Id"), "e1")},
		{"a strange id", "InvalidBatchEntryId", "The Id of a batch entry in the batch request contains an impermissible character: a.b", with(batch("x"), member(1, "Id"), "a.b")},
		{"an empty id", "InvalidBatchEntryId", "The Id of a batch entry in the batch request contains an impermissible character: ", with(batch("x"), member(1, "Id"), "")},
		{"a long id", "InvalidBatchEntryId", "The Id of a batch entry in the batch request is too long: " + strings.Repeat("a", 81), with(batch("x"), member(1, "Id"), strings.Repeat("a", 81))},
		{"too long together", "BatchRequestTooLong", "The length of all the messages put together is more than the limit.", batch(half, half, "x")},
		{"too long alone", "BatchRequestTooLong", "The length of all the messages put together is more than the limit.", batch(half+half+"x", "x")},
		{"an attribute without a type", "ValidationError", noType, with(batch("x", "y"), member(2, "MessageAttributes.entry.1.Name"), "a", member(2, "MessageAttributes.entry.1.Value.StringValue"), "v")},
		{"an attribute without a value", "ParameterValueInvalid", "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'.",
			with(batch("x", "y"), member(2, "MessageAttributes.entry.1.Name"), "a", member(2, "MessageAttributes.entry.1.Value.DataType"), "String")},
		{"FIFO: no group", "InvalidParameter", "Invalid parameter: The MessageGroupId parameter is required for FIFO topics", with(batch("x", "y"), "TopicArn", topicARN+"c.fifo", member(1, "MessageGroupId"), "g")},
		{"FIFO: no deduplication", "InvalidParameter", "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
			with(batch("x"), "TopicArn", topicARN+"o.fifo", member(1, "MessageGroupId"), "g")},
		{"standard: a deduplication id", "InvalidParameter", "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type",
			with(batch("x", "y"), member(2, "MessageDeduplicationId"), "d")},
	} {
		want := reply{Status: 400, Code: c.code, Message: c.text}
		if c.code == "NotFound" {
			want.Status = 404
		}
		if d := cmp.Diff(want, p.call("PublishBatch", c.pairs...)); d != "" {
			t.Errorf("%s:\n%s", c.rule, d)
		}
	}
	if len(p.published) > 0 {
		t.Errorf("published %+v", p.published)
	}
}

// Entries that are wrong fail alone, the others are published in their order.
func TestPublishBatch(t *testing.T) {
	p := printing(t)
	pairs := append(batch("a", "", "c", "d", "{}"),
		"TopicArn", topicARN+"c.fifo", member(3, "Subject"), "two\nlines", member(5, "MessageStructure"), "json")
	for i := range 5 {
		pairs = append(pairs, member(i+1, "MessageGroupId"), "g")
	}
	want := reply{
		Status: 200,
		Successful: []entryAnswer{
			{ID: "e1", Message: "message-1", Sequence: "10000000000000000001"},
			{ID: "e4", Message: "message-2", Sequence: "10000000000000000002"},
		},
		Failed: []entryAnswer{
			{ID: "e2", Code: "InvalidParameter", Text: "Invalid parameter: Empty message", Fault: true},
			{ID: "e3", Code: "InvalidParameter", Text: "Invalid parameter: Subject", Fault: true},
			{ID: "e5", Code: "InvalidParameter", Text: "Invalid parameter: Message Structure - No default entry in JSON message body", Fault: true},
		},
	}
	if d := cmp.Diff(want, p.call("PublishBatch", pairs...)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]topic.Message{{Body: "a", GroupID: "g"}, {Body: "d", GroupID: "g"}}, p.published); d != "" {
		t.Error(d)
	}
	p.published = nil
	if a := p.call("PublishBatch", batch("", "")...); a.Status != 200 || len(a.Failed) != 2 || len(p.published) > 0 {
		t.Errorf("nothing but bad entries: %+v", a)
	}
}

// Both lists are in each answer, as programs expect that look for failures.
func TestPublishBatchAnswersBothLists(t *testing.T) {
	p := printing(t)
	form := url.Values{"Action": {"PublishBatch"}, "Version": {"2010-03-31"}}
	for body, empty := range map[string]string{"x": "<Failed></Failed>", "": "<Successful></Successful>"} {
		pairs := batch(body)
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		if _, got := p.handle(form, nil); !strings.Contains(string(got), empty) {
			t.Errorf("%q: no %s in %s", body, empty, got)
		}
	}
}

// The topic's policy is asked for Publish, by both operations.
func TestPublishAuthorization(t *testing.T) {
	p := printing(t)
	entry := []string{"Message", "x", member(1, "Id"), "a", member(1, "Message"), "x"}
	for _, c := range []struct {
		rule, topic string
		header      http.Header
		want        int
	}{
		{"the owner", "t", nil, 200},
		{"a stranger", "t", http.Header{"Authorization": {signature(stranger)}}, 403},
		{"a stranger who may", "shared", http.Header{"Authorization": {signature(stranger)}}, 200},
		{"nobody", "shared", http.Header{"Authorization": nil}, 403},
	} {
		for _, action := range []string{"Publish", "PublishBatch"} {
			form := url.Values{"Action": {action}, "Version": {"2010-03-31"}, "TopicArn": {topicARN + c.topic}}
			for i := 0; i < len(entry); i += 2 {
				form.Set(entry[i], entry[i+1])
			}
			a := p.send(form, c.header)
			if a.Status != c.want || c.want == 403 && a.Code != "AuthorizationError" {
				t.Errorf("%s, %s: %+v, want %d", c.rule, action, a, c.want)
			}
		}
	}
	if len(p.published) != 4 {
		t.Errorf("published %+v", p.published)
	}
	form := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "PhoneNumber": {"+4930123456"}, "Message": {"x"}}
	if a := p.send(form, http.Header{"Authorization": nil}); a.Status != 403 || len(p.texts) > 0 {
		t.Errorf("a text of nobody: %+v", a)
	}
}
