package sqs

import (
	"context"
	"fmt"

	"millrace/runtime/queue"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// DeleteMessage   awsJson1_0, awsQuery
//
//   - deletes the message of a receipt handle; deleting it again succeeds
//   - on a standard queue a handle works until its message is deleted, also after
//     its visibility ran out; on a FIFO queue only until then
//   - text that is no handle of this queue is ReceiptHandleIsInvalid
func (s *Service) DeleteMessage(ctx context.Context, in *api.DeleteMessageInput) (*api.DeleteMessageOutput, error) {
	q, err := s.find(ctx, "DeleteMessage", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	handle := kit.Value(in.ReceiptHandle)
	if handle == "" {
		return nil, missingParam("MessageHandle") // AWS's own word (aws/aws-sdk-js-v3#5478)
	}
	if err := q.Delete(ctx, handle)[0]; err != nil {
		return nil, fromHandle(err, handle, queue.VisibilityChange{}, identity.From(ctx).Query)
	}
	return &api.DeleteMessageOutput{}, nil
}

// DeleteMessageBatch   awsJson1_0, awsQuery
//
//   - deletes 1 to 10 messages together; an entry with a bad handle fails alone
func (s *Service) DeleteMessageBatch(ctx context.Context, in *api.DeleteMessageBatchInput) (*api.DeleteMessageBatchOutput, error) {
	query := identity.From(ctx).Query
	q, err := s.find(ctx, "DeleteMessage", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, "DeleteMessageBatchRequestEntry", func(e *api.DeleteMessageBatchRequestEntry) *string { return e.Id }); err != nil {
		return nil, err
	}
	handles := make([]string, len(in.Entries))
	for i, e := range in.Entries {
		if e.ReceiptHandle == nil {
			return nil, missingParam(fmt.Sprintf("DeleteMessageBatchRequestEntry.%d.ReceiptHandle", i+1))
		}
		handles[i] = *e.ReceiptHandle
	}
	out := &api.DeleteMessageBatchOutput{}
	for i, err := range q.Delete(ctx, handles...) {
		id := in.Entries[i].Id
		if err != nil {
			out.Failed = append(out.Failed, failed(id, fromHandle(err, handles[i], queue.VisibilityChange{}, query)))
			continue
		}
		out.Successful = append(out.Successful, &api.DeleteMessageBatchResultEntry{Id: id})
	}
	return out, nil
}
