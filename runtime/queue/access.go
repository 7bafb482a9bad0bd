package queue

import "millrace/runtime/policy"

// PolicyText is the key of a queue's resource policy in [Config.Texts].
const PolicyText = "Policy"

// Access decides who may do what to queues, by the policies in their Configs. The
// zero Access is ready, and safe for concurrent use.
type Access struct {
	// Off allows everything: policies are stored and not evaluated.
	Off bool

	policies policy.Cache[ID]
}

// Authorize returns nil if a principal may perform an action on a queue, else an
// error that is fault.Denied. action is "sqs:SendMessage"; batches have the action
// of their single form. context is as in [policy.Resource.Authorize].
//
// An AWS service that sends for one of its resources, as SNS does for a topic, asks
// with a [policy.ServicePrincipal] and a [policy.ServiceContext].
func (a *Access) Authorize(id ID, c Config, who policy.Principal, action string, context func() policy.Context) error {
	if a.Off {
		return nil
	}
	text := c.Texts[PolicyText]
	return policy.Resource{
		ARN: id.ARN().String(), Account: id.Account, Tags: c.Tags,
		Policy: a.policies.Document(id, text, func() (string, error) { return text, nil }),
	}.Authorize(who, action, context)
}
