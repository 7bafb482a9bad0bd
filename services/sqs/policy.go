package sqs

import (
	"errors"
	"fmt"
	"strings"

	"millrace/runtime/policy"
	"millrace/runtime/policy/grammar"
	api "millrace/services/internal/api/sqs"
)

// policyLimits are what one queue's policy may hold
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html).
var policyLimits = policy.Limits{Bytes: 8192, Statements: 20, Principals: 50, Conditions: 10, Actions: 7}

// checkPolicy checks the text of a Policy attribute; "" takes the policy away.
func checkPolicy(text string) error {
	if text == "" {
		return nil
	}
	if len(text) > policyLimits.Bytes {
		return overLimit(&policy.LimitError{What: "bytes"})
	}
	doc, err := policy.Parse(text)
	if err != nil {
		return badAttribute(policyAttribute)
	}
	if err := overLimit(doc.Check(policyLimits)); err != nil {
		return err
	}
	read, err := grammar.Read(text)
	if err != nil {
		return badAttribute(policyAttribute)
	}
	for _, s := range read.Statement {
		for _, a := range append(s.Action, s.NotAction...) {
			if err := checkAction(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// overLimit tells which quota a policy exceeds; nil when err is none of that. The
// texts were recorded from AWS for the size (BishopFox/cloudfoxable#29), for
// actions (ministryofjustice/cloud-platform-environments#9082) and for statements
// (dapr/components-contrib#1780); those of principals and conditions are like the
// last.
func overLimit(err error) error {
	var over *policy.LimitError
	switch {
	case !errors.As(err, &over):
		return nil
	case over.What == "bytes":
		return api.ErrOverLimit("Submitted policy is over max allowed size.")
	case over.What == "actions":
		return api.ErrOverLimit(fmt.Sprintf("%d actions were found in a statement from the submitted policy, max allowed is %d", over.Have, over.Max))
	}
	return api.ErrOverLimit(fmt.Sprintf("%d %s were found in the submitted policy, max allowed is %d", over.Have, over.What, over.Max))
}

// checkAction refuses names that are no action of SQS. Batch forms have none:
// they go with their single forms.
func checkAction(action string) error {
	service, name, _ := strings.Cut(action, ":")
	if action == "*" || strings.EqualFold(service, "sqs") && (strings.ContainsAny(name, "*?") || isAction(name)) {
		return nil
	}
	return invalidParam("ActionName", strings.ToUpper(service)+":"+name, unknownAction)
}

const unknownAction = "Please refer to the appropriate WSDL for a list of valid actions. "

// isAction reports whether a policy may name the action, in whatever case.
func isAction(name string) bool {
	for _, a := range grantable {
		if strings.EqualFold(a, name) {
			return true
		}
	}
	for a := range ownerOnlyActions {
		if strings.EqualFold(a, name) {
			return true
		}
	}
	return false
}
