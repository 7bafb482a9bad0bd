package function

import (
	"encoding/json"
	"strings"

	"millrace/runtime/policy"
)

// A policyDocument is a resource policy, with members in Lambda's order.
type policyDocument struct {
	Version   string      `json:"Version"`
	ID        string      `json:"Id"`
	Statement []statement `json:"Statement"`
}

type statement struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Principal any                          `json:"Principal"`
	Action    string                       `json:"Action"`
	Resource  string                       `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

// Policy is the function's resource policy as JSON, as Lambda writes it; "" when it has
// no permissions.
func (f Function) Policy() string {
	if len(f.Permissions) == 0 {
		return ""
	}
	doc := policyDocument{Version: "2012-10-17", ID: "default"}
	for _, p := range f.Permissions {
		doc.Statement = append(doc.Statement, p.statement(f.ID()))
	}
	text, _ := json.Marshal(doc) // only strings: it cannot fail
	return string(text)
}

// Statement is the permission as a statement of the policy of the function with an ID,
// in JSON.
func (p Permission) Statement(id ID) string {
	text, _ := json.Marshal(p.statement(id))
	return string(text)
}

func (p Permission) statement(id ID) statement {
	s := statement{Sid: p.ID, Effect: "Allow", Action: p.Action, Resource: id.ARN().String()}
	switch {
	case p.Principal == "*":
		s.Principal = "*"
	case strings.HasPrefix(p.Principal, "arn:"):
		s.Principal = map[string]string{"AWS": p.Principal}
	case !strings.Contains(p.Principal, "."):
		s.Principal = map[string]string{"AWS": "arn:aws:iam::" + p.Principal + ":root"}
	default:
		s.Principal = map[string]string{"Service": p.Principal}
	}
	addCondition := func(operator, key, value string) {
		if value == "" {
			return
		}
		if s.Condition == nil {
			s.Condition = map[string]map[string]string{}
		}
		if s.Condition[operator] == nil {
			s.Condition[operator] = map[string]string{}
		}
		s.Condition[operator][key] = value
	}
	addCondition("ArnLike", "AWS:SourceArn", p.SourceARN)
	addCondition("StringEquals", "AWS:SourceAccount", p.SourceAccount)
	addCondition("StringEquals", "aws:PrincipalOrgID", p.OrgID)
	addCondition("StringEquals", "lambda:EventSourceToken", p.EventSourceToken)
	addCondition("StringEquals", "lambda:FunctionUrlAuthType", p.URLAuthType)
	if p.ViaURL != nil && *p.ViaURL {
		addCondition("Bool", "lambda:InvokedViaFunctionUrl", "true")
	}
	return s
}

// Access authorizes callers of functions by their Permissions. The zero Access is ready
// to use. It is safe for concurrent use.
type Access struct {
	policies policy.Cache[ID]
}

// Authorize returns nil if a principal may perform an action, such as
// "lambda:InvokeFunction", on a function, else a *policy.DeniedError. f is the function
// with that ID, or the zero Function if there is none: then only its own account is
// authorized. context is as in [policy.Resource.Authorize].
func (a *Access) Authorize(id ID, f Function, who policy.Principal, action string, context func() policy.Context) error {
	revision := f.PolicyID
	if len(f.Permissions) == 0 {
		revision = ""
	}
	doc := a.policies.Document(id, revision, func() (string, error) { return f.Policy(), nil })
	return policy.Resource{ARN: id.ARN().String(), Account: id.Account, Tags: f.Tags, Policy: doc}.Authorize(who, action, context)
}
