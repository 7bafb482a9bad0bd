package queue

import (
	"crypto/md5"
	"strings"
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
)

// Limits of SQS that the machine depends on (SQS developer guide, quotas).
const (
	DedupWindow   = 5 * time.Minute // an accepted deduplication id is remembered this long
	AttemptWindow = 5 * time.Minute // a ReceiveRequestAttemptId is remembered this long
	MaxVisibility = 12 * time.Hour  // from the receive; no change may go past it
	Forever       = time.Duration(-1)
)

// An ID names a queue. Names are unique within an account and a region, and
// case-sensitive.
type ID struct {
	Account string // twelve digits
	Region  string // "us-east-1"
	Name    string // 1-80 of A-Z a-z 0-9 _ -, with ".fifo" at the end of a FIFO queue's
}

// ARN is the queue's name in policies, redrive policies and event source mappings.
func (id ID) ARN() arn.ARN { return arn.New("sqs", id.Region, id.Account, id.Name) }

// FIFO reports whether the queue is a FIFO queue: as on AWS, by its name.
func (id ID) FIFO() bool { return strings.HasSuffix(id.Name, ".fifo") }

// IDFromARN is the inverse of ID.ARN; ok is false for the ARN of anything else.
func IDFromARN(s string) (id ID, ok bool) {
	a, err := arn.Parse(s)
	if err != nil || a.Service != "sqs" || strings.ContainsAny(a.Resource, ":/") {
		return ID{}, false
	}
	return ID{a.Account, a.Region, a.Resource}, true
}

// Config is the configuration of a queue. Durations are whole seconds in the ranges
// of SQS's attributes; whoever sets them has validated them.
type Config struct {
	Delay        time.Duration // DelaySeconds; on a FIFO queue it applies to messages already there
	Visibility   time.Duration // VisibilityTimeout
	Wait         time.Duration // ReceiveMessageWaitTimeSeconds
	Retention    time.Duration // MessageRetentionPeriod; 0 keeps messages forever
	MaxBytes     int           // MaximumMessageSize
	ContentDedup bool          // ContentBasedDeduplication
	DedupByGroup bool          // DeduplicationScope is messageGroup
	// Slots is how many messages of a standard queue may be in flight; 0 is SQS's own
	// bound. Of one group at most SlotsPerGroup are, and never more than there are free
	// slots; one always may be, beyond Slots if need be. So groups that keep theirs for
	// long take a share, and no group waits for another.
	Slots         int
	SlotsPerGroup int

	// MaxCached is how many bytes of contents are kept in memory, though the budget of
	// all queues would allow more; 0 for no limit of the queue's own.
	MaxCached int

	LimitPerGroup bool        // FifoThroughputLimit is perMessageGroupId
	DeadLetter    *DeadLetter // RedrivePolicy, parsed; nil for none

	// Texts are attributes that the machine only stores, by SQS attribute name:
	// Policy, RedrivePolicy, RedriveAllowPolicy, and those that say how contents are
	// encrypted, KmsMasterKeyId, KmsDataKeyReusePeriodSeconds, SqsManagedSseEnabled.
	Texts map[string]string
	Tags  map[string]string

	Created  time.Time
	Modified time.Time
}

// A DeadLetter is a parsed redrive policy: where messages go that were received too
// often.
type DeadLetter struct {
	Target      ID
	MaxReceives int // 1-1000: instead of one more receive, the message moves
}

// A Message is what a sender sends.
type Message struct {
	Body        string
	MD5         [md5.Size]byte // of Body; zero when it was not computed
	Unfinished  bool           `json:",omitempty"` // Body is completed when it is received, see jetqueue.Options.Finish; what counts and compares bodies takes it as it is
	Attributes  []Attribute    // sorted by name
	SenderID    string
	GroupID     string         // MessageGroupId; required on FIFO queues, a tenant on standard ones
	DedupID     string         // MessageDeduplicationId; "" on a FIFO queue with ContentDedup means the body's SHA-256
	Delay       *time.Duration // nil for the queue's own
	TraceHeader string         // AWSTraceHeader, as the sender gave it
	TraceParent string         // W3C traceparent of the send, for our own traces

	// Source and Seq number a send, so that it takes place once however often it is
	// repeated: a message is dropped unless its Seq is higher than all that the queue
	// has had from that Source. A source therefore sends in the order of its numbers,
	// one call at a time. Who draws sources sees to it that no two are equal. When
	// one of the two is 0 the send is not numbered. Receivers are not told.
	Source uint64 `json:",omitempty"`
	Seq    uint64 `json:",omitempty"`
}

