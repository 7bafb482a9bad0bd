package sqs

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/queue/digest"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// A draft is a message as a request gives it, single or in a batch.
type draft struct {
	body           *string
	delay          *int32
	attributes     map[string]*api.MessageAttributeValue
	system         map[string]*api.MessageSystemAttributeValue
	group, dedupID *string
}

// message checks a draft in AWS's order (body, size, characters, attributes,
// FIFO ids, what the queue's type forbids) and makes the message. bytes is its
// size, also of one that is wrong.
func (d draft) message(c identity.Caller, id queue.ID, cfg queue.Config) (m queue.Message, bytes int, err error) {
	m.Body = kit.Value(d.body)
	if m.Body == "" {
		return m, 0, missingParam("MessageBody")
	}
	m.Attributes, err = attributes(d.attributes)
	bytes = len(m.Body)
	for _, a := range m.Attributes {
		bytes += len(a.Name) + len(a.DataType) + len(a.Value)
	}
	if bytes > cfg.MaxBytes {
		return m, bytes, tooLong(cfg.MaxBytes, "are invalid")
	}
	if c, bad := badCharacter(m.Body); bad {
		return m, bytes, invalidCharacter(c)
	}
	if err != nil {
		return m, bytes, err
	}
	if m.TraceHeader, err = traceHeader(c, d.system); err != nil {
		return m, bytes, err
	}
	m.SenderID, m.MD5 = senderID(c), digest.Sum(m.Body)
	return m, bytes, d.route(id, cfg, &m)
}

// route checks and sets what depends on the queue's type: delay, group and
// deduplication.
func (d draft) route(id queue.ID, cfg queue.Config, m *queue.Message) error {
	if n := kit.Value(d.delay); n < 0 || n > 900 {
		return invalidParam("DelaySeconds", n, "DelaySeconds must be >= 0 and <= 900.")
	}
	if err := checkID("MessageGroupId", d.group); err != nil {
		return err
	}
	if err := checkID("MessageDeduplicationId", d.dedupID); err != nil {
		return err
	}
	m.GroupID, m.DedupID = kit.Value(d.group), kit.Value(d.dedupID)
	switch fifo := id.FIFO(); {
	case !fifo && d.dedupID != nil:
		return invalidParam("MessageDeduplicationId", m.DedupID, otherType)
	case !fifo && d.delay != nil:
		m.Delay = new(time.Duration(*d.delay) * time.Second)
	case fifo && d.group == nil:
		return missingParam("MessageGroupId")
	case fifo && d.dedupID == nil && !cfg.ContentDedup:
		return noDedupID()
	case fifo && kit.Value(d.delay) > 0:
		return invalidParam("DelaySeconds", *d.delay, otherType)
	}
	return nil
}

const otherType = "The request include parameter that is not valid for this queue type."

