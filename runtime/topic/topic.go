package topic

import (
	"strconv"
	"strings"
	"time"

	"millrace/runtime/arn"
)

// The attributes of a topic that the rest of the runtime reads. Attributes have the
// names and texts that SNS's API has for them; services/sns has checked them.
const (
	Policy            = "Policy"
	DeliveryPolicy    = "DeliveryPolicy" // of topics, and of subscriptions
	KMSKey            = "KmsMasterKeyId"
	SignatureVersion  = "SignatureVersion"
	ContentDedup      = "ContentBasedDeduplication"
	ThroughputScope   = "FifoThroughputScope"
	MaxMessageSize    = "MaximumMessageSize"
	ArchivePolicy     = "ArchivePolicy"
	defaultMaxMessage = 256 << 10
)

// An ID names a topic.
type ID struct{ Account, Region, Name string }

// ARN is the topic's name in the world.
func (id ID) ARN() string { return arn.New("sns", id.Region, id.Account, id.Name).String() }

// FIFO reports whether the topic is a FIFO topic: its name says so.
func (id ID) FIFO() bool { return strings.HasSuffix(id.Name, ".fifo") }

func (id ID) key() string { return id.Account + "/" + id.Region + "/" + id.Name }

// ParseARN reads the ARN of a topic; ok is false for all others.
func ParseARN(text string) (id ID, ok bool) {
	a, err := arn.Parse(text)
	id = ID{a.Account, a.Region, a.Resource}
	return id, err == nil && a.Service == "sns" && !strings.Contains(a.Resource, ":")
}

// A Topic is the record of a topic.
type Topic struct {
	ID
	Generation string            // tells it from an earlier topic of its name; Create sets it
	Created    time.Time         // set by Create
	Attributes map[string]string `json:",omitempty"` // as set; what was never set is not there
	Tags       map[string]string `json:",omitempty"`

	DataProtection string    `json:",omitempty"` // the data protection policy, "" for none
	Unsubscribed   int       `json:",omitempty"` // subscriptions that it had and were deleted
	ArchivedSince  time.Time `json:",omitzero"`  // when the archive was switched on; zero while it is off
}

// MaxBytes is the size of the largest message, attributes included.
func (t *Topic) MaxBytes() int {
	if n, err := strconv.Atoi(t.Attributes[MaxMessageSize]); err == nil {
		return n
	}
	return defaultMaxMessage
}

// A SubscriptionID names a subscription.
type SubscriptionID struct {
	Topic ID
	UUID  string
}

// ARN is the subscription's name in the world.
func (id SubscriptionID) ARN() string { return id.Topic.ARN() + ":" + id.UUID }

// ParseSubscriptionARN reads the ARN of a subscription; ok is false for all others.
func ParseSubscriptionARN(text string) (id SubscriptionID, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return id, false
	}
	id.Topic, ok = ParseARN(text[:i])
	id.UUID = text[i+1:]
	return id, ok && id.UUID != ""
}
