package lambda

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
)

// AddPermission   restJson1
//
//   - Principal is *, an account, an ARN or a service's domain name
//   - a StatementId that is taken is refused with ResourceConflictException
//   - a RevisionId that is past is refused with PreconditionFailedException
//   - lets other accounts do the action; the function's own account needs no leave
//
// Not supported: services of AWS need no permission here.
func (s *Service) AddPermission(ctx context.Context, in *api.AddPermissionInput) (*api.AddPermissionOutput, error) {
	_, r, err := s.find(ctx, "AddPermission", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if r.Qualifier == function.Latest {
		return nil, invalidValue("We currently do not support adding policies for $LATEST.")
	}
	p := function.Permission{
		ID: value(in.StatementId), Action: value(in.Action), Principal: value(in.Principal),
		SourceARN: value(in.SourceArn), SourceAccount: value(in.SourceAccount), EventSourceToken: value(in.EventSourceToken),
		OrgID: value(in.PrincipalOrgID), URLAuthType: value(in.FunctionUrlAuthType), ViaURL: in.InvokedViaFunctionUrl,
	}
	if !principal.MatchString(p.Principal) {
		return nil, invalidValue("The provided principal was invalid. Please check the principal and try again.")
	}
	_, err = s.functions.Update(ctx, r.ID, func(f *function.Function) error {
		if err := checkPolicyRevision(f, in.RevisionId); err != nil {
			return err
		}
		if !f.Permit(p) {
			return conflict("The statement id (" + p.ID + ") provided already exists. Please provide a new statement id, or remove the existing statement.")
		}
		f.PolicyID = uuid.NewString()
		return nil
	})
	if err != nil {
		return nil, fromDomain(err)
	}
	text, err := json.Marshal(statementOf(p, r.ID))
	return &api.AddPermissionOutput{Statement: new(string(text))}, err
}

// RemovePermission   restJson1
//
//   - a statement that is not there is ResourceNotFoundException
func (s *Service) RemovePermission(ctx context.Context, in *api.RemovePermissionInput) (*api.RemovePermissionOutput, error) {
	_, r, err := s.find(ctx, "RemovePermission", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	_, err = s.functions.Update(ctx, r.ID, func(f *function.Function) error {
		if len(f.Permissions) == 0 {
			return notFound("No policy is associated with the given resource.")
		}
		if err := checkPolicyRevision(f, in.RevisionId); err != nil {
			return err
		}
		if !f.Forbid(value(in.StatementId)) {
			return notFound("Statement %s is not found in resource policy.", value(in.StatementId))
		}
		f.PolicyID = uuid.NewString()
		return nil
	})
	return &api.RemovePermissionOutput{}, fromDomain(err)
}

// GetPolicy   restJson1
//
//   - a function without permissions has no policy: ResourceNotFoundException
func (s *Service) GetPolicy(ctx context.Context, in *api.GetPolicyInput) (*api.GetPolicyOutput, error) {
	f, r, err := s.find(ctx, "GetPolicy", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if len(f.Permissions) == 0 {
		return nil, notFound("The resource you requested does not exist.")
	}
	text, err := json.Marshal(policyOf(f.Permissions, r.ID))
	return &api.GetPolicyOutput{Policy: new(string(text)), RevisionId: &f.PolicyID}, err
}

func checkPolicyRevision(f *function.Function, revision *string) error {
	if revision != nil && *revision != f.PolicyID {
		return stale("The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id")
	}
	return nil
}

// principal is what may be permitted to do something.
var principal = regexp.MustCompile(`^(\*|\d{12}|arn:.+|[^\s:]+\.[^\s:]+)$`)

// A policyDocument is a resource policy, in the order in which Lambda prints it.
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

func policyOf(permissions []function.Permission, id function.ID) policyDocument {
	doc := policyDocument{Version: "2012-10-17", ID: "default"}
	for _, p := range permissions {
		doc.Statement = append(doc.Statement, statementOf(p, id))
	}
	return doc
}

func statementOf(p function.Permission, id function.ID) statement {
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
	where := func(operator, key, v string) {
		if v == "" {
			return
		}
		if s.Condition == nil {
			s.Condition = map[string]map[string]string{}
		}
		if s.Condition[operator] == nil {
			s.Condition[operator] = map[string]string{}
		}
		s.Condition[operator][key] = v
	}
	where("ArnLike", "AWS:SourceArn", p.SourceARN)
	where("StringEquals", "AWS:SourceAccount", p.SourceAccount)
	where("StringEquals", "aws:PrincipalOrgID", p.OrgID)
	where("StringEquals", "lambda:EventSourceToken", p.EventSourceToken)
	where("StringEquals", "lambda:FunctionUrlAuthType", p.URLAuthType)
	if p.ViaURL != nil && *p.ViaURL {
		where("Bool", "lambda:InvokedViaFunctionUrl", "true")
	}
	return s
}