func noDedupID() *wire.Error {
	return invalidValue("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
}

// tooLong takes the verb that AWS varies between single sends and batches.
func tooLong(limit int, verb string) *wire.Error {
	return invalidValue("One or more parameters %s. Reason: Message must be shorter than %d bytes.", verb, limit)
}

// attributes checks message attributes and puts them in the order of their
// names. They are returned whole even with an error: their size is checked first.
func attributes(in map[string]*api.MessageAttributeValue) (all []queue.Attribute, err error) {
	if len(in) == 0 {
		return nil, nil
	}
	if len(in) > 10 {
		err = invalidValue("Number of message attributes [%d] exceeds the allowed maximum [10].", len(in))
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		a, e := attribute(name, in[name])
		if err == nil {
			err = e
		}
		all = append(all, a)
	}
	return all, err
}

func attribute(name string, v *api.MessageAttributeValue) (queue.Attribute, error) {
	if v == nil {
		v = &api.MessageAttributeValue{}
	}
	a := queue.Attribute{Name: name, DataType: kit.Value(v.DataType), Value: v.BinaryValue}
	if v.StringValue != nil {
		a.Value = []byte(*v.StringValue)
	}
	if err := checkAttributeName(name); err != nil {
		return a, err
	}
	if len(v.StringListValues)+len(v.BinaryListValues) > 0 {
		return a, invalidValue("Message attribute list values in SendMessage operation are not supported.")
	}
	base, err := checkAttributeType(name, a.DataType)
	if err != nil {
		return a, err
	}
	if len(a.Value) == 0 || (base == "Binary") != (v.StringValue == nil) {
		return a, invalidValue("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, pick(base == "Binary", "Binary", "String"))
	}
	if base != "Binary" {
		if _, bad := badCharacter(*v.StringValue); bad {
			return a, invalidValue("Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
		}
	}
	if base == "Number" && !isNumber(*v.StringValue) {
		return a, invalidValue("Can't cast the value of message (user) attribute '%s' to a number.", name)
	}
	return a, nil
}

// traceHeader takes AWSTraceHeader, the one system attribute that a sender may
// set; the HTTP header X-Amzn-Trace-Id means the same.
func traceHeader(c identity.Caller, system map[string]*api.MessageSystemAttributeValue) (string, error) {
	for name := range system {
		if name != "AWSTraceHeader" {
			return "", invalidValue("Message system attribute name '%s' is invalid.", name)
		}
	}
	v, given := system["AWSTraceHeader"]
	switch {
	case !given:
		return c.TraceHeader, nil
	case v == nil || kit.Value(v.DataType) != "String":
		return "", invalidValue("Message system attribute 'AWSTraceHeader' must have the type String.")
	case kit.Value(v.StringValue) == "":
		return "", invalidValue("Message (system) attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'.")
	}
	return *v.StringValue, nil
}

// systemDigest is the MD5 of the system attributes that a request gave.
func systemDigest(system map[string]*api.MessageSystemAttributeValue) *string {
	var all []queue.Attribute
	for name, v := range system {
		all = append(all, queue.Attribute{Name: name, DataType: kit.Value(v.DataType), Value: []byte(kit.Value(v.StringValue))})
	}
	return kit.Optional(digest.Attributes(all))
}

// senderID is the caller's principal: what GetCallerIdentity says is its UserId.
// The account's number stands for its root.
func senderID(c identity.Caller) string {
	if c.Session != nil {
		return c.Session.UserID
	}
	return c.Account
}

// answer renders a delivery for ReceiveMessage: the parts that were asked for.
func answer(m *queue.ReceivedMessage, user, system []string) *api.Message {
	out := &api.Message{
		MessageId:     &m.MessageID,
		ReceiptHandle: &m.ReceiptHandle,
		MD5OfBody:     new(digest.Body(&m.Message)),
		Body:          &m.Body,
	}
	var chosen []queue.Attribute
	for _, a := range m.Attributes {
		if wanted(user, a.Name) {
			chosen = append(chosen, a)
		}
	}
	if len(chosen) > 0 {
		out.MD5OfMessageAttributes = new(digest.Attributes(chosen))
		out.MessageAttributes = make(map[string]*api.MessageAttributeValue, len(chosen))
		for _, a := range chosen {
			v := &api.MessageAttributeValue{DataType: new(a.DataType)}
			if strings.HasPrefix(a.DataType, "Binary") {
				v.BinaryValue = a.Value
			} else {
				v.StringValue = new(string(a.Value))
			}
			out.MessageAttributes[a.Name] = v
		}
	}
	if len(system) > 0 {
		out.Attributes = systemAttributes(m, system)
	}
	return out
}

// systemAttributes are those of the given names, or All, that the message has.
func systemAttributes(m *queue.ReceivedMessage, names []string) map[string]string {
	all := make(map[string]string, 8)
	every := slices.Contains(names, "All")
	for _, a := range [...]struct{ name, text string }{
		{"SenderId", m.SenderID},
		{"SentTimestamp", millis(m.Sent)},
		{"ApproximateReceiveCount", strconv.Itoa(m.Receives)},
		{"ApproximateFirstReceiveTimestamp", millis(m.FirstReceived)},
		{"SequenceNumber", m.SequenceNumber},
		{"MessageDeduplicationId", m.DedupID},
		{"MessageGroupId", m.GroupID},
		{"AWSTraceHeader", m.TraceHeader},
		{"DeadLetterQueueSourceArn", m.DeadLetterSource},
	} {
		if a.text != "" && (every || slices.Contains(names, a.name)) {
			all[a.name] = a.text
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// wanted understands MessageAttributeNames: All, .* and * mean all, a name
// ending in .* all that start so, everything else itself.
func wanted(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		prefix, isPrefix := strings.CutSuffix(n, ".*")
		return n == "All" || n == "*" || n == name || isPrefix && strings.HasPrefix(name, prefix)
	})
}

// systemNames joins the deprecated AttributeNames with its successor. The query
// protocol lets the older one win where both are given.
func systemNames(older, newer []string, query bool) []string {
	if query && len(older) > 0 {
		return older
	}
	return slices.Concat(older, newer)
}
