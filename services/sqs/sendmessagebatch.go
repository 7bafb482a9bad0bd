package sqs

import (
	"context"
	"fmt"

	"millrace/runtime/queue"
	"millrace/runtime/queue/digest"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// SendMessageBatch   awsJson1_0, awsQuery
//
//   - sends 1 to 10 messages of 1 MiB together, in the order of the request;
//     they reach the log as one, so that all accepted ones survive or none
//   - an entry that is wrong fails alone; a missing group or deduplication id on
//     a FIFO queue fails the whole request, as it does on AWS
func (s *Service) SendMessageBatch(ctx context.Context, in *api.SendMessageBatchInput) (*api.SendMessageBatchOutput, error) {
	c := identity.From(ctx)
	q, err := s.find(ctx, "SendMessage", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, "SendMessageBatchRequestEntry", func(e *api.SendMessageBatchRequestEntry) *string { return e.Id }); err != nil {
		return nil, err
	}
	cfg := q.Config()
	if err := checkEntries(in.Entries, q.ID(), cfg); err != nil {
		return nil, err
	}
	out := &api.SendMessageBatchOutput{}
	good := make([]*api.SendMessageBatchRequestEntry, 0, len(in.Entries))
	messages := make([]queue.Message, 0, len(in.Entries))
	total := 0
	for i, e := range in.Entries {
		d := draft{e.MessageBody, e.DelaySeconds, e.MessageAttributes, e.MessageSystemAttributes, e.MessageGroupId, e.MessageDeduplicationId}
		m, bytes, err := d.message(c, q.ID(), cfg)
		total += bytes
		switch {
		case kit.Value(e.MessageBody) == "":
			out.Failed = append(out.Failed, failed(e.Id, emptyValue("SendMessageBatchRequestEntry", i, "MessageBody")))
		case bytes > cfg.MaxBytes:
			out.Failed = append(out.Failed, failed(e.Id, tooLong(cfg.MaxBytes, "cannot be validated")))
		case err != nil:
			out.Failed = append(out.Failed, failed(e.Id, err))
		default:
			good, messages = append(good, e), append(messages, m)
		}
	}
	if total > maxBatchBytes {
		return nil, api.ErrBatchRequestTooLong(
			fmt.Sprintf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxBatchBytes, total))
	}
	if len(messages) == 0 {
		return out, nil
	}
	groups := make([]*string, len(good))
	for i, e := range good {
		groups[i] = e.MessageGroupId
	}
	if err := s.spendGroupQuota(q, groups...); err != nil {
		return nil, err
	}
	sent, err := send(ctx, q, messages...)
	if err != nil {
		return nil, fromDomain(err, c.Query)
	}
	out.Successful = make([]*api.SendMessageBatchResultEntry, 0, len(good))
	for i, e := range good {
		out.Successful = append(out.Successful, &api.SendMessageBatchResultEntry{
			Id:                           e.Id,
			MessageId:                    &sent[i].MessageID,
			MD5OfMessageBody:             new(digest.Body(&messages[i])),
			MD5OfMessageAttributes:       kit.Optional(digest.Attributes(messages[i].Attributes)),
			MD5OfMessageSystemAttributes: systemDigest(e.MessageSystemAttributes),
			SequenceNumber:               kit.Optional(sent[i].SequenceNumber),
		})
	}
	return out, nil
}

// checkEntries finds what fails a whole batch: what an entry cannot do without.
// That a group id is missing is not MissingParameter here, but recorded so.
func checkEntries(entries []*api.SendMessageBatchRequestEntry, id queue.ID, cfg queue.Config) error {
	if !id.FIFO() {
		return nil
	}
	for _, e := range entries {
		switch {
		case e.MessageGroupId == nil:
			return invalidValue("The request must contain the parameter MessageGroupId.")
		case e.MessageDeduplicationId == nil && !cfg.ContentDedup:
			return noDedupID()
		}
	}
	return nil
}
