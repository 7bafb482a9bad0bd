package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"millrace/runtime/policy"
	"millrace/runtime/queue"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// AddPermission   awsJson1_0, awsQuery
//
//   - adds a statement to the queue's policy, and a policy where there is none:
//     the accounts may do the actions, 1 to 7 of them or *
//   - the single form of an action grants its batch form too
//   - actions that only a queue's owner may call can be granted to nobody
//   - a Label that the policy has already is refused
func (s *Service) AddPermission(ctx context.Context, in *api.AddPermissionInput) (*api.AddPermissionOutput, error) {
	q, err := s.find(ctx, "AddPermission", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	label := kit.Value(in.Label)
	if err := checkGrant(label, in.AWSAccountIds, in.Actions); err != nil {
		return nil, err
	}
	err = q.Configure(ctx, func(c *queue.Config) error {
		doc, err := readPermissions(c.Texts[policyAttribute], q.ID())
		if err != nil {
			return err
		}
		if doc.index(label) >= 0 {
			return invalidParam("Label", label, "Already exists.")
		}
		if err := doc.grant(label, q.ID(), in.AWSAccountIds, in.Actions); err != nil {
			return err
		}
		if err := doc.write(c); err != nil {
			return err
		}
		return checkPolicy(c.Texts[policyAttribute])
	})
	return &api.AddPermissionOutput{}, fromDomain(err, identity.From(ctx).Query)
}

// RemovePermission   awsJson1_0, awsQuery
//
//   - removes the statement of the policy whose Sid is the Label; the last one
//     takes the policy with it
func (s *Service) RemovePermission(ctx context.Context, in *api.RemovePermissionInput) (*api.RemovePermissionOutput, error) {
	q, err := s.find(ctx, "RemovePermission", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	label := kit.Value(in.Label)
	if in.Label == nil {
		return nil, missingParam("Label")
	}
	err = q.Configure(ctx, func(c *queue.Config) error {
		doc, err := readPermissions(c.Texts[policyAttribute], q.ID())
		if err != nil {
			return err
		}
		i := doc.index(label)
		if i < 0 {
			return invalidParam("Label", label, "can't find label.")
		}
		doc.Statement = slices.Delete(doc.Statement, i, i+1)
		return doc.write(c)
	})
	return &api.RemovePermissionOutput{}, fromDomain(err, identity.From(ctx).Query)
}

// grantable are the actions that a policy may grant: all that are not the
// owner's own. Batch forms go with their single forms and have no name here.
var grantable = []string{"*", "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl",
	"ListDeadLetterSourceQueues", "PurgeQueue", "ReceiveMessage", "SendMessage"}

func checkGrant(label string, accounts, actions []string) error {
	switch {
	case label == "":
		return missingParam("Label")
	case len(label) > 80 || !isWord(label):
		return invalidParam("Label", label, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.")
	case len(accounts) == 0 || !allFunc(accounts, policy.IsAccount):
		return invalidParam("PrincipalId", "["+strings.Join(accounts, ", ")+"]", "Unable to verify.")
	case len(actions) == 0:
		return missingParam("Actions")
	case len(actions) > policyLimits.Actions:
		return api.ErrOverLimit(fmt.Sprintf("%d Actions were found, maximum allowed is %d.", len(actions), policyLimits.Actions))
	}
	for _, a := range actions {
		switch {
		case slices.Contains(grantable, a):
		case ownerOnlyActions[a]:
			return invalidParam("ActionName", "SQS:"+a, "Only the queue owner is allowed to invoke this action.")
		default:
			return invalidParam("ActionName", "SQS:"+a, unknownAction)
		}
	}
	return nil
}

// Permissions are a policy as far as labels need it understood. The statements
// stay as they were written.
type permissions struct {
	Version   string            `json:",omitempty"`
	ID        string            `json:"Id,omitempty"`
	Statement []json.RawMessage `json:""`
}

// readPermissions reads a policy; "" is a fresh one of the queue.
func readPermissions(text string, id queue.ID) (permissions, error) {
	if text == "" {
		return permissions{Version: "2008-10-17", ID: id.ARN().String() + "/SQSDefaultPolicy"}, nil
	}
	var p struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return permissions{}, badAttribute(policyAttribute)
	}
	doc := permissions{Version: p.Version, ID: p.ID}
	if len(p.Statement) > 0 && json.Unmarshal(p.Statement, &doc.Statement) != nil { // one statement may stand without a list
		doc.Statement = []json.RawMessage{p.Statement}
	}
	return doc, nil
}

// index finds the statement with a label, or returns -1.
func (p *permissions) index(label string) int {
	return slices.IndexFunc(p.Statement, func(raw json.RawMessage) bool {
		var s struct{ Sid string }
		return json.Unmarshal(raw, &s) == nil && s.Sid == label
	})
}

func (p *permissions) grant(label string, id queue.ID, accounts, actions []string) error {
	var principals, names []string
	for _, a := range accounts {
		principals = append(principals, "arn:aws:iam::"+a+":root")
	}
	for _, a := range actions {
		names = append(names, "SQS:"+a)
	}
	raw, err := json.Marshal(struct {
		Sid, Effect string
		Principal   struct{ AWS any }
		Action      any
		Resource    string
	}{label, "Allow", struct{ AWS any }{oneOrMany(principals)}, oneOrMany(names), id.ARN().String()})
	p.Statement = append(p.Statement, raw)
	return err
}

// write sets the policy, or takes it away when it says nothing anymore.
func (p *permissions) write(c *queue.Config) error {
	texts := cloneTexts(c.Texts)
	delete(texts, policyAttribute)
	if len(p.Statement) > 0 {
		text, err := wire.PlainJSON(p)
		if err != nil {
			return err
		}
		texts[policyAttribute] = text
	}
	c.Texts, c.Modified = texts, time.Now()
	return nil
}

// oneOrMany is how AWS writes a list of one: as the one.
func oneOrMany(texts []string) any {
	if len(texts) == 1 {
		return texts[0]
	}
	return texts
}

func allFunc[E any](all []E, ok func(E) bool) bool {
	return !slices.ContainsFunc(all, func(e E) bool { return !ok(e) })
}
