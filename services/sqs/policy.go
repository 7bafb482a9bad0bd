package sqs

import (
	"strings"

	"millrace/runtime/policy"
	"millrace/runtime/policy/grammar"
)

// policyLimits are what one queue's policy may hold
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html).
var policyLimits = policy.Limits{Bytes: 8192, Statements: 20, Principals: 50, Conditions: 10, Actions: 7}

// checkPolicy checks the text of a Policy attribute; "" takes the policy away.
func checkPolicy(text string) error {
	if text == "" {
		return nil
	}
	doc, err := policy.Parse(text)
	if err != nil || doc.Check(policyLimits) != nil {
		return badAttribute(policyAttribute)
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

// isAction says whether a policy may name the action, in whatever case.
func isAction(name string) bool {
	for _, a := range grantable {
		if strings.EqualFold(a, name) {
			return true
		}
	}
	for a := range ownersOwn {
		if strings.EqualFold(a, name) {
			return true
		}
	}
	return false
}
