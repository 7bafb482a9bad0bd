package sqs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millrace/runtime/queue"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// ChangeMessageVisibility   awsJson1_0, awsQuery
//
//   - hides a received message for VisibilityTimeout (0 to 43200 s) from now on;
//     0 makes it visible at once
//   - never beyond twelve hours from the receive
func (s *Service) ChangeMessageVisibility(ctx context.Context, in *api.ChangeMessageVisibilityInput) (*api.ChangeMessageVisibilityOutput, error) {
	q, err := s.find(ctx, "ChangeMessageVisibility", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	change := queue.VisibilityChange{ReceiptHandle: kit.Value(in.ReceiptHandle), Timeout: time.Duration(kit.Value(in.VisibilityTimeout)) * time.Second}
	switch {
	case change.ReceiptHandle == "":
		return nil, missingParam("ReceiptHandle")
	case in.VisibilityTimeout == nil:
		return nil, missingParam("VisibilityTimeout")
	}
	if err := checkVisibility(*in.VisibilityTimeout); err != nil {
		return nil, err
	}
	if err := q.ChangeVisibility(ctx, change)[0]; err != nil {
		return nil, fromHandle(err, change.ReceiptHandle, change, identity.From(ctx).Query)
	}
	return &api.ChangeMessageVisibilityOutput{}, nil
}

// ChangeMessageVisibilityBatch   awsJson1_0, awsQuery
//
//   - changes 1 to 10 messages together; an entry that is wrong fails alone
//   - an entry whose message is gone is ReceiptHandleIsInvalid, where the single
//     form answers InvalidParameterValue (recorded from AWS, 2025-12-01)
func (s *Service) ChangeMessageVisibilityBatch(ctx context.Context, in *api.ChangeMessageVisibilityBatchInput) (*api.ChangeMessageVisibilityBatchOutput, error) {
	query := identity.From(ctx).Query
	q, err := s.find(ctx, "ChangeMessageVisibility", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, "ChangeMessageVisibilityBatchRequestEntry", func(e *api.ChangeMessageVisibilityBatchRequestEntry) *string { return e.Id }); err != nil {
		return nil, err
	}
	out := &api.ChangeMessageVisibilityBatchOutput{}
	var changes []queue.VisibilityChange
	var ids []*string
	for i, e := range in.Entries {
		if e.ReceiptHandle == nil {
			return nil, missingParam(fmt.Sprintf("ChangeMessageVisibilityBatchRequestEntry.%d.ReceiptHandle", i+1))
		}
		if err := checkVisibility(kit.Value(e.VisibilityTimeout)); err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			continue
		}
		ids = append(ids, e.Id)
		changes = append(changes, queue.VisibilityChange{ReceiptHandle: *e.ReceiptHandle, Timeout: time.Duration(kit.Value(e.VisibilityTimeout)) * time.Second})
	}
	for i, err := range q.ChangeVisibility(ctx, changes...) {
		if err != nil {
			wrong := fromHandle(err, changes[i].ReceiptHandle, changes[i], query)
			if errors.Is(err, queue.ErrMessageNotFound) {
				wrong = api.ErrReceiptHandleIsInvalid("Message does not exist or is not available for visibility timeout change")
			}
			out.Failed = append(out.Failed, failed(ids[i], wrong))
			continue
		}
		out.Successful = append(out.Successful, &api.ChangeMessageVisibilityBatchResultEntry{Id: ids[i]})
	}
	return out, nil
}
