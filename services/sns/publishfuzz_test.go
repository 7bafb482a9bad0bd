package sns

import (
	"encoding/xml"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"millrace/runtime/queue"
	"millrace/runtime/topic"
)

// Whatever a stranger publishes is refused with an error of AWS's and goes nowhere, or is
// a message as the topics take it.
func FuzzPublish(f *testing.F) {
	const entry = "&PublishBatchRequestEntries.member.1."
	for _, c := range []struct{ topic, form string }{
		{"t", "Action=Publish&Message=x&Subject=s"},
		{"t", "Action=Publish&Message=%ff&MessageStructure=json&MessageGroupId=g"},
		{"small", "Action=Publish&Message=%7B%22default%22%3A%22d%22%2C%22sqs%22%3A1%7D&MessageStructure=json"},
		{"t", "Action=Publish&Message=x&MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value.DataType=Binary.x&MessageAttributes.entry.1.Value.BinaryValue=AA=="},
		{"t", "Action=Publish&Message=x&MessageAttributes.entry.2.Name=a..b&MessageAttributes.entry.2.Value.DataType=String&MessageAttributes.entry.2.Value.StringValue=v"},
		{"c.fifo", "Action=Publish&Message=x&MessageGroupId=g"},
		{"o.fifo", "Action=PublishBatch" + entry + "Id=a" + entry + "Message=x" + entry + "MessageGroupId=g" + entry + "MessageDeduplicationId=d"},
		{"t", "Action=PublishBatch" + entry + "Id=a" + entry + "Message=" + "&PublishBatchRequestEntries.member.2.Id=b&PublishBatchRequestEntries.member.2.Message=y"},
		{"t", "Action=PublishBatch&PublishBatchRequestEntries="},
		{"", "Action=Publish&Message=x&PhoneNumber=%2B4930123456"},
		{"", "Action=Publish&Message=x&TargetArn=a:b:c:d:e:endpoint/"},
	} {
		f.Add(c.topic, c.form)
	}
	p := printing(f)
	f.Fuzz(func(t *testing.T, name, query string) {
		form, err := url.ParseQuery(query)
		if action := form.Get("Action"); err != nil || action != "Publish" && action != "PublishBatch" {
			return
		}
		form.Set("Version", "2010-03-31")
		if name != "" {
			form.Set("TopicArn", topicARN+name)
		}
		p.published, p.texts = nil, nil
		status, body := p.handle(form, nil)
		var a reply
		if err := xml.Unmarshal(body, &a); err != nil || status >= 500 {
			t.Fatalf("answered %d, %s: %v", status, body, err)
		}
		if n := len(p.published) + len(p.texts); status != 200 && n > 0 {
			t.Errorf("refused with %d and published %d", status, n)
		}
		max := map[string]int{"small": 1024, "big": 1 << 20}[name]
		if max == 0 {
			max = 256 << 10
		}
		for _, m := range p.published {
			if problem := wrong(&m, max, strings.HasSuffix(name, ".fifo")); problem != "" {
				t.Errorf("%s: %+v", problem, m)
			}
		}
	})
}

// wrong says what a topic cannot take of a message; "" when it can.
func wrong(m *topic.Message, max int, fifo bool) string {
	_, isDefault := m.ByProtocol["default"]
	switch {
	case m.Body == "" || !utf8.ValidString(m.Body) || m.Bytes() > max:
		return "a bad body"
	case m.Subject != "" && !isSubject(m.Subject) || !utf8.ValidString(m.Subject):
		return "a bad subject"
	case m.ByProtocol != nil && !isDefault:
		return "no default"
	case fifo && m.GroupID == "":
		return "no group"
	case !fifo && m.DedupID != "":
		return "a deduplication id"
	case !slices.IsSortedFunc(m.Attributes, func(a, b queue.Attribute) int { return strings.Compare(a.Name, b.Name) }):
		return "attributes out of order"
	}
	for _, a := range m.Attributes {
		if a.Name == "" || len(a.Value) == 0 || !strings.HasPrefix(a.DataType, "Binary") && !utf8.Valid(a.Value) {
			return "a bad attribute"
		}
	}
	return ""
}
