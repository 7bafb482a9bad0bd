package lambda

import (
	"context"

	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
)

// DeleteFunction   restJson1
//
//   - answers 204 once the function and its code are gone; events that run come
//     to their end, and mappings stay
//   - $LATEST alone cannot be deleted
func (s *Service) DeleteFunction(ctx context.Context, in *api.DeleteFunctionInput) (*api.DeleteFunctionOutput, error) {
	_, r, err := s.find(ctx, "DeleteFunction", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if r.Qualifier == function.Latest {
		return nil, invalidValue("$LATEST version cannot be deleted without deleting the function.")
	}
	return &api.DeleteFunctionOutput{StatusCode: new(int32(204))}, fromDomain(s.functions.Delete(ctx, r.ID))
}
