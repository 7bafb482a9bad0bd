package sns

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/kit"
)

// maxSubject is in characters.
const maxSubject = 100

// A draft is a message as a request gives it, single or in a batch.
type draft struct {
	body           *string
	subject        *string
	structure      *string
	attributes     map[string]*api.MessageAttributeValue
	group, dedupID *string
}

// read makes the message of a draft, and checks its attributes: what is wrong with
// those fails a whole batch.
func (d *draft) read(traceHeader string) (m topic.Message, err error) {
	m = topic.Message{
		Subject: text(kit.Value(d.subject)), Body: text(kit.Value(d.body)),
		GroupID: kit.Value(d.group), DedupID: kit.Value(d.dedupID),
		TraceHeader: traceHeader,
	}
	m.Attributes, err = attributes(d.attributes)
	return m, err
}

// message makes the message of a draft of at most max bytes.
func (d *draft) message(traceHeader string, max int) (topic.Message, error) {
	m, err := d.read(traceHeader)
	switch {
	case err != nil:
		return m, err
	case m.Bytes() > max:
		return m, tooLong()
	}
	return m, d.check(&m)
}

func tooLong() error { return invalid("Message too long") }

// check checks the subject and the body of m, which is the draft's message, and gives
// every protocol its body. An entry of a batch fails alone for it.
func (d *draft) check(m *topic.Message) error {
	if d.subject != nil && !isSubject(m.Subject) {
		return invalid("Subject")
	}
	if m.Body == "" {
		return invalid("Empty message")
	}
	// The API's only value is json. All others mean nothing: "string", which stands in
	// examples of SDKs, is in many programs.
	if kit.Value(d.structure) != "json" {
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(m.Body), &members) != nil || members == nil {
		return invalid("Message Structure - JSON message body failed to parse")
	}
	m.ByProtocol = make(map[string]string, len(members))
	for name, raw := range members {
		var body *string
		if json.Unmarshal(raw, &body) == nil && body != nil { // others are as if they were not there
			m.ByProtocol[name] = *body
		}
	}
	if _, ok := m.ByProtocol["default"]; !ok {
		return invalid("Message Structure - No default entry in JSON message body")
	}
	return nil
}

// checkIDs checks the ids that FIFO topics need and standard ones may have.
func (d *draft) checkIDs(t *topic.Topic) error {
	if err := checkID("MessageGroupId", d.group); err != nil {
		return err
	}
	if err := checkID("MessageDeduplicationId", d.dedupID); err != nil {
		return err
	}
	switch fifo := t.FIFO(); {
	case fifo && d.group == nil:
		return invalid("The MessageGroupId parameter is required for FIFO topics")
	case fifo && d.dedupID == nil && t.Attributes[topic.ContentDedup] != "true":
		return invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case !fifo && d.dedupID != nil:
		return invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	}
	return nil
}

// checkID checks a group or deduplication id, if there is one: 1 to 128 letters, digits
// and ASCII punctuation.
func checkID(name string, id *string) error {
	if id == nil {
		return nil
	}
	if len(*id) == 0 || len(*id) > 128 || strings.ContainsFunc(*id, func(r rune) bool { return r < '!' || r > '~' }) {
		return invalid("%s Reason: can only include alphanumeric and punctuation characters, 1 to 128 in length", name)
	}
	return nil
}

// isSubject tells a subject: 1 to 100 characters, none of them a line break or a control
// character (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
func isSubject(s string) bool {
	n := utf8.RuneCountInString(s)
	return 1 <= n && n <= maxSubject &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' })
}

// text replaces bytes that are not UTF-8, as AWS's decoder of requests does: documents
// of subscribers could not hold them.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
