package sns

import (
	"encoding/json"
	"strings"

	"millrace/runtime/policy"
	"millrace/runtime/policy/grammar"
	"millrace/runtime/topic"
	"millrace/services/internal/wire"
)

// policyLimits are what a topic's policy may hold
// (https://docs.aws.amazon.com/general/latest/gr/sns.html).
var policyLimits = policy.Limits{Bytes: maxPolicyBytes, Statements: maxStatements, Principals: maxPrincipals}

// outOfScope is what SNS says of actions that a topic's policy may not name.
const outOfScope = "Policy statement action out of service scope!"

// policyText is the policy of a topic: the one that was set, or the one that each topic
// begins with.
func policyText(t *topic.Topic) string {
	if text := t.Attributes[topic.Policy]; text != "" {
		return text
	}
	return defaultPolicy(t.ID)
}

// defaultPolicy lets the account that owns the topic do all that a policy can allow.
func defaultPolicy(id topic.ID) string {
	type statement struct {
		Sid, Effect string
		Principal   map[string]string
		Action      []string
		Resource    string
		Condition   map[string]map[string]string
	}
	text, err := wire.PlainJSON(struct {
		Version   string
		ID        string `json:"Id"`
		Statement []statement
	}{grammar.Version2008, "__default_policy_ID", []statement{{
		Sid: "__default_statement_ID", Effect: "Allow", Principal: map[string]string{"AWS": "*"},
		Action: []string{"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
			"SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish"},
		Resource:  id.ARN(),
		Condition: map[string]map[string]string{"StringEquals": {"AWS:SourceOwner": id.Account}},
	}}})
	if err != nil { // plain texts can always be written
		panic(err)
	}
	return text
}

// setPolicy checks the policy of a topic; "" brings the default one back.
func setPolicy(id topic.ID, _, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	return text, checkPolicy(id, text)
}

func checkPolicy(id topic.ID, text string) error {
	const unreadable = "Policy Error: null"
	doc, err := policy.Parse(text)
	if err != nil {
		return badAttribute(unreadable)
	}
	if err := doc.Check(policyLimits); err != nil {
		return badAttribute("Policy exceeds a quota: %d bytes, %d statements, %d principals",
			policyLimits.Bytes, policyLimits.Statements, policyLimits.Principals)
	}
	read, err := grammar.Read(text)
	if err != nil {
		return badAttribute(unreadable)
	}
	sids := map[string]bool{}
	for _, s := range read.Statement {
		if s.Sid != "" && sids[s.Sid] {
			return badAttribute(unreadable)
		}
		sids[s.Sid] = true
		for _, a := range append(s.Action, s.NotAction...) {
			if !isGrantable(a) {
				return badAttribute(outOfScope)
			}
		}
		if len(s.Resource) != 1 {
			return badAttribute("Policy statement must apply to a single resource!")
		}
		if !appliesTo(s.Resource[0], id.ARN()) {
			return badAttribute(unreadable)
		}
	}
	return nil
}

// isGrantable reports whether a policy may name an action, "SNS:Publish", in any case.
// Wildcards cover actions that no topic's policy can allow.
func isGrantable(action string) bool {
	service, name, _ := strings.Cut(action, ":")
	if !strings.EqualFold(service, "sns") {
		return false
	}
	for _, g := range grantable {
		if strings.EqualFold(name, g) {
			return true
		}
	}
	return false
}

// appliesTo reports whether the resource of a statement is a topic, or covers it.
func appliesTo(resource, arn string) bool {
	before, _, wild := strings.Cut(resource, "*")
	return resource == arn || wild && strings.HasPrefix(arn, before)
}

// A document is a policy as far as labels need it understood. The statements stay as
// they were written.
type document struct {
	Version   string            `json:",omitempty"`
	ID        string            `json:"Id,omitempty"`
	Statement []json.RawMessage `json:""`
}

// readDocument reads the policy of a topic.
func readDocument(t *topic.Topic) (document, error) {
	var p struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(policyText(t)), &p); err != nil {
		return document{}, err
	}
	doc := document{Version: p.Version, ID: p.ID}
	if json.Unmarshal(p.Statement, &doc.Statement) != nil { // one statement may stand without a list
		doc.Statement = []json.RawMessage{p.Statement}
	}
	return doc, nil
}

// labelled reports whether a statement has a label.
func labelled(statement json.RawMessage, label string) bool {
	var s struct{ Sid string }
	return json.Unmarshal(statement, &s) == nil && s.Sid == label
}

// keepIn makes the document the policy of a topic.
func (d document) keepIn(t *topic.Topic) error {
	text, err := wire.PlainJSON(d)
	if err == nil {
		t.Attributes[topic.Policy] = text
	}
	return err
}
