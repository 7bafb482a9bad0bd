package deliverypolicy

import (
	"encoding/json"
)

// A Topic is the delivery policy of a topic. The zero Topic says nothing.
type Topic struct {
	HTTP *HTTP `json:"http,omitempty"`
}

// HTTP is what a topic says for the HTTP endpoints that are subscribed to it.
type HTTP struct {
	Retry            *Retry    `json:"defaultHealthyRetryPolicy,omitempty"`
	DisableOverrides *bool     `json:"disableSubscriptionOverrides,omitempty"`
	Throttle         *Throttle `json:"defaultThrottlePolicy,omitempty"`
	Request          *Request  `json:"defaultRequestPolicy,omitempty"`
}

// A Subscription is the delivery policy of a subscription. The zero Subscription says
// nothing.
type Subscription struct {
	Retry      *Retry    `json:"healthyRetryPolicy"`
	Sickly     *Retry    `json:"sicklyRetryPolicy"` // kept; SNS does not document it
	Throttle   *Throttle `json:"throttlePolicy"`
	Request    *Request  `json:"requestPolicy"`
	Guaranteed bool      `json:"guaranteed"` // kept; SNS does not document it
}

// A Retry says how often and after which pauses a failed delivery is tried again. Members
// that were not given are nil.
type Retry struct {
	MinDelay        *int    `json:"minDelayTarget"`     // seconds, 1 to MaxDelay
	MaxDelay        *int    `json:"maxDelayTarget"`     // seconds, up to 3,600
	Retries         *int    `json:"numRetries"`         // 0 to 100, of all phases
	MaxDelayRetries *int    `json:"numMaxDelayRetries"` // in the last phase, MaxDelay apart
	NoDelayRetries  *int    `json:"numNoDelayRetries"`  // in the first phase, at once
	MinDelayRetries *int    `json:"numMinDelayRetries"` // in the second phase, MinDelay apart
	Function        *string `json:"backoffFunction"`    // of the third phase: linear, arithmetic, geometric or exponential
}

// A Throttle bounds how many messages a subscription gets.
type Throttle struct {
	PerSecond *int `json:"maxReceivesPerSecond"` // on average, from 1; nil for no bound
}

// A Request is about the requests to an endpoint.
type Request struct {
	ContentType *string `json:"headerContentType"` // nil for the default
}

// String is the policy as SNS shows it: DeliveryPolicy among the attributes of a topic.
func (t Topic) String() string { return marshal(t) }

// String is the policy as SNS shows it: DeliveryPolicy among the attributes of a
// subscription.
func (s Subscription) String() string { return marshal(s) }

func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only for types that have no JSON
	}
	return string(b)
}
