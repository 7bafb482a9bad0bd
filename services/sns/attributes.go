package sns

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"millrace/runtime/arn"
	"millrace/runtime/topic"
)

// The attributes of topics that nothing but this package knows.
const (
	displayName = "DisplayName"
	fifoTopic   = "FifoTopic"
	tracing     = "TracingConfig"
)

// A topicAttribute is one that a topic may have.
type topicAttribute struct {
	fifo bool // FIFO topics alone have it

	// set checks a value, and returns the text to keep; "" keeps none. now is the value
	// that there is.
	set func(id topic.ID, now, value string) (string, error)
}

// topicAttributes are the attributes that can be set: when a topic is created, and later.
var topicAttributes = withStatusLogs(map[string]topicAttribute{
	displayName:            {set: setDisplayName},
	topic.Policy:           {set: setPolicy},
	topic.DeliveryPolicy:   {set: setTopicDelivery},
	topic.KMSKey:           {set: setKMSKey},
	topic.SignatureVersion: {set: setSignatureVersion},
	tracing:                {set: setTracing},
	topic.MaxMessageSize:   {set: setMaxMessageSize},
	topic.ContentDedup:     {fifo: true, set: func(_ topic.ID, _, v string) (string, error) { return parseBool(topic.ContentDedup, v) }},
	topic.ThroughputScope:  {fifo: true, set: setThroughputScope},
	topic.ArchivePolicy:    {fifo: true, set: setArchivePolicy},
})

// withStatusLogs adds the attributes of delivery status logs: of each kind of endpoint,
// the roles that write its logs and how many of the successes they write
// (https://docs.aws.amazon.com/sns/latest/dg/topics-attrib.html).
func withStatusLogs(all map[string]topicAttribute) map[string]topicAttribute {
	for _, kind := range []string{"HTTP", "Firehose", "Lambda", "Application", "SQS"} {
		for _, outcome := range []string{"Success", "Failure"} {
			name := kind + outcome + "FeedbackRoleArn"
			all[name] = topicAttribute{set: func(_ topic.ID, _, v string) (string, error) { return v, checkRole(name, v) }}
		}
		name := kind + "SuccessFeedbackSampleRate"
		all[name] = topicAttribute{set: func(_ topic.ID, _, v string) (string, error) {
			if n, err := strconv.Atoi(v); v != "" && (err != nil || n < 0 || n > 100 || strconv.Itoa(n) != v) {
				return "", badAttribute("%s: Invalid value [%s]. Must be an integer between 0 and 100.", name, v)
			}
			return v, nil
		}}
	}
	return all
}

// setTopicAttribute sets one attribute of a topic.
func setTopicAttribute(t *topic.Topic, name, value string) error {
	a, ok := topicAttributes[name]
	if !ok || a.fifo && !t.FIFO() {
		return unknownAttribute(name)
	}
	if err := checkLength(name, value); err != nil {
		return err
	}
	text, err := a.set(t.ID, t.Attributes[name], value)
	if err != nil {
		return err
	}
	if text == "" {
		delete(t.Attributes, name)
	} else {
		t.Attributes[name] = text
	}
	return nil
}

// checkLength bounds what is kept of an attribute.
func checkLength(name, value string) error {
	limit := maxAttribute
	if name == topic.FilterPolicy {
		limit = maxFilterPolicy
	}
	if len(value) > limit {
		return badAttribute("%s: must not be longer than %d bytes", name, limit)
	}
	return nil
}

// newAttributes are the attributes of a topic that is created with some.
func newAttributes(id topic.ID, given map[string]string) (map[string]string, error) {
	t := topic.Topic{ID: id, Attributes: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if name == fifoTopic { // the name says it, and CreateTopic has compared them
			continue
		}
		if err := setTopicAttribute(&t, name, given[name]); err != nil {
			return nil, err
		}
	}
	return t.Attributes, nil
}

func setDisplayName(_ topic.ID, _, v string) (string, error) {
	if utf8.RuneCountInString(v) > maxDisplayName || strings.ContainsFunc(v, unicode.IsControl) {
		return "", badAttribute(displayName)
	}
	return v, nil
}

func setSignatureVersion(_ topic.ID, _, v string) (string, error) {
	if v != "1" && v != "2" {
		return "", badAttribute("SignatureVersion: Invalid value. Must be 1 or 2.")
	}
	return v, nil
}

// setTracing knows that FIFO topics have no active tracing
// (https://docs.aws.amazon.com/sns/latest/dg/sns-active-tracing.html).
func setTracing(id topic.ID, _, v string) (string, error) {
	if v != "PassThrough" && (v != "Active" || id.FIFO()) {
		return "", badAttribute("Invalid tracing config value: %s", v)
	}
	return v, nil
}

func setThroughputScope(_ topic.ID, now, v string) (string, error) {
	switch {
	case v != "Topic" && v != "MessageGroup":
		return "", badAttribute("FifoThroughputScope: Invalid value [%s]. Must be Topic or MessageGroup.", v)
	case v == "Topic" && now == "MessageGroup":
		return "", badAttribute("FifoThroughputScope: MessageGroup cannot be changed to Topic.")
	}
	return v, nil
}

// setMaxMessageSize has no way back to the default but to set it.
func setMaxMessageSize(_ topic.ID, _, v string) (string, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < minMessageSize || n > maxMessageSize || strconv.Itoa(n) != v {
		return "", badAttribute("MaximumMessageSize: %s is not an integer between %d and %d bytes", v, minMessageSize, maxMessageSize)
	}
	return v, nil
}

// setKMSKey checks the form alone, as AWS does: a key that does not exist shows when
// something is published.
func setKMSKey(_ topic.ID, _, v string) (string, error) {
	name := v
	if a, err := arn.Parse(v); err == nil && a.Service == "kms" {
		kind, rest, _ := strings.Cut(a.Resource, "/")
		if name = rest; kind == "alias" {
			name = a.Resource
		}
	}
	for _, c := range name {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("/_-", c)) {
			return "", badAttribute(topic.KMSKey)
		}
	}
	if len(v) > 2048 || v != "" && name == "" {
		return "", badAttribute(topic.KMSKey)
	}
	return v, nil
}

// checkRole checks the form of an IAM role's ARN; "" is none.
func checkRole(name, v string) error {
	if v == "" {
		return nil
	}
	if a, err := arn.Parse(v); err != nil || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/") {
		return badAttribute("%s: Invalid value [%s]. Must be the ARN of a role.", name, v)
	}
	return nil
}

// parseBool reads true and false in any case, and writes them in small letters.
func parseBool(name, v string) (string, error) {
	switch text := strings.ToLower(v); text {
	case "true", "false":
		return text, nil
	}
	return "", badAttribute("%s: Invalid value [%s]. Must be true or false.", name, v)
}
