package sqs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"millrace/runtime/digest"
	"millrace/runtime/queue"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
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
// FIFO ids, what the queue's type forbids) and makes the message.
//
// whole says that the error concerns a whole batch and not this entry alone.
func (d draft) message(c identity.Caller, id queue.ID, cfg queue.Config) (m queue.Message, bytes int, whole bool, err error) {
	m.Body = value(d.body)
	if m.Body == "" {
		return m, 0, true, missingParam("MessageBody")
	}
	m.Attributes, err = attributes(d.attributes)
	bytes = len(m.Body)
	for _, a := range m.Attributes {
		bytes += len(a.Name) + len(a.DataType) + len(a.Value)
	}
	if bytes > cfg.MaxBytes {
		return m, bytes, false, tooLong(cfg.MaxBytes, "are invalid")
	}
	if !validText(m.Body) {
		return m, bytes, false, invalidCharacters()
	}
	if err != nil {
		return m, bytes, false, err
	}
	if m.TraceHeader, err = traceHeader(c, d.system); err != nil {
		return m, bytes, false, err
	}
	m.SenderID = senderID(c)
	whole, err = d.route(id, cfg, &m)
	return m, bytes, whole, err
}

// route checks and sets what depends on the queue's type: delay, group and
// deduplication.
func (d draft) route(id queue.ID, cfg queue.Config, m *queue.Message) (whole bool, err error) {
	if n := value(d.delay); n < 0 || n > 900 {
		return false, invalidParam("DelaySeconds", n, "DelaySeconds must be >= 0 and <= 900.")
	}
	for name, p := range map[string]*string{"MessageGroupId": d.group, "MessageDeduplicationId": d.dedupID} {
		if p != nil {
			if err := checkID(name, *p); err != nil {
				return false, err
			}
		}
	}
	m.GroupID, m.DedupID = value(d.group), value(d.dedupID)
	const otherType = "The request include parameter that is not valid for this queue type."
	if !id.FIFO() {
		if d.dedupID != nil {
			return false, invalidParam("MessageDeduplicationId", m.DedupID, otherType)
		}
		if d.delay != nil {
			delay := time.Duration(*d.delay) * time.Second
			m.Delay = &delay
		}
		return false, nil
	}
	switch {
	case d.group == nil:
		return true, missingParam("MessageGroupId")
	case d.dedupID == nil && !cfg.ContentDedup:
		return true, invalidValue("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case value(d.delay) > 0:
		return false, invalidParam("DelaySeconds", *d.delay, otherType)
	}
	return false, nil
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
	a := queue.Attribute{Name: name, DataType: value(v.DataType), Value: v.BinaryValue}
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
	if base != "Binary" && !validText(*v.StringValue) {
		return a, invalidValue("%s", invalidCharacters().Message)
	}
	if base == "Number" && !isNumber(*v.StringValue) {
		return a, invalidValue("Can't cast the value of message (user) attribute '%s' to a number.", name)
	}
	return a, nil
}

// traceHeader takes AWSTraceHeader, the one system attribute that a sender may
// set; the HTTP header X-Amzn-Trace-Id means the same.
func traceHeader(c identity.Caller, system map[string]*api.MessageSystemAttributeValue) (string, error) {
	for name, v := range system {
		if name != "AWSTraceHeader" {
			return "", invalidValue("Message system attribute name '%s' is invalid.", name)
		}
		if v == nil || value(v.DataType) != "String" {
			return "", invalidValue("Message system attribute 'AWSTraceHeader' must have the type String.")
		}
		if value(v.StringValue) == "" {
			return "", invalidValue("Message (system) attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'.")
		}
		return *v.StringValue, nil
	}
	return c.TraceHeader, nil
}

// systemDigest is the MD5 of the system attributes that a request gave.
func systemDigest(system map[string]*api.MessageSystemAttributeValue) *string {
	var all []queue.Attribute
	for name, v := range system {
		all = append(all, queue.Attribute{Name: name, DataType: value(v.DataType), Value: []byte(value(v.StringValue))})
	}
	return optional(digest.Attributes(all))
}

// senderID is the caller's principal: the account stands for its root, any
// other access key for itself.
func senderID(c identity.Caller) string {
	if c.AccessKey == "" {
		return c.Account
	}
	return c.AccessKey
}

// answer renders a delivery for ReceiveMessage: the parts that were asked for.
func answer(m queue.Received, wantUser, wantSystem func(string) bool) *api.Message {
	out := &api.Message{
		MessageId:     &m.MessageID,
		ReceiptHandle: &m.ReceiptHandle,
		MD5OfBody:     ptr(digest.Body(m.Body)),
		Body:          &m.Body,
	}
	var chosen []queue.Attribute
	for _, a := range m.Attributes {
		if wantUser(a.Name) {
			chosen = append(chosen, a)
		}
	}
	if len(chosen) > 0 {
		out.MD5OfMessageAttributes = ptr(digest.Attributes(chosen))
		out.MessageAttributes = make(map[string]*api.MessageAttributeValue, len(chosen))
		for _, a := range chosen {
			v := &api.MessageAttributeValue{DataType: ptr(a.DataType)}
			if strings.HasPrefix(a.DataType, "Binary") {
				v.BinaryValue = a.Value
			} else {
				v.StringValue = ptr(string(a.Value))
			}
			out.MessageAttributes[a.Name] = v
		}
	}
	set := func(name, text string) {
		if text != "" && wantSystem(name) {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = text
		}
	}
	set("SenderId", m.SenderID)
	set("SentTimestamp", millis(m.Sent))
	set("ApproximateReceiveCount", fmt.Sprint(m.Receives))
	set("ApproximateFirstReceiveTimestamp", millis(m.FirstReceived))
	set("SequenceNumber", m.SequenceNumber)
	set("MessageDeduplicationId", m.DedupID)
	set("MessageGroupId", m.GroupID)
	set("AWSTraceHeader", m.TraceHeader)
	set("DeadLetterQueueSourceArn", m.DeadLetterSource)
	return out
}

func millis(t time.Time) string { return fmt.Sprint(t.UnixMilli()) }

// userFilter understands MessageAttributeNames: All, .* and * mean all, a name
// ending in .* all that start so, everything else itself.
func userFilter(names []string) func(string) bool {
	return func(name string) bool {
		for _, n := range names {
			if n == "All" || n == ".*" || n == "*" || n == name {
				return true
			}
			if prefix, ok := strings.CutSuffix(n, ".*"); ok && strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return false
	}
}

// systemFilter joins the deprecated AttributeNames with its successor. The
// query protocol lets the older one win where both are given.
func systemFilter(older, newer []string, query bool) func(string) bool {
	names := slices.Concat(older, newer)
	if query && len(older) > 0 {
		names = older
	}
	return func(name string) bool { return slices.Contains(names, name) || slices.Contains(names, "All") }
}
