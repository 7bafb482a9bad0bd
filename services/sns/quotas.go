package sns

import (
	"math"

	api "millrace/services/internal/api/sns"
)

// Quotas are how much there may be of things. A quota of 0 is AWS's.
type Quotas struct {
	StandardTopics int // of an account in a region: 100,000
	FIFOTopics     int // of an account in a region: 1,000

	Subscriptions     int // of a standard topic: 12,500,000
	FIFOSubscriptions int // of a FIFO topic: 100
	Pending           int // subscriptions of an account in a region that wait for their confirmation: 5,000

	TopicFilters   int // subscriptions of a topic that have a filter policy: 200
	AccountFilters int // subscriptions of an account in a region that have one: 10,000
}

// AWSQuotas are those of an account that has asked for no others
// (https://docs.aws.amazon.com/general/latest/gr/sns.html).
var AWSQuotas = Quotas{
	StandardTopics: 100_000, FIFOTopics: 1_000,
	Subscriptions: 12_500_000, FIFOSubscriptions: 100, Pending: 5_000,
	TopicFilters: 200, AccountFilters: 10_000,
}

// NoQuotas let there be as much as there is room for.
var NoQuotas = Quotas{
	StandardTopics: math.MaxInt, FIFOTopics: math.MaxInt,
	Subscriptions: math.MaxInt, FIFOSubscriptions: math.MaxInt, Pending: math.MaxInt,
	TopicFilters: math.MaxInt, AccountFilters: math.MaxInt,
}

// filled has AWS's quotas in the place of those that are 0.
func (q Quotas) filled() Quotas {
	for _, f := range [...]struct {
		have *int
		aws  int
	}{
		{&q.StandardTopics, AWSQuotas.StandardTopics}, {&q.FIFOTopics, AWSQuotas.FIFOTopics},
		{&q.Subscriptions, AWSQuotas.Subscriptions}, {&q.FIFOSubscriptions, AWSQuotas.FIFOSubscriptions},
		{&q.Pending, AWSQuotas.Pending},
		{&q.TopicFilters, AWSQuotas.TopicFilters}, {&q.AccountFilters, AWSQuotas.AccountFilters},
	} {
		if *f.have == 0 {
			*f.have = f.aws
		}
	}
	return q
}

// Limits of what one thing may hold, which no quota raises.
const (
	pageSize        = 100
	maxTags         = 50
	maxEndpoint     = 4 << 10  // bytes; AWS documents none
	maxAttribute    = 30 << 10 // bytes of an attribute, but for filter policies; AWS documents none
	maxFilterPolicy = 256 << 10
	maxDisplayName  = 100
	maxPolicyBytes  = 30 << 10 // of a topic's policy, and of a data protection policy
	maxStatements   = 100
	maxPrincipals   = 200
	largeMessage    = 256 << 10 // a larger MaximumMessageSize binds the topic's subscriptions
	maxLargeSubs    = 100       // subscriptions of a topic whose messages may be larger
	maxMessageSize  = 1 << 20
	minMessageSize  = 1 << 10
)

func tooManySubscriptions() error {
	return api.ErrSubscriptionLimitExceededException("Subscription limit exceeded")
}

func tooManyFilters() error {
	return api.ErrFilterPolicyLimitExceededException("Filter policy limit exceeded")
}
