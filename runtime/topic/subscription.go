package topic

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"millrace/runtime/topic/audience"
	"time"
)

// The protocols of subscriptions.
const (
	SQS       = "sqs"
	Lambda    = "lambda"
	HTTP      = "http"
	HTTPS     = "https"
	Email     = "email"
	EmailJSON = "email-json"
	SMS       = "sms"
)

// A Service is who delivers for a topic, as the policies of queues and functions name it.
const Service = "sns.amazonaws.com"

// The attributes of a subscription that the rest of the runtime reads.
const (
	FilterPolicy      = "FilterPolicy"
	FilterPolicyScope = "FilterPolicyScope"
	RawDelivery       = "RawMessageDelivery"
	RedrivePolicy     = "RedrivePolicy"
	ReplayPolicy      = "ReplayPolicy"
)

// TokenLife is how long a confirmation token is good
// (https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html).
const TokenLife = 48 * time.Hour

// A Subscription is the record of one.
type Subscription struct {
	Topic      ID
	UUID       string // set by Subscribe
	Generation string // of the topic; set by Subscribe
	Created    time.Time

	Owner      string // the account that subscribed
	Principal  string `json:",omitempty"` // ARN of who subscribed
	Protocol   string
	Endpoint   string
	Attributes map[string]string `json:",omitempty"` // as set; what was never set is not there

	// BaseURL is how the subscriber reaches this runtime, "http://localhost:4566": the
	// links in its messages begin with it.
	BaseURL string `json:",omitempty"`

	// Token confirms the subscription while it is Pending, until TokenLife after
	// TokenMade. Once confirmed, the same token answers the same again.
	Token     string    `json:",omitempty"`
	TokenMade time.Time `json:",omitzero"`
	Pending   bool      `json:",omitempty"`

	Authenticated             bool `json:",omitempty"` // confirmed by a signed call, or without one by its owner
	AuthenticateOnUnsubscribe bool `json:",omitempty"` // only the owner of it or of the topic may unsubscribe

	Replays   int       `json:",omitempty"` // how often the ReplayPolicy was changed
	ReplaySet time.Time `json:",omitzero"`  // when the present one was set
}

// ID names the subscription.
func (s *Subscription) ID() SubscriptionID { return SubscriptionID{s.Topic, s.UUID} }

// ARN is the subscription's name in the world.
func (s *Subscription) ARN() string { return s.ID().ARN() }

// tokenExpired reports whether the token is too old to confirm the subscription.
func (s *Subscription) tokenExpired(now time.Time) bool { return now.Sub(s.TokenMade) > TokenLife }

// Raw reports whether messages are delivered without an envelope.
func (s *Subscription) Raw() bool { return s.Attributes[RawDelivery] == "true" }

// DeadLetter is the ARN of the queue for what cannot be delivered, "" for none.
func (s *Subscription) DeadLetter() string {
	var p struct {
		DeadLetterTargetARN string `json:"deadLetterTargetArn"`
	}
	if json.Unmarshal([]byte(s.Attributes[RedrivePolicy]), &p) != nil { // "" as well
		return ""
	}
	return p.DeadLetterTargetARN
}

// Filter is its filter policy, compiled in its scope; nil when it has none. Errors are as
// of audience.Compile.
func (s *Subscription) Filter() (*audience.Filter, error) {
	scope := audience.Attributes
	if v := s.Attributes[FilterPolicyScope]; v != "" {
		scope = audience.Scope(v)
	}
	return audience.Compile(scope, s.Attributes[FilterPolicy])
}

// key is where the record is: by the endpoint, so that a topic has one subscription of
// an endpoint, whichever runtimes it is subscribed at.
func (s *Subscription) key() string {
	sum := sha256.Sum256([]byte(s.Protocol + "\x00" + s.Endpoint))
	return subscriptionPrefix(s.Topic) + hex.EncodeToString(sum[:16])
}

func subscriptionPrefix(id ID) string { return id.key() + "/" }
