// Relay hands the messages of a queue of RabbitMQ on to the SQS queue that QUEUE_URL names.
//
// When one of a batch cannot be sent the whole batch fails and comes again, so the SQS
// queue may get a message twice.
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// A relay sends to one queue.
type relay struct {
	client sender
	url    string
}

// sender is what a relay needs of SQS.
type sender interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

func (r relay) handle(ctx context.Context, event events.RabbitMQEvent) error {
	for queue, messages := range event.MessagesByQueue {
		for _, m := range messages {
			body, err := base64.StdEncoding.DecodeString(m.Data)
			if err != nil {
				return fmt.Errorf("a message of %s: %w", queue, err)
			}
			text := string(body)
			if _, err := r.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &r.url, MessageBody: &text}); err != nil {
				return fmt.Errorf("sending a message of %s: %w", queue, err)
			}
			fmt.Printf("from %s: %s\n", queue, text)
		}
	}
	return nil
}

func main() {
	lambda.Start(relay{client(), os.Getenv("QUEUE_URL")}.handle)
}

// client is what the environment of a function says, as aws-sdk-go-v2/config reads it.
func client() *sqs.Client {
	o := sqs.Options{
		Region:      os.Getenv("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
	}
	if endpoint := os.Getenv("AWS_ENDPOINT_URL"); endpoint != "" {
		o.BaseEndpoint = &endpoint
	}
	return sqs.New(o)
}
