package secretsmanager

import (
	"context"
	"errors"

	"millrace/runtime/secret"
	api "millrace/services/internal/api/secretsmanager"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// BatchGetSecretValue   awsJson1_1
//
//   - the values with AWSCURRENT of up to 20 secrets by their ids, or of those that
//     Filters find, 20 a page
//   - a secret that cannot be read is an entry of Errors
func (s *Service) BatchGetSecretValue(ctx context.Context, in *api.BatchGetSecretValueInput) (*api.BatchGetSecretValueOutput, error) {
	switch {
	case (in.SecretIdList == nil) == (in.Filters == nil):
		if in.SecretIdList == nil && in.MaxResults != nil {
			return nil, noFilters()
		}
		return nil, api.ErrInvalidParameterException("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
	case in.Filters == nil && in.MaxResults != nil:
		return nil, noFilters()
	}
	out := &api.BatchGetSecretValueOutput{SecretValues: []*api.SecretValueEntry{}, Errors: []*api.APIErrorType{}}
	ids := in.SecretIdList
	if in.Filters != nil {
		found, err := s.found(ctx, in.Filters, false)
		if err != nil {
			return nil, err
		}
		order, err := orderOf(nil, nil)
		if err != nil {
			return nil, err
		}
		if found, out.NextToken, err = order.page(found, in.NextToken, kit.ValueOr(in.MaxResults, 20)); err != nil {
			return nil, err
		}
		for _, sec := range found {
			ids = append(ids, sec.ARN())
		}
	}
	for _, id := range ids {
		r, err := s.secret(ctx, &id, "GetSecretValue", map[string]string{"VersionStage": secret.Current})
		var value *api.SecretValueEntry
		if err == nil {
			value, err = s.read(ctx, r, "", "")
		}
		var e *wire.Error
		switch {
		case err == nil:
			out.SecretValues = append(out.SecretValues, value)
		case errors.As(err, &e):
			out.Errors = append(out.Errors, &api.APIErrorType{SecretId: &id, ErrorCode: &e.Code, Message: &e.Message})
		default:
			return nil, err
		}
	}
	return out, nil
}

func noFilters() error {
	return api.ErrInvalidParameterException("'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.")
}
