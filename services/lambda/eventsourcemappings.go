package lambda

import (
	"context"

	"millrace/esm"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/identity"
)

// GetEventSourceMapping   restJson1
func (s *Service) GetEventSourceMapping(ctx context.Context, in *api.GetEventSourceMappingInput) (*api.GetEventSourceMappingOutput, error) {
	m, err := s.mapped(ctx, in.UUID)
	if err != nil {
		return nil, err
	}
	return (*api.GetEventSourceMappingOutput)(shown(m)), nil
}

// ListEventSourceMappings   restJson1
//
//   - those of a source, a function, both, or all of the account and region
//   - at most MaxItems and never more than 100; NextMarker when there are more
func (s *Service) ListEventSourceMappings(ctx context.Context, in *api.ListEventSourceMappingsInput) (*api.ListEventSourceMappingsOutput, error) {
	c := identity.From(ctx)
	function := ""
	if in.FunctionName != nil {
		r, err := named(ctx, "ListEventSourceMappings", in.FunctionName, nil)
		if err != nil {
			return nil, err
		}
		function = r.String()
	}
	all := s.mappings.List(func(m esm.Mapping) bool {
		return m.Account == c.Account && m.Region == c.Region &&
			(in.EventSourceArn == nil || m.EventSource == *in.EventSourceArn) &&
			(function == "" || m.FunctionARN == function)
	})
	all, next := page(all, func(m esm.Mapping) string { return m.UUID }, in.Marker, in.MaxItems, 100)
	out := &api.ListEventSourceMappingsOutput{EventSourceMappings: []*api.EventSourceMappingConfiguration{}, NextMarker: next}
	for _, m := range all {
		out.EventSourceMappings = append(out.EventSourceMappings, shown(m))
	}
	return out, nil
}

// DeleteEventSourceMapping   restJson1
//
//   - answers State Deleting; the mapping is gone when its running batches are over
func (s *Service) DeleteEventSourceMapping(ctx context.Context, in *api.DeleteEventSourceMappingInput) (*api.DeleteEventSourceMappingOutput, error) {
	if _, err := s.mapped(ctx, in.UUID); err != nil {
		return nil, err
	}
	m, err := s.mappings.Delete(ctx, *in.UUID)
	if err != nil {
		return nil, fromMappings(err, "delete")
	}
	return (*api.DeleteEventSourceMappingOutput)(shown(m)), nil
}
