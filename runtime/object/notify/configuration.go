package notify

// A Configuration is the notification configuration of a bucket, as its record keeps it.
// The zero Configuration announces nothing.
type Configuration struct {
	// Destinations are topics, queues and functions. Among those of one kind the order is
	// that of the request, and GetBucketNotificationConfiguration answers them so.
	Destinations []Destination `json:",omitempty"`

	// EventBridge says that the request had an EventBridgeConfiguration, which turns all
	// events of the bucket on for EventBridge. Nothing is sent there yet.
	EventBridge bool `json:",omitempty"`
}

// A Kind is what a destination is. Its text is the element that holds the ARN in the XML
// of S3, and ArgumentName in its errors.
type Kind string

// The kinds of destinations.
const (
	Topic    Kind = "Topic"
	Queue    Kind = "Queue"
	Function Kind = "CloudFunction"
)

// A Destination is a TopicConfiguration, QueueConfiguration or
// LambdaFunctionConfiguration: whom to send which events.
type Destination struct {
	Kind   Kind
	ID     string // at most 255 bytes, unique in the bucket; Accept makes one up for ""
	ARN    string
	Events []string     // event names: "s3:ObjectCreated:*"
	Filter []FilterRule `json:",omitempty"` // at most one of each name, in the order of the request
}

// A FilterRule restricts events to those whose key begins or ends with a value. Keys are
// compared as they are, byte for byte, not as URLs show them.
type FilterRule struct {
	Name  string // Prefix or Suffix; a client may write them in any case
	Value string // at most 1,024 bytes; "" restricts nothing
}

// The names of filter rules, as S3 reads them back.
const (
	Prefix = "Prefix"
	Suffix = "Suffix"
)

// prefix and suffix are what keys have to begin and to end with; "" where there is no
// rule.
func (d *Destination) prefix() string { return d.rule(Prefix) }
func (d *Destination) suffix() string { return d.rule(Suffix) }

func (d *Destination) rule(name string) string {
	for _, r := range d.Filter {
		if r.Name == name {
			return r.Value
		}
	}
	return ""
}

// types are the types of events that the destination wants. A name that another version
// accepted and this one does not know stands for none.
func (d *Destination) types() (s typeSet) {
	for _, event := range d.Events {
		s |= typesOf(event)
	}
	return s
}
