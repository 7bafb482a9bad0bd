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
	api "millrace/services/internal/api/sqs"
)

// The attributes that are kept as the texts they came as.
const (
	policyAttribute = queue.PolicyText
	redrive         = "RedrivePolicy"
	redriveAllow    = "RedriveAllowPolicy"
	kmsKey          = "KmsMasterKeyId"
	kmsReuse        = "KmsDataKeyReusePeriodSeconds"
	sse             = "SqsManagedSseEnabled"
	kmsReuseUsual   = "300"
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
	next.Texts = cloneTexts(c.Texts)
	if attrs[kmsKey] != "" && isTrue(attrs[sse]) {
		return api.ErrInvalidAttributeName("You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
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
		// The reason is that of go-to-k/cdkd#1251.
		return api.ErrInvalidAttributeValue(
			"Invalid value for the parameter FifoThroughputLimit. Reason: To set FifoThroughputLimit to perMessageGroupId, the DeduplicationScope must be messageGroup.")
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
	case policyAttribute:
		if err := checkPolicy(value); err != nil {
			return err
		}
		setText(c, name, value)
	case redrive:
		target, err := parseRedrive(id, value, redriveTarget)
		if err != nil {
			return err
		}
		c.DeadLetter = target
		setText(c, name, redriveText(target))
	case redriveAllow:
		allowance, err := parseRedriveAllow(value)
		if err != nil {
			return err
		}
		setText(c, name, allowance.text())
	case kmsKey:
		setText(c, name, value)
		if value != "" {
			c.Texts[sse] = "false"
		}
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
			return api.ErrInvalidAttributeName(fmt.Sprintf("You can specify the %s only when FifoQueue is set to true.", name))
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
			return api.ErrInvalidAttributeValue("Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.")
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

// cloneTexts copies a configuration's map, so that the copy can be written to.
func cloneTexts(texts map[string]string) map[string]string {
	if texts == nil {
		return map[string]string{}
	}
	return maps.Clone(texts)
}

func setText(c *queue.Config, name, value string) {
	if value == "" {
		delete(c.Texts, name)
		return
	}
	c.Texts[name] = value
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

// difference returns the first attribute in which two configurations of a queue
// differ, or "": one of the first ones given if there is such, else by name.
// Policies are compared as JSON, not as texts.
func difference(id queue.ID, a, b queue.Config, first ...string) string {
	x, y := settings(id, a), settings(id, b)
	names := maps.Clone(x)
	maps.Copy(names, y)
	for _, name := range append(first, slices.Sorted(maps.Keys(names))...) {
		if !sameValue(x[name], y[name]) {
			return name
		}
	}
	return ""
}

func sameValue(a, b string) bool {
	var x, y map[string]any
	return a == b || json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// wholeNumber reads digits alone, in a range.
func wholeNumber(s string, min, max int) (int, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && min <= n && n <= max
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
