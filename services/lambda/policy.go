package lambda

import (
	"context"
	"regexp"

	"github.com/google/uuid"

	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/kit"
)

// AddPermission   restJson1
//
//   - Principal is *, an account, an ARN or a service's domain name
//   - a StatementId that is taken is refused with ResourceConflictException
//   - a RevisionId that is past is refused with PreconditionFailedException
//   - lets services and other accounts do the action; the
//     function's own account needs no permission
func (s *Service) AddPermission(ctx context.Context, in *api.AddPermissionInput) (*api.AddPermissionOutput, error) {
	_, r, err := s.find(ctx, "AddPermission", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if r.Qualifier == function.Latest {
		return nil, invalidValue("We currently do not support adding policies for $LATEST.")
	}
	p := function.Permission{
		ID: kit.Value(in.StatementId), Action: kit.Value(in.Action), Principal: kit.Value(in.Principal),
		SourceARN: kit.Value(in.SourceArn), SourceAccount: kit.Value(in.SourceAccount), EventSourceToken: kit.Value(in.EventSourceToken),
		OrgID: kit.Value(in.PrincipalOrgID), URLAuthType: kit.Value(in.FunctionUrlAuthType), ViaURL: in.InvokedViaFunctionUrl,
	}
	if !principal.MatchString(p.Principal) {
		return nil, invalidValue("The provided principal was invalid. Please check the principal and try again.")
	}
	_, err = s.functions.Update(ctx, r.ID, func(f *function.Function) error {
		if err := checkPolicyRevision(f, in.RevisionId); err != nil {
			return err
		}
		if !f.AddPermission(p) {
			return conflict("The statement id (" + p.ID + ") provided already exists. Please provide a new statement id, or remove the existing statement.")
		}
		f.PolicyID = uuid.NewString()
		return nil
	})
	if err != nil {
		return nil, fromDomain(err)
	}
	return &api.AddPermissionOutput{Statement: new(p.Statement(r.ID))}, nil
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
		if !f.RemovePermission(kit.Value(in.StatementId)) {
			return notFound("Statement %s is not found in resource policy.", kit.Value(in.StatementId))
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
	f, _, err := s.find(ctx, "GetPolicy", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if len(f.Permissions) == 0 {
		return nil, notFound("The resource you requested does not exist.")
	}
	return &api.GetPolicyOutput{Policy: new(f.Policy()), RevisionId: &f.PolicyID}, nil
}

func checkPolicyRevision(f *function.Function, revision *string) error {
	if revision != nil && *revision != f.PolicyID {
		return stale("The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id")
	}
	return nil
}

// principal is what may be permitted to do something.
var principal = regexp.MustCompile(`^(\*|\d{12}|arn:.+|[^\s:]+\.[^\s:]+)$`)
