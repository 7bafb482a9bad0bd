// Hello greets whoever the event names: {"name": "Ada"}.
package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"
)

type Event struct {
	Name string `json:"name"`
}

type Greeting struct {
	Message string `json:"message"`
}

func handle(_ context.Context, e Event) (Greeting, error) {
	if e.Name == "" {
		e.Name = "world"
	}
	return Greeting{fmt.Sprintf("Hello, %s!", e.Name)}, nil
}

func main() {
	lambda.Start(handle)
}
