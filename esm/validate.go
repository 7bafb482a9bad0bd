package esm

import (
	"errors"
	"fmt"

	"millrace/esm/source"
	"millrace/runtime/arn"
	"millrace/runtime/fault"
	"millrace/runtime/function"
	"millrace/runtime/pattern"
)

// reportFailures is the one response type there is.
const reportFailures = "ReportBatchItemFailures"

// source makes the source of a mapping: ErrUnknownSource when no kind knows its ARN.
func (s *Mappings) source(m Mapping) (source.Source, error) {
	a, err := arn.Parse(m.EventSource)
	kind := s.config.Sources[a.Service]
	if err != nil || kind == nil {
		return nil, ErrUnknownSource
	}
	src, ok := kind(source.Spec{
		Mapping: m.UUID, ARN: a, FunctionARN: m.FunctionARN, Window: m.Window > 0, Filtered: len(m.Filters) > 0,
		BatchSize: m.BatchSize, Queue: m.Queue, Access: m.Access,
	})
	if !ok {
		return nil, ErrUnknownSource
	}
	return src, nil
}

// check finds what is wrong with a mapping, in the order in which AWS looks, and
// sets what it leaves to its source. Ranges of single numbers and lengths are the
// API model's and were checked with the request. It is called with mu held.
func (s *Mappings) check(m *Mapping) error {
	src, err := s.source(*m)
	if err != nil {
		return err
	}
	traits := src.Traits()
	if m.BatchSize == 0 {
		m.BatchSize = traits.DefaultBatch
	}
	if m.Window == OwnWindow && traits.DefaultWindow == 0 {
		m.Window = 0
	}
	a, _ := arn.Parse(m.EventSource) // a kind knew it
	f, _, _ := function.IDFromARN(m.FunctionARN)
	switch {
	case a.Region != f.Region: // pmuens/serverless-kinesis-streams#1
		return &RegionError{f.Region}
	case traits.NoWindow && m.Window > 0:
		return ErrNoWindow
	case traits.MaxUnwindowed > 0 && m.BatchSize > traits.MaxUnwindowed && m.Window == 0:
		return ErrLargeBatch
	}
	if _, err := pattern.CompileFilter(traits.Payload, m.Filters); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidFilter, err)
	}
	timeout, ok := s.config.Timeout(m.FunctionARN)
	if !ok {
		return ErrNoFunction
	}
	for _, other := range s.all() {
		if other.UUID != m.UUID && other.EventSource == m.EventSource && other.FunctionARN == m.FunctionARN &&
			other.Queue == m.Queue && source.FindVirtualHost(other.Access) == source.FindVirtualHost(m.Access) {
			return &DuplicateError{other}
		}
	}
	return checkSource(src.Check(timeout))
}

// checkSource says what an error of a source's Check means for a mapping.
func checkSource(err error) error {
	_, short := errors.AsType[*source.VisibilityError](err)
	_, told := errors.AsType[*source.Error](err)
	switch {
	case err == nil || short || told:
		return err
	case errors.Is(err, fault.Denied):
		return fmt.Errorf("%w: %w", ErrNoPermission, err)
	}
	return fmt.Errorf("%w: %w", ErrNoSource, err)
}
