package topic

import "millrace/runtime/policy"

// Authorize returns nil if a principal may perform an action on a topic, else an error
// that is fault.Denied, or fault.NotFound when there is no such topic. action is
// "sns:Publish"; context is as in [policy.Resource.Authorize].
func (ts *Topics) Authorize(id ID, who policy.Principal, action string, context func() policy.Context) error {
	if ts.config.PoliciesOff {
		return nil
	}
	t, err := ts.Get(id)
	if err != nil {
		return err
	}
	text := t.Attributes[Policy]
	return policy.Resource{
		ARN: id.ARN(), Account: id.Account, Tags: t.Tags,
		Policy: ts.policies.Document(id, text, func() (string, error) { return text, nil }),
	}.Authorize(who, action, context)
}
