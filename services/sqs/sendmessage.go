package sqs

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"millrace/runtime/queue"
	"millrace/runtime/queue/digest"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/telemetry"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// SendMessage   awsJson1_0, awsQuery
//
//   - answers once the message is in the log: it survives the process from then on
//   - a body is 1 character to MaximumMessageSize bytes, attributes counted
//   - attribute values come out as they went in, numbers with all their zeros
//   - a FIFO queue drops a repeated deduplication id for five minutes, and
//     answers with the ids of the first
//   - the HTTP header X-Amzn-Trace-Id becomes AWSTraceHeader unless one is given
func (s *Service) SendMessage(ctx context.Context, in *api.SendMessageInput) (*api.SendMessageOutput, error) {
	c := identity.From(ctx)
	q, err := s.find(ctx, "SendMessage", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	d := draft{in.MessageBody, in.DelaySeconds, in.MessageAttributes, in.MessageSystemAttributes, in.MessageGroupId, in.MessageDeduplicationId}
	m, _, err := d.message(c, q.ID(), q.Config())
	if err != nil {
		return nil, err
	}
	if err := s.spendGroupQuota(q, in.MessageGroupId); err != nil {
		return nil, err
	}
	sent, err := send(ctx, q, m)
	if err != nil {
		return nil, fromDomain(err, c.Query)
	}
	return &api.SendMessageOutput{
		MessageId:                    &sent[0].MessageID,
		MD5OfMessageBody:             new(digest.Body(&m)),
		MD5OfMessageAttributes:       kit.Optional(digest.Attributes(m.Attributes)),
		MD5OfMessageSystemAttributes: systemDigest(in.MessageSystemAttributes),
		SequenceNumber:               kit.Optional(sent[0].SequenceNumber),
	}, nil
}

// send hands messages to the queue; their trace goes with them.
func send(ctx context.Context, q *jetqueue.Queue, messages ...queue.Message) ([]queue.SendResult, error) {
	if !telemetry.Tracing() {
		return q.Send(ctx, messages...)
	}
	ctx, span := telemetry.Start(ctx, "millrace/sqs", q.ID().Name+" send", trace.WithSpanKind(trace.SpanKindProducer))
	defer span.End()
	if parent := telemetry.TraceParent(ctx); parent != "" {
		for i := range messages {
			messages[i].TraceParent = parent
		}
	}
	return q.Send(ctx, messages...)
}
