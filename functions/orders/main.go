// Orders processes orders that arrive on a queue, each a JSON message:
//
//	{"id": "order-1", "item": "millstone", "quantity": 2}
//
// It reports the orders that it could not process as partial batch failures, so
// that only these come back. An order for nothing, one that asks to fail, and
// one that cannot be read are such.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

type Order struct {
	ID       string `json:"id"`
	Item     string `json:"item"`
	Quantity int    `json:"quantity"`
	Fail     bool   `json:"fail"`
}

func handle(_ context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	var response events.SQSEventResponse
	for _, message := range event.Records {
		if err := process(message.Body); err != nil {
			fmt.Printf("message %s: %v\n", message.MessageId, err)
			response.BatchItemFailures = append(response.BatchItemFailures,
				events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	return response, nil
}

func process(body string) error {
	var o Order
	if err := json.Unmarshal([]byte(body), &o); err != nil {
		return fmt.Errorf("not an order: %w", err)
	}
	switch {
	case o.Fail:
		return fmt.Errorf("order %s: asked to fail", o.ID)
	case o.Quantity <= 0:
		return fmt.Errorf("order %s: %w", o.ID, errNothingOrdered)
	}
	fmt.Printf("order %s: %d × %s\n", o.ID, o.Quantity, o.Item)
	return nil
}

var errNothingOrdered = errors.New("nothing ordered")

func main() {
	lambda.Start(handle)
}