// IsNumbered reports whether the message's send is numbered.
func (m *Message) IsNumbered() bool { return m.Source != 0 && m.Seq != 0 }

// Bytes is the size of a message as SQS counts it: its body, and the names, types
// and values of its attributes.
func (m *Message) Bytes() int {
	n := len(m.Body)
	for _, a := range m.Attributes {
		n += len(a.Name) + len(a.DataType) + len(a.Value)
	}
	return n
}

// An Attribute is one message attribute. Value holds text for String and Number
// types, raw bytes for Binary ones.
type Attribute struct {
	Name     string
	DataType string
	Value    []byte
}

// A SendResult is the answer to one sent message.
type SendResult struct {
	MessageID      string // UUID
	SequenceNumber string // twenty digits; FIFO only
	Duplicate      bool   // dropped: in the deduplication window, then the ids are the original's; or by its Seq, then they are ""
}

// A ReceiveRequest asks for messages.
type ReceiveRequest struct {
	Max        int            // at most this many
	Wait       time.Duration  // 0 answers at once; Forever waits until the context ends
	Visibility *time.Duration // nil for the queue's own
	AttemptID  string         // ReceiveRequestAttemptId; FIFO only
}

// A ReceivedMessage is one delivery of a message.
type ReceivedMessage struct {
	Message
	MessageID        string
	ReceiptHandle    string // of this delivery; opaque
	SequenceNumber   string // FIFO only
	Sent             time.Time
	FirstReceived    time.Time
	Age              time.Duration // at the delivery, by the queue's clock: jumps of the wall clock do not count
	Receives         int           // this delivery included; it goes on counting in a dead-letter queue
	DeadLetterSource string        // ARN of the queue it was moved from; "" when it was not
}

// A VisibilityChange asks that a delivered message stay hidden for Timeout from now
// on.
type VisibilityChange struct {
	ReceiptHandle string
	Timeout       time.Duration
}

// Counts are exact at the moment they are taken.
type Counts struct {
	Visible  int
	InFlight int // received, neither deleted nor visible again
	Delayed  int
	Oldest   time.Time // when the oldest message was sent; zero when there is none
}

// Metrics are what CloudWatch wants to know of a queue. The numbers of what was
// done count since the queue was opened and never go back.
type Metrics struct {
	Counts
	Sent          uint64        // messages accepted; dead letters that arrive are not sent
	SentBytes     uint64        // their bodies and attributes
	Received      uint64        // messages handed out
	EmptyReceives uint64        // receives answered with none
	Deleted       uint64        // successful deletes, repeated ones too
	Deduplicated  uint64        // sends dropped in the deduplication window
	OldestAge     time.Duration // ApproximateAgeOfOldestMessage; 0 when there is none
}

// A PeekRequest asks to look at messages without receiving them.
type PeekRequest struct {
	Invisible bool // those in flight too
	Delayed   bool // those delayed too
	Max       int  // at most this many; 0 means 1000
}

// A PeekedMessage is one that was looked at. It has no receipt handle.
type PeekedMessage struct {
	ReceivedMessage
	State     string    // "visible", "inflight" or "delayed"
	VisibleAt time.Time // zero when it is visible
}

// Errors of receipt handles, visibility changes, receives and moves. Each unwraps to
// a fault.Code too.
var (
	ErrInvalidHandle       = fault.New(fault.Invalid, "not a receipt handle of this queue")
	ErrMessageNotFound     = fault.New(fault.NotFound, "the message does not exist or cannot have its visibility changed")
	ErrHandleExpired       = fault.New(fault.Conflict, "the receipt handle has expired") // FIFO deletes and changes only
	ErrVisibilityTooLong   = fault.New(fault.Invalid, "total visibility timeout beyond twelve hours from the receive")
	ErrAttemptNotRetryable = fault.New(fault.Conflict, "the receive request attempt id is no longer retryable")
	ErrNoDeadLetterSource  = fault.New(fault.Conflict, "the message did not come from another queue")
	ErrTooManyInFlight     = fault.New(fault.Throttled, "too many messages in flight") // standard, short polls only
)
