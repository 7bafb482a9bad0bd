package audience

// A Reason says what became of a message at a subscription. But for Matched, SNS
// counts each in a metric of its own, NumberOfNotificationsFilteredOut-…, and all
// together in NumberOfNotificationsFilteredOut (Amazon SNS Developer Guide,
// "Monitoring Amazon SNS topics using CloudWatch").
type Reason uint8

// The reasons.
const (
	Matched             Reason = iota // it passes
	MessageAttributes                 // the policy does not fit the attributes
	NoMessageAttributes               // there are no attributes at all
	InvalidAttributes                 // an attribute that the policy asks for is malformed, as a String.Array that is no JSON array
	MessageBody                       // the policy does not fit the body
	InvalidMessageBody                // the body is no JSON object
	reasons
)

var reasonNames = [reasons]string{
	"", "MessageAttributes", "NoMessageAttributes", "InvalidAttributes", "MessageBody", "InvalidMessageBody",
}

// String is the suffix of the reason's metric; "" for Matched.
func (r Reason) String() string { return reasonNames[r] }

// FilteredOut counts the subscriptions that do not get a message, by Reason.
type FilteredOut [reasons]int

// Total is how many subscriptions do not get the message.
func (f FilteredOut) Total() int {
	n := 0
	for _, of := range f {
		n += of
	}
	return n
}
