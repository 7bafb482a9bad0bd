package sns

import (
	"cmp"
	"context"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/trace"

	"millrace/runtime/telemetry"
	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/identity"
)

// A publisher takes messages: the topics do. Its methods are described there.
type publisher interface {
	Publish(ctx context.Context, id topic.ID, messages ...topic.Message) ([]topic.Published, error)
	Text(ctx context.Context, account, region, phone string, m topic.Message) (messageID string, err error)
}

// Publish   awsQuery
//
//   - answers once every delivery that follows is durable: they survive the process
//     from then on
//   - a message is 1 character to the topic's MaximumMessageSize bytes, attributes
//     counted, the subject not
//   - TargetArn may name a topic, as TopicArn does
//   - a text to a PhoneNumber is kept in the outbox of texts; nothing is sent
//   - a FIFO topic drops a repeated deduplication id for five minutes, and answers with
//     the ids of the first
//   - on a standard topic, a MessageGroupId goes to subscribed standard queues
//   - a MessageStructure other than json means nothing
//   - the HTTP header X-Amzn-Trace-Id goes with the message
//
// Not supported: publishing to endpoints of mobile platforms, of which there are none.
func (s *Service) Publish(ctx context.Context, in *api.PublishInput) (*api.PublishOutput, error) {
	d := draft{in.Message, in.Subject, in.MessageStructure, in.MessageAttributes, in.MessageGroupId, in.MessageDeduplicationId}
	param, arn, err := destination(in)
	switch {
	case err != nil:
		return nil, err
	case param == "PhoneNumber":
		return s.publishText(ctx, arn, &d)
	case param == "TargetArn" && strings.Contains(arn, ":endpoint/"):
		return nil, invalid("TargetArn Reason: No endpoint found for the target arn specified")
	}
	t, err := s.find(ctx, "Publish", param, &arn, nil)
	if err != nil {
		return nil, err
	}
	m, err := d.message(identity.From(ctx).TraceHeader, t.MaxBytes())
	if err == nil {
		err = d.checkIDs(&t)
	}
	if err != nil {
		return nil, err
	}
	published, err := s.publish(ctx, t.ID, m)
	if err == nil {
		err = published[0].Err
	}
	if err != nil {
		return nil, fromTopics(err)
	}
	return &api.PublishOutput{
		MessageId:      &published[0].MessageID,
		SequenceNumber: sequenceNumber(&published[0]),
	}, nil
}

// destination is the one parameter that says where a message goes.
func destination(in *api.PublishInput) (param, value string, err error) {
	for _, p := range []struct {
		name  string
		value *string
	}{{"TopicArn", in.TopicArn}, {"TargetArn", in.TargetArn}, {"PhoneNumber", in.PhoneNumber}} {
		switch {
		case p.value == nil:
		case param != "":
			return "", "", invalid("TopicArn, TargetArn and PhoneNumber Reason: only one of them may be specified")
		default:
			param, value = p.name, *p.value
		}
	}
	if param == "" {
		err = invalid("TopicArn or TargetArn Reason: no value for required parameter")
	}
	return param, value, err
}

const (
	// maxText is what an SMS may have, in characters
	// (https://docs.aws.amazon.com/sns/latest/dg/sms_sending-overview.html).
	maxText = 1600

	// maxTextBytes bounds a message to a phone number as MaximumMessageSize does others.
	maxTextBytes = 256 << 10
)

func (s *Service) publishText(ctx context.Context, number string, d *draft) (*api.PublishOutput, error) {
	c := identity.From(ctx)
	if err := s.signed(ctx); err != nil {
		return nil, err
	}
	if !e164.MatchString(number) {
		return nil, invalid("PhoneNumber Reason: %s is not valid to publish to", number)
	}
	m, err := d.message(c.TraceHeader, maxTextBytes)
	if err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(cmp.Or(m.ByProtocol[topic.SMS], m.ByProtocol["default"], m.Body)) > maxText {
		return nil, tooLong()
	}
	id, err := s.publisher.Text(ctx, c.Account, c.Region, number, m)
	if err != nil {
		return nil, fromTopics(err)
	}
	return &api.PublishOutput{MessageId: &id}, nil
}

// sequenceNumber is that of a message of a FIFO topic; nil for others.
func sequenceNumber(p *topic.Published) *string {
	if p.Seq == 0 {
		return nil
	}
	return new(topic.SequenceNumber(p.Seq))
}

// publish hands messages to the topic; the trace of the request goes with them.
func (s *Service) publish(ctx context.Context, id topic.ID, messages ...topic.Message) ([]topic.Published, error) {
	if !telemetry.Tracing() {
		return s.publisher.Publish(ctx, id, messages...)
	}
	ctx, span := telemetry.Start(ctx, "millrace/sns", id.Name+" publish", trace.WithSpanKind(trace.SpanKindProducer))
	defer span.End()
	return s.publisher.Publish(ctx, id, messages...)
}
