// Notices prints what is published to the topics that it is subscribed to.
package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func handle(_ context.Context, event events.SNSEvent) error {
	for _, r := range event.Records {
		fmt.Printf("notice %q: %s\n", r.SNS.Subject, r.SNS.Message)
	}
	return nil
}

func main() { lambda.Start(handle) }
