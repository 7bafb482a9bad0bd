package secretsmanager

import (
	"context"

	"millrace/runtime/policy"
	"millrace/runtime/secret"
	api "millrace/services/internal/api/secretsmanager"
	"millrace/services/internal/kit"
)

// policyName is the one policy that a secret has.
const policyName = "default"

// policyOf is secret for operations that change the resource policy that a request names.
func (s *Service) policyOf(ctx context.Context, id *string, op string, name *string) (request, error) {
	if kit.ValueOr(name, policyName) != policyName {
		return request{}, api.ErrInvalidParameterException("The only valid policy name is default.")
	}
	return s.secret(ctx, id, op, nil)
}

// PutResourcePolicy   awsJson1_1
//
//   - decides from then on what other accounts may do with the secret, and what its own
//     may not
//   - BlockPublicPolicy refuses one that lets any account in: PublicPolicyException
func (s *Service) PutResourcePolicy(ctx context.Context, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	r, err := s.policyOf(ctx, in.SecretId, "PutResourcePolicy", in.PolicyName)
	if err != nil {
		return nil, err
	}
	doc, err := document(*in.ResourcePolicy)
	if err != nil {
		return nil, err
	}
	if kit.Value(in.BlockPublicPolicy) && r.IsPublic(doc, *in.ResourcePolicy) {
		return nil, api.ErrPublicPolicyException("The BlockPublicPolicy parameter is set to true, and the resource policy did not prevent broad access to the secret.")
	}
	return &api.PutResourcePolicyOutput{ARN: r.arn(), Name: r.name(), PolicyName: new(policyName)}, s.setPolicy(ctx, r, *in.ResourcePolicy)
}

// GetResourcePolicy   awsJson1_1
//
//   - the policy as it was put
func (s *Service) GetResourcePolicy(ctx context.Context, in *api.GetResourcePolicyInput) (*api.GetResourcePolicyOutput, error) {
	r, err := s.secret(ctx, in.SecretId, "GetResourcePolicy", nil)
	if err != nil {
		return nil, err
	}
	if kit.ValueOr(in.PolicyName, policyName) != policyName {
		return nil, api.ErrResourceNotFoundException("Secrets Manager can't find the specified resource policy.")
	}
	if r.Deleting() {
		return nil, failure(secret.Deleting)
	}
	return &api.GetResourcePolicyOutput{ARN: r.arn(), Name: r.name(), PolicyName: new(policyName), ResourcePolicy: kit.Optional(r.Policy)}, nil
}

// DeleteResourcePolicy   awsJson1_1
//
//   - succeeds without a policy too
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *api.DeleteResourcePolicyInput) (*api.DeleteResourcePolicyOutput, error) {
	r, err := s.policyOf(ctx, in.SecretId, "DeleteResourcePolicy", in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &api.DeleteResourcePolicyOutput{ARN: r.arn(), Name: r.name(), PolicyName: new(policyName)}, s.setPolicy(ctx, r, "")
}

// ValidateResourcePolicy   awsJson1_1
//
//   - passes every policy that can be read; others are
//     MalformedPolicyDocumentException
//
// Not supported: the checks of AWS for broad access.
func (s *Service) ValidateResourcePolicy(ctx context.Context, in *api.ValidateResourcePolicyInput) (*api.ValidateResourcePolicyOutput, error) {
	if in.SecretId != nil {
		if _, err := s.secret(ctx, in.SecretId, "ValidateResourcePolicy", nil); err != nil {
			return nil, err
		}
	}
	if _, err := document(*in.ResourcePolicy); err != nil {
		return nil, err
	}
	return &api.ValidateResourcePolicyOutput{PolicyValidationPassed: new(true), ValidationErrors: []*api.ValidationErrorsEntry{}}, nil
}

func (s *Service) setPolicy(ctx context.Context, r request, text string) error {
	return failure(s.secrets.Edit(ctx, r.Secret, func(sec *secret.Secret) error {
		sec.Policy = text
		return nil
	}))
}

func document(text string) (*policy.Document, error) {
	doc, err := policy.Parse(text)
	if err != nil {
		return nil, api.ErrMalformedPolicyDocumentException("This resource policy contains a syntax error.")
	}
	return doc, nil
}
