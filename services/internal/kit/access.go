package kit

import (
	"errors"

	"millrace/runtime/policy"
)

// Unauthorized is AWS's sentence for a request that a resource's policy does not
// allow. who is the principal's ARN, action is "lambda:InvokeFunction".
func Unauthorized(who, action, resource string, explicit bool) string {
	why := "because no resource-based policy allows the " + action + " action"
	if explicit {
		why = "with an explicit deny in a resource-based policy"
	}
	return "User: " + who + " is not authorized to perform: " + action + " on resource: " + resource + " " + why
}

// Denied is the sentence of Unauthorized for the [policy.DeniedError] in err; ok is
// false if there is none.
func Denied(err error) (sentence string, ok bool) {
	var d *policy.DeniedError
	if !errors.As(err, &d) {
		return "", false
	}
	return Unauthorized(d.Principal.ARN, d.Action, d.Resource, d.Explicit), true
}
