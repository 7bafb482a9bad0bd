package esm

import (
	"errors"
	"time"

	"millrace/esm/filter"
	"millrace/esm/source/sqs"
	"millrace/runtime/fault"
	"millrace/runtime/function"
	"millrace/runtime/queue"
)

// reportFailures is the one response type there is.
const reportFailures = "ReportBatchItemFailures"

// defaultBatch is the BatchSize of a mapping that names none.
const defaultBatch = 10

const noQueue = "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. " +
	"SQS Error Message: The specified queue does not exist."

const noRights = "The provided execution role does not have permissions to call ReceiveMessage on SQS"

// check finds what AWS refuses about a mapping, in AWS's order. Ranges of single
// numbers and lengths are the API model's and were checked with the request.
func (s *Mappings) check(m Mapping) error {
	id, ok := queue.IDFromARN(m.EventSource)
	if !ok {
		return fault.New(fault.Invalid, "Unrecognized event source.")
	}
	f, _, _ := function.IDFromARN(m.FunctionARN)
	switch {
	case id.Region != f.Region: // pmuens/serverless-kinesis-streams#1
		return fault.New(fault.Invalid, "Event source region must match Lambda region %s", f.Region)
	case id.FIFO() && m.Window > 0:
		return fault.New(fault.Invalid, "Batching window is not supported for FIFO queues")
	case m.BatchSize > perReceive && m.Window == 0:
		return fault.New(fault.Invalid, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	}
	if _, err := filter.Compile(sqs.New(id, nil, false).Traits().Payload, m.Filters); err != nil {
		return err
	}
	timeout, ok := s.config.Timeout(m.FunctionARN)
	if !ok {
		return fault.New(fault.Invalid, "%s", errNoFunction)
	}
	for _, other := range s.all() {
		if other.UUID != m.UUID && other.EventSource == m.EventSource && other.FunctionARN == m.FunctionARN {
			return fault.New(fault.Exists, `An event source mapping with SQS arn (" %s ") and function (" %s ") already exists. `+
				`Please update or delete the existing mapping with UUID %s`, m.EventSource, f.Name, other.UUID)
		}
	}
	q, err := s.config.queues(m.FunctionARN)(id)
	if errors.Is(err, fault.Denied) {
		return fault.Wrap(fault.Invalid, err, noRights)
	}
	if err != nil {
		return fault.Wrap(fault.Invalid, err, noQueue)
	}
	if hidden := q.Config().Visibility; hidden < timeout {
		return fault.New(fault.Invalid, "Queue visibility timeout: %d seconds is less than Function timeout: %d seconds",
			hidden/time.Second, timeout/time.Second)
	}
	return nil
}
