// Command noop is a Lambda function that does nothing, for measurements of what
// an invocation costs beside its handler.
package main

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() { lambda.Start(handle) }

func handle(context.Context, json.RawMessage) error { return nil }
