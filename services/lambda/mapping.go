package lambda

import (
	"context"
	"strings"

	"millrace/esm"
	"millrace/runtime/arn"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

const mappingResource = "event-source-mapping:"

// mapped returns a mapping of the caller's account and region.
func (s *Service) mapped(ctx context.Context, uuid *string) (esm.Mapping, error) {
	c := identity.From(ctx)
	m, err := s.mappings.Get(kit.Value(uuid))
	if err == nil && (m.Account != c.Account || m.Region != c.Region) {
		return esm.Mapping{}, notFound(textNoMapping)
	}
	return m, fromMappings(err, "read")
}

// taggedMapping is the mapping that an ARN means, for its tags.
func (s *Service) taggedMapping(ctx context.Context, action, resource string) (taggable, error) {
	a, err := arn.Parse(resource)
	uuid, ok := strings.CutPrefix(a.Resource, mappingResource)
	c := identity.From(ctx)
	switch {
	case err != nil || a.Service != "lambda" || !ok:
		return taggable{}, invalidValue("The resource %s cannot be tagged.", resource)
	case a.Account != c.Account:
		return taggable{}, denied(&c, action, resource, false)
	}
	if _, err := s.mapped(ctx, &uuid); err != nil {
		return taggable{}, err
	}
	return taggable{
		read: func() (map[string]string, error) {
			m, err := s.mappings.Get(uuid)
			return m.Tags, fromMappings(err, "read")
		},
		change: func(ctx context.Context, change func(map[string]string) error) error {
			return fromMappings(s.mappings.Retag(ctx, uuid, change), "tag")
		},
	}, nil
}

// shown is a mapping as Lambda shows one of its kind.
func shown(m esm.Mapping) *api.EventSourceMappingConfiguration {
	kind := kindOf(m.EventSource)
	out := &api.EventSourceMappingConfiguration{
		BatchSize:             new(int32(m.BatchSize)),
		EventSourceArn:        &m.EventSource,
		EventSourceMappingArn: new(arn.New("lambda", m.Region, m.Account, mappingResource+m.UUID).String()),
		FunctionArn:           &m.FunctionARN,
		LastModified:          &m.Modified,
		State:                 &m.State,
		StateTransitionReason: new(kind.reason(m)),
		UUID:                  &m.UUID,
	}
	if m.Window != esm.OwnWindow {
		out.MaximumBatchingWindowInSeconds = new(int32(m.Window))
	}
	kind.show(m, out)
	if m.MaxConcurrent > 0 {
		out.ScalingConfig = &api.ScalingConfig{MaximumConcurrency: new(int32(m.MaxConcurrent))}
	}
	if len(m.Filters) > 0 {
		out.FilterCriteria = &api.FilterCriteria{}
		for _, p := range m.Filters {
			out.FilterCriteria.Filters = append(out.FilterCriteria.Filters, &api.Filter{Pattern: &p})
		}
	}
	return out
}

// mappingSettings are the members that creates and updates of a mapping share.
// A nil member leaves what is there.
type mappingSettings struct {
	BatchSize     *int32
	Window        *int32
	Enabled       *bool
	ResponseTypes []string
	Filters       *api.FilterCriteria
	Scaling       *api.ScalingConfig
}

func (s mappingSettings) apply(m *esm.Mapping) {
	setInt(&m.BatchSize, s.BatchSize)
	setInt(&m.Window, s.Window)
	if s.Enabled != nil {
		m.Enabled = *s.Enabled
	}
	if s.ResponseTypes != nil {
		m.ResponseTypes = s.ResponseTypes
	}
	if s.Filters != nil {
		m.Filters = nil
		for _, f := range s.Filters.Filters {
			m.Filters = append(m.Filters, kit.Value(f.Pattern))
		}
	}
	if s.Scaling != nil {
		m.MaxConcurrent = int(kit.Value(s.Scaling.MaximumConcurrency))
	}
}
