package sqs

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/runtime/queue"
)

// The attributes that are kept as the texts they came as.
const (
	policy        = "Policy"
	redrive       = "RedrivePolicy"
	redriveAllow  = "RedriveAllowPolicy"
	kmsKey        = "KmsMasterKeyId"
	kmsReuse      = "KmsDataKeyReusePeriodSeconds"
	sse           = "SqsManagedSseEnabled"
	kmsReuseUsual = "300"
)

// numbers are the attributes that are whole numbers, with their ranges.
var numbers = map[string]struct {
	min, max int
	field    func(*queue.Config) any // *time.Duration in seconds, or *int
}{
	"DelaySeconds":                  {0, 900, func(c *queue.Config) any { return &c.Delay }},
	"MaximumMessageSize":            {1024, 1 << 20, func(c *queue.Config) any { return &c.MaxBytes }},
	"MessageRetentionPeriod":        {60, 1209600, func(c *queue.Config) any { return &c.Retention }},
	"ReceiveMessageWaitTimeSeconds": {0, 20, func(c *queue.Config) any { return &c.Wait }},
	"VisibilityTimeout":             {0, 43200, func(c *queue.Config) any { return &c.Visibility }},
}

// counters and facts that every queue has and nobody may set.
var readOnly = []string{
	"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible",
	"CreatedTimestamp", "LastModifiedTimestamp", "QueueArn",
}

// fresh is the configuration of a queue created with no attributes.
func fresh(now time.Time) queue.Config {
	return queue.Config{
		Visibility: 30 * time.Second,
		Retention:  4 * 24 * time.Hour,
		MaxBytes:   1 << 20,
		Texts:      map[string]string{sse: "true"},
		Created:    now,
		Modified:   now,
	}
}

// apply sets the given attributes on c, all or none. redriveTarget checks that a
// dead-letter target exists and may be used.
func apply(c *queue.Config, id queue.ID, attrs map[string]string, redriveTarget func(target queue.ID) (allowed, exists bool)) error {
	next := *c
	next.Texts = maps.Clone(c.Texts)
	if next.Texts == nil {
		next.Texts = map[string]string{}
	}
	if attrs[kmsKey] != "" && isTrue(attrs[sse]) {
		return sender(400, "InvalidAttributeName", "",
			"You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
	}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		if err := applyOne(&next, id, name, attrs[name], redriveTarget); err != nil {
			return err
		}
	}
	// The reuse period goes with a key: it comes with one and leaves with it.
	switch {
	case next.Texts[kmsKey] == "":
		delete(next.Texts, kmsReuse)
	case next.Texts[kmsReuse] == "":
		next.Texts[kmsReuse] = kmsReuseUsual
	}
	if next.LimitPerGroup && !next.DedupByGroup {
		return badAttribute("FifoThroughputLimit")
	}
	*c = next
	return nil
}

func applyOne(c *queue.Config, id queue.ID, name, value string, redriveTarget func(queue.ID) (allowed, exists bool)) error {
	if n, ok := numbers[name]; ok {
		v, ok := wholeNumber(value, n.min, n.max)
		if !ok {
			return badAttribute(name)
		}
		switch f := n.field(c).(type) {
		case *time.Duration:
			*f = time.Duration(v) * time.Second
		case *int:
			*f = v
		}
		return nil
	}
	switch name {
	case policy:
		if value != "" && !isJSONMap(value) {
			return badAttribute(name)
		}
		setText(c, name, value)
	case redrive:
		target, err := parseRedrive(id, value, redriveTarget)
		if err != nil {
			return err
		}
		c.DeadLetter = target
		setText(c, name, value)
	case redriveAllow:
		if _, err := parseRedriveAllow(value); err != nil {
			return err
		}
		setText(c, name, value)
	case kmsKey:
		setText(c, name, value)
		c.Texts[sse] = "false"
	case kmsReuse:
		if _, ok := wholeNumber(value, 60, 86400); !ok {
			return badAttribute(name)
		}
		c.Texts[name] = value
	case sse:
		if !isBool(value) {
			return badAttribute(name)
		}
		c.Texts[name] = strings.ToLower(value)
		if isTrue(value) {
			delete(c.Texts, kmsKey)
		}
	default:
		return applyFIFO(c, id, name, value)
	}
	return nil
}

// applyFIFO sets the attributes that only FIFO queues have.
func applyFIFO(c *queue.Config, id queue.ID, name, value string) error {
	oneOf := func(set *bool, off, on string) error {
		if !id.FIFO() {
			return sender(400, "InvalidAttributeName", "", "You can specify the %s only when FifoQueue is set to true.", name)
		}
		if value != off && value != on {
			return badAttribute(name)
		}
		*set = value == on
		return nil
	}
	switch name {
	case "FifoQueue":
		switch {
		case !id.FIFO():
			return unknownAttribute(name)
		case !isBool(value):
			return badAttribute(name)
		case !isTrue(value):
			return sender(400, "InvalidAttributeValue", "", "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.")
		}
		return nil
	case "ContentBasedDeduplication":
		switch {
		case !id.FIFO():
			return unknownAttribute(name)
		case !isBool(value):
			return badAttribute(name)
		}
		c.ContentDedup = isTrue(value)
		return nil
	case "DeduplicationScope":
		return oneOf(&c.DedupByGroup, "queue", "messageGroup")
	case "FifoThroughputLimit":
		return oneOf(&c.LimitPerGroup, "perQueue", "perMessageGroupId")
	}
	return unknownAttribute(name)
}

func setText(c *queue.Config, name, value string) {
	if value == "" {
		delete(c.Texts, name)
		return
	}
	c.Texts[name] = value
}

