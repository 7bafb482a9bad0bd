// Command ledger is a Lambda function that reports every event it is given, by
// HTTP POST, to the address in LEDGER_URL, and answers with the event. An event
// that cannot be reported is a failure. Without LEDGER_URL it only answers.
//
// Tests and measurements deploy it to see when, and how often, a function ran.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() { lambda.Start(handle) }

func handle(ctx context.Context, event json.RawMessage) (json.RawMessage, error) {
	url := os.Getenv("LEDGER_URL")
	if url == "" {
		return event, nil
	}
	return event, report(ctx, url, event)
}

func report(ctx context.Context, url string, event []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(event))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body) // so that the connection can be used again
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the ledger answered %s", res.Status)
	}
	return nil
}
