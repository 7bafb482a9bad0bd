package s3

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"

	"millrace/runtime/object"
	"millrace/runtime/object/destination"
	"millrace/runtime/object/notify"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// PutBucketNotificationConfiguration   restXml
//
//   - replaces all; an empty element announces nothing from now on
//   - destinations are standard queues, standard topics and functions of the bucket's
//     region, which are there and let S3 send; x-amz-skip-destination-validation leaves
//     that unasked
//   - queues and topics get an s3:TestEvent each, unless validation is skipped or the runtime
//     was started with --s3-test-events off
//   - two configurations never match the same event
//   - a queue of the bucket's account that has no policy at all is let through, with a
//     line in the log and no s3:TestEvent; AWS refuses it
//
// Not supported: EventBridgeConfiguration is stored and returned, and nothing is sent to
// EventBridge. Events that no supported operation causes can be asked for and never come.
func (s *Service) PutBucketNotificationConfiguration(ctx context.Context, in *api.PutBucketNotificationConfigurationInput) (*api.PutBucketNotificationConfigurationOutput, error) {
	b, err := s.find(ctx, notificationRequest("Put", in.Bucket, in.ExpectedBucketOwner))
	if err != nil {
		return nil, err
	}
	if in.NotificationConfiguration == nil {
		return nil, noBody()
	}
	sent, err := destinations(in.NotificationConfiguration)
	if err != nil {
		return nil, err
	}
	id := b.Info().ID
	conf, err := notify.Accept(sent, id.Region, rand.Reader)
	if err != nil {
		return nil, fromNotify(err)
	}
	if !kit.Value(in.SkipDestinationValidation) {
		if err := s.tryDestinations(ctx, id, conf.Destinations); err != nil {
			return nil, fromNotify(err)
		}
	}
	if err := b.Update(ctx, func(settings *object.Settings) error {
		settings.Notifications = conf
		return nil
	}); err != nil {
		return nil, fromBuckets(err, id.Name)
	}
	return &api.PutBucketNotificationConfigurationOutput{}, nil
}

// tryDestinations checks that destinations are there and let the bucket send, and then sends
// the test event to those that get one.
func (s *Service) tryDestinations(ctx context.Context, id object.ID, all []notify.Destination) error {
	from := destination.Bucket{Name: id.Name, Account: id.Account}
	if err := destination.Check(all, from, s.resolve); err != nil {
		return err
	}
	for _, arn := range destination.WithoutPolicy(all, s.resolve) {
		s.config.Log.Warn("a bucket is to notify a queue that has no policy; AWS refuses that until its policy lets s3.amazonaws.com send", "bucket", id.Name, "queue", arn)
	}
	if s.config.TestEventsOff {
		return nil
	}
	c := identity.From(ctx)
	return destination.Test(ctx, all, from, notify.TestEvent(id.Name, s.now(), c.RequestID, c.HostID), s.resolve)
}

// GetBucketNotificationConfiguration   restXml
//
//   - an empty element for a bucket that announces nothing
func (s *Service) GetBucketNotificationConfiguration(ctx context.Context, in *api.GetBucketNotificationConfigurationInput) (*api.GetBucketNotificationConfigurationOutput, error) {
	settings, err := s.settings(ctx, notificationRequest("Get", in.Bucket, in.ExpectedBucketOwner))
	if err != nil {
		return nil, err
	}
	out := &api.GetBucketNotificationConfigurationOutput{}
	for _, d := range settings.Notifications.Destinations {
		filter := keyFilter(d.Filter)
		switch d.Kind {
		case notify.Queue:
			out.QueueConfigurations = append(out.QueueConfigurations, &api.QueueConfiguration{Id: &d.ID, QueueArn: &d.ARN, Events: d.Events, Filter: filter})
		case notify.Topic:
			out.TopicConfigurations = append(out.TopicConfigurations, &api.TopicConfiguration{Id: &d.ID, TopicArn: &d.ARN, Events: d.Events, Filter: filter})
		case notify.Function:
			out.LambdaFunctionConfigurations = append(out.LambdaFunctionConfigurations,
				&api.LambdaFunctionConfiguration{Id: &d.ID, LambdaFunctionArn: &d.ARN, Events: d.Events, Filter: filter})
		}
	}
	if settings.Notifications.EventBridge {
		out.EventBridgeConfiguration = &api.EventBridgeConfiguration{}
	}
	return out, nil
}

func notificationRequest(verb string, bucket, owner *string) request {
	return request{action: verb + "BucketNotification", bucket: bucket, owner: owner}
}

// destinations reads the configuration of a request.
func destinations(in *api.NotificationConfiguration) (c notify.Configuration, err error) {
	c.EventBridge = in.EventBridgeConfiguration != nil
	add := func(kind notify.Kind, id, arn *string, events []string, filter *api.NotificationConfigurationFilter) {
		d := notify.Destination{Kind: kind, ID: kit.Value(id), ARN: kit.Value(arn), Events: events}
		if filter != nil && filter.Key != nil {
			for _, r := range filter.Key.FilterRules {
				if r == nil || r.Name == nil || r.Value == nil {
					err = malformed()
					return
				}
				d.Filter = append(d.Filter, notify.FilterRule{Name: *r.Name, Value: *r.Value})
			}
		}
		c.Destinations = append(c.Destinations, d)
	}
	for _, t := range in.TopicConfigurations {
		add(notify.Topic, t.Id, t.TopicArn, t.Events, t.Filter)
	}
	for _, q := range in.QueueConfigurations {
		add(notify.Queue, q.Id, q.QueueArn, q.Events, q.Filter)
	}
	for _, f := range in.LambdaFunctionConfigurations {
		add(notify.Function, f.Id, f.LambdaFunctionArn, f.Events, f.Filter)
	}
	return c, err
}

// keyFilter is a filter as S3 answers it; nil for none.
func keyFilter(rules []notify.FilterRule) *api.NotificationConfigurationFilter {
	if len(rules) == 0 {
		return nil
	}
	key := &api.S3KeyFilter{}
	for _, r := range rules {
		key.FilterRules = append(key.FilterRules, &api.FilterRule{Name: &r.Name, Value: &r.Value})
	}
	return &api.NotificationConfigurationFilter{Key: key}
}

// fromNotify translates the refusals of configurations.
func fromNotify(err error) error {
	e, ok := errors.AsType[*notify.Error](err)
	switch {
	case !ok:
		return err
	case e.Reason == notify.Malformed:
		return malformed()
	}
	refused := refusal("InvalidArgument", http.StatusBadRequest, e.Error())
	for _, f := range e.Fields {
		refused.Elements = append(refused.Elements, wire.Element{Name: f.Name, Text: f.Value})
	}
	return refused
}