// parseRedrive understands a RedrivePolicy; "" means none.
func parseRedrive(id queue.ID, value string, check func(queue.ID) (allowed, exists bool)) (*queue.DeadLetter, error) {
	if value == "" {
		return nil, nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(value), &fields) != nil || fields == nil {
		return nil, sender(400, "InvalidAttributeValue", "",
			"Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map.")
	}
	bad := func(reason string, args ...any) error {
		return invalidParam(redrive, value, fmt.Sprintf(reason, args...))
	}
	target, given := text(fields["deadLetterTargetArn"])
	if !given {
		return nil, bad("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	count, given := text(fields["maxReceiveCount"])
	if !given {
		return nil, bad("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	if len(fields) > 2 {
		return nil, bad("Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].")
	}
	max, ok := wholeNumber(count, 1, 1000)
	if !ok {
		return nil, bad("Invalid value for maxReceiveCount: %s, valid values are from 1 to 1000 both inclusive.", count)
	}
	dlq, ok := queue.IDFromARN(target)
	if !ok {
		return nil, bad("Only SQS queues are valid resources for deadLetterTargetArn.")
	}
	if dlq.Account != id.Account || dlq.Region != id.Region {
		return nil, bad("Dead letter target does not exist.")
	}
	allowed, exists := check(dlq)
	switch {
	case !exists:
		return nil, bad("Dead letter target does not exist.")
	case dlq.FIFO() != id.FIFO():
		return nil, bad("Dead-letter queue must be same type of queue as the source..")
	case !allowed:
		return nil, bad("Queue %s is not allowed to use this dead-letter queue by its redrive allow policy.", id.ARN())
	}
	return &queue.DeadLetter{Target: dlq, MaxReceives: max}, nil
}

// A redriveAllowance says which queues may use this one for their dead letters.
type redriveAllowance struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns"`
}

func (a redriveAllowance) allows(source queue.ID) bool {
	switch a.Permission {
	case "denyAll":
		return false
	case "byQueue":
		return slices.Contains(a.Sources, source.ARN().String())
	}
	return true
}

// parseRedriveAllow understands a RedriveAllowPolicy; "" allows all.
func parseRedriveAllow(value string) (a redriveAllowance, err error) {
	if value == "" {
		return a, nil
	}
	unsupported := sender(400, "InvalidAttributeValue", "",
		"Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format.")
	dec := json.NewDecoder(strings.NewReader(value))
	dec.DisallowUnknownFields()
	if dec.Decode(&a) != nil || !slices.Contains([]string{"allowAll", "denyAll", "byQueue"}, a.Permission) {
		return a, unsupported
	}
	bad := func(reason string) error {
		return invalidParam(redriveAllow, value, "Amazon SQS can't create the redrive allow policy. "+reason)
	}
	switch {
	case a.Permission == "byQueue" && len(a.Sources) == 0:
		return a, bad("When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.")
	case len(a.Sources) > 10:
		return a, bad("The maximum number of source queue ARNs you can specify is 10.")
	case a.Permission != "byQueue" && len(a.Sources) > 0:
		return a, bad("To specify one or more source queue ARNs, you must set redrivePermission to byQueue.")
	}
	return a, nil
}

// render returns all attributes that a queue shows.
func render(id queue.ID, c queue.Config, n queue.Counts) map[string]string {
	all := map[string]string{
		"ApproximateNumberOfMessages":           strconv.Itoa(n.Visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(n.InFlight),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(n.Delayed),
		"CreatedTimestamp":                      strconv.FormatInt(c.Created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(c.Modified.Unix(), 10),
		"QueueArn":                              id.ARN().String(),
	}
	maps.Copy(all, settings(id, c))
	return all
}

// settings returns the attributes that the owner may set, as they are now.
func settings(id queue.ID, c queue.Config) map[string]string {
	all := maps.Clone(c.Texts)
	for name, n := range numbers {
		switch f := n.field(&c).(type) {
		case *time.Duration:
			all[name] = strconv.Itoa(seconds(*f))
		case *int:
			all[name] = strconv.Itoa(*f)
		}
	}
	if id.FIFO() {
		all["FifoQueue"] = "true"
		all["ContentBasedDeduplication"] = strconv.FormatBool(c.ContentDedup)
		all["DeduplicationScope"] = pick(c.DedupByGroup, "messageGroup", "queue")
		all["FifoThroughputLimit"] = pick(c.LimitPerGroup, "perMessageGroupId", "perQueue")
	}
	return all
}

// difference returns the first of the given attributes that differs from what
// the queue has, or "".
func difference(id queue.ID, c queue.Config, attrs map[string]string) string {
	now := settings(id, c)
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		if slices.Contains(readOnly, name) {
			continue
		}
		if !sameValue(attrs[name], now[name]) {
			return name
		}
	}
	return ""
}

// sameValue compares attribute values by meaning: JSON texts as JSON, and
// booleans whatever their case.
func sameValue(a, b string) bool {
	if a == b || isBool(a) && strings.EqualFold(a, b) {
		return true
	}
	var x, y map[string]any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// wholeNumber reads digits alone, in a range.
func wholeNumber(s string, min, max int) (int, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && min <= n && n <= max
}

// text reads a JSON string or number as its text.
func text(raw json.RawMessage) (string, bool) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, s != ""
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String(), true
	}
	return string(raw), len(raw) > 0 && string(raw) != "null"
}

func isJSONMap(s string) bool {
	var m map[string]any
	return json.Unmarshal([]byte(s), &m) == nil && m != nil
}

func isBool(s string) bool { return isTrue(s) || strings.EqualFold(s, "false") }
func isTrue(s string) bool { return strings.EqualFold(s, "true") }

func seconds(d time.Duration) int { return int(d / time.Second) }

func pick(cond bool, yes, no string) string {
	if cond {
		return yes
	}
	return no
}
