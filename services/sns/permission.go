package sns

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"millrace/runtime/policy"
	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// AddPermission   awsQuery
//
//   - adds a statement to the topic's policy: the accounts may do the actions
//   - a Label that the policy has already is refused
func (s *Service) AddPermission(ctx context.Context, in *api.AddPermissionInput) (*api.AddPermissionOutput, error) {
	t, err := s.find(ctx, "AddPermission", "TopicArn", in.TopicArn, nil)
	if err != nil {
		return nil, err
	}
	label := kit.Value(in.Label)
	statement, err := grant(t.ID, label, in.AWSAccountId, in.ActionName)
	if err != nil {
		return nil, err
	}
	_, err = s.topics.Update(ctx, t.ID, func(t *topic.Topic) error {
		doc, err := readDocument(t)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(doc.Statement, func(s json.RawMessage) bool { return labelled(s, label) }) {
			return invalid("Statement already exists")
		}
		doc.Statement = append(doc.Statement, statement)
		if err := doc.keepIn(t); err != nil {
			return err
		}
		return checkPolicy(t.ID, t.Attributes[topic.Policy])
	})
	if err != nil {
		return nil, fromTopics(ofOne(err))
	}
	return &api.AddPermissionOutput{}, nil
}

// RemovePermission   awsQuery
//
//   - removes the statement of the policy whose Sid is the Label; one that is not there
//     is removed
func (s *Service) RemovePermission(ctx context.Context, in *api.RemovePermissionInput) (*api.RemovePermissionOutput, error) {
	t, err := s.find(ctx, "RemovePermission", "TopicArn", in.TopicArn, nil)
	if err != nil {
		return nil, err
	}
	_, err = s.topics.Update(ctx, t.ID, func(t *topic.Topic) error {
		doc, err := readDocument(t)
		if err != nil {
			return err
		}
		n := len(doc.Statement)
		doc.Statement = slices.DeleteFunc(doc.Statement, func(s json.RawMessage) bool { return labelled(s, kit.Value(in.Label)) })
		if len(doc.Statement) == n {
			return nil
		}
		return doc.keepIn(t)
	})
	if err != nil {
		return nil, fromTopics(err)
	}
	return &api.RemovePermissionOutput{}, nil
}

// grant is the statement that lets accounts do actions, in AWS's spelling.
func grant(id topic.ID, label string, accounts, actions []string) (json.RawMessage, error) {
	if !isIdentifier(label) || len(label) > 80 {
		return nil, invalid("Label")
	}
	var principals, names []string
	for _, a := range accounts {
		if !policy.IsAccount(a) {
			return nil, invalid("AWSAccountId")
		}
		principals = append(principals, policy.RootPrincipal(a).ARN)
	}
	for _, a := range actions {
		if !slices.Contains(grantable, a) {
			return nil, invalid(outOfScope)
		}
		names = append(names, "SNS:"+a)
	}
	switch {
	case len(principals) == 0:
		return nil, invalid("AWSAccountId")
	case len(names) == 0:
		return nil, invalid("ActionName")
	}
	text, err := wire.PlainJSON(struct {
		Sid, Effect string
		Principal   struct{ AWS any }
		Action      any
		Resource    string
	}{label, "Allow", struct{ AWS any }{oneOrMany(principals)}, oneOrMany(names), id.ARN()})
	return json.RawMessage(text), err
}

// oneOrMany is how AWS writes a list of one: as the one.
func oneOrMany(texts []string) any {
	if len(texts) == 1 {
		return texts[0]
	}
	return texts
}

// isIdentifier reports whether a text is of letters, digits, "-" and "_", and not empty.
func isIdentifier(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !isWord(r) })
}
