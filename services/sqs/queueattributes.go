package sqs

import (
	"context"
	"maps"
	"slices"
	"time"

	"millrace/runtime/queue"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
)

// GetQueueAttributes   awsJson1_0, awsQuery
//
//   - answers the attributes asked for by name, or All; those that are not set
//     are left out, and no names give no attributes
//   - a name that SQS does not know is InvalidAttributeName, and so are FifoQueue
//     and ContentBasedDeduplication on a standard queue (aws/aws-sdk-ruby#1350)
//   - the counters are exact at the moment they are read
func (s *Service) GetQueueAttributes(ctx context.Context, in *api.GetQueueAttributesInput) (*api.GetQueueAttributesOutput, error) {
	q, err := s.find(ctx, "GetQueueAttributes", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	for _, name := range in.AttributeNames {
		fifoOnly := name == "FifoQueue" || name == "ContentBasedDeduplication"
		if !isAttribute(name) || fifoOnly && !q.ID().FIFO() {
			return nil, unknownAttribute(name)
		}
	}
	if len(in.AttributeNames) == 0 {
		return &api.GetQueueAttributesOutput{}, nil
	}
	counts, err := q.Counts(ctx)
	if err != nil {
		return nil, fromDomain(err, identity.From(ctx).Query)
	}
	all := render(q.ID(), q.Config(), counts)
	if !slices.Contains(in.AttributeNames, "All") {
		maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(in.AttributeNames, name) })
	}
	if len(all) == 0 {
		all = nil
	}
	return &api.GetQueueAttributesOutput{Attributes: all}, nil
}

// SetQueueAttributes   awsJson1_0, awsQuery
//
//   - sets all the attributes given or, if one of them is wrong, none
//   - the change holds at once for messages already there as well: retention,
//     and on a FIFO queue the delay
func (s *Service) SetQueueAttributes(ctx context.Context, in *api.SetQueueAttributesInput) (*api.SetQueueAttributesOutput, error) {
	q, err := s.find(ctx, "SetQueueAttributes", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.Attributes) == 0 {
		return nil, missingParam("Attributes")
	}
	err = q.Configure(ctx, func(c *queue.Config) error {
		c.Modified = time.Now()
		return apply(c, q.ID(), in.Attributes, s.redriveCheck(q.ID()))
	})
	if err != nil {
		return nil, fromDomain(err, identity.From(ctx).Query)
	}
	return &api.SetQueueAttributesOutput{}, nil
}

// isAttribute reports whether SQS has a queue attribute of that name, on some queue.
func isAttribute(name string) bool {
	switch name {
	case "All", policyAttribute, redrive, redriveAllow, kmsKey, kmsReuse, sse,
		"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit":
		return true
	}
	_, number := numbers[name]
	return number || slices.Contains(readOnly, name)
}
