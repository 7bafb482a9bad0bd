package esm

import (
	"errors"
	"fmt"

	"millrace/esm/source/sqs"
	"millrace/runtime/fault"
	"millrace/runtime/function"
	"millrace/runtime/pattern"
	"millrace/runtime/queue"
)

// reportFailures is the one response type there is.
const reportFailures = "ReportBatchItemFailures"

// defaultBatch is the BatchSize of a mapping that names none.
const defaultBatch = 10

// check finds what is wrong with a mapping, in the order in which AWS looks. Ranges
// of single numbers and lengths are the API model's and were checked with the request.
func (s *Mappings) check(m Mapping) error {
	id, ok := queue.IDFromARN(m.EventSource)
	if !ok {
		return ErrUnknownSource
	}
	f, _, _ := function.IDFromARN(m.FunctionARN)
	switch {
	case id.Region != f.Region: // pmuens/serverless-kinesis-streams#1
		return &RegionError{f.Region}
	case id.FIFO() && m.Window > 0:
		return ErrFIFOWindow
	case m.BatchSize > perReceive && m.Window == 0:
		return ErrLargeBatch
	}
	if _, err := pattern.CompileFilter(sqs.New(id, nil, false).Traits().Payload, m.Filters); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidFilter, err)
	}
	timeout, ok := s.config.Timeout(m.FunctionARN)
	if !ok {
		return ErrNoFunction
	}
	for _, other := range s.all() {
		if other.UUID != m.UUID && other.EventSource == m.EventSource && other.FunctionARN == m.FunctionARN {
			return &DuplicateError{other}
		}
	}
	q, err := s.config.queues(m.FunctionARN)(id)
	if errors.Is(err, fault.Denied) {
		return fmt.Errorf("%w: %w", ErrNoPermission, err)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoSource, err)
	}
	if hidden := q.Config().Visibility; hidden < timeout {
		return &VisibilityError{hidden, timeout}
	}
	return nil
}
