package main

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// queue notes what is sent to it, and refuses one body.
type queue struct{ sent []string }

func (q *queue) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if *in.MessageBody == "refused" {
		return nil, errors.New("refused")
	}
	q.sent = append(q.sent, *in.QueueUrl+" "+*in.MessageBody)
	return &sqs.SendMessageOutput{}, nil
}

func TestHandle(t *testing.T) {
	for rule, c := range map[string]struct {
		data []string
		want []string
		ok   bool
	}{
		"all are sent":             {[]string{"YQ==", "Yg=="}, []string{"url a", "url b"}, true},
		"a failure fails all":      {[]string{"YQ==", "cmVmdXNlZA=="}, []string{"url a"}, false},
		"what is no base64 is one": {[]string{"?"}, nil, false},
	} {
		q := &queue{}
		var messages []events.RabbitMQMessage
		for _, d := range c.data {
			messages = append(messages, events.RabbitMQMessage{Data: d})
		}
		err := relay{q, "url"}.handle(t.Context(), events.RabbitMQEvent{MessagesByQueue: map[string][]events.RabbitMQMessage{"jobs::/": messages}})
		if (err == nil) != c.ok || !slices.Equal(q.sent, c.want) {
			t.Errorf("%s: sent %q, %v", rule, q.sent, err)
		}
	}
}
