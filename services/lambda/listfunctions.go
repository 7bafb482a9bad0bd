package lambda

import (
	"context"

	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// ListFunctions   restJson1
//
//   - the functions of the caller's account and region, ordered by name
//   - at most MaxItems and never more than 50; NextMarker when there are more
//   - without State, LastUpdateStatus and RuntimeVersionConfig, as at AWS
//   - FunctionVersion=ALL qualifies the ARNs
//
// Not supported: MasterRegion, which is for functions of Lambda@Edge.
func (s *Service) ListFunctions(ctx context.Context, in *api.ListFunctionsInput) (*api.ListFunctionsOutput, error) {
	c := identity.From(ctx)
	all, next := page(s.functions.List(c.Account, c.Region), func(f function.Function) string { return f.Name }, in.Marker, in.MaxItems, 50)
	qualifier := ""
	if kit.Value(in.FunctionVersion) == "ALL" {
		qualifier = function.Latest
	}
	out := &api.ListFunctionsOutput{Functions: []*api.FunctionConfiguration{}, NextMarker: next}
	for _, f := range all {
		out.Functions = append(out.Functions, subset(f, qualifier))
	}
	return out, nil
}

// ListVersionsByFunction   restJson1
//
//   - answers $LATEST, the only version there is
func (s *Service) ListVersionsByFunction(ctx context.Context, in *api.ListVersionsByFunctionInput) (*api.ListVersionsByFunctionOutput, error) {
	f, _, err := s.find(ctx, "ListVersionsByFunction", in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	return &api.ListVersionsByFunctionOutput{Versions: []*api.FunctionConfiguration{subset(f, function.Latest)}}, nil
}

// page cuts a list that is ordered by key: what comes after marker, at most
// limit or most items. next is the marker of the page after it, nil on the last.
func page[T any](all []T, key func(T) string, marker *string, limit *int32, most int) (_ []T, next *string) {
	part, last := kit.Page(all, key, kit.Value(marker), min(int(kit.ValueOr(limit, int32(most))), most))
	return part, kit.Optional(last)
}
