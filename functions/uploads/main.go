// Uploads prints what becomes of the objects of the buckets that announce it to it.
package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func handle(_ context.Context, event events.S3Event) error {
	for _, r := range event.Records {
		fmt.Printf("%s s3://%s/%s: %d bytes\n", r.EventName, r.S3.Bucket.Name, r.S3.Object.URLDecodedKey, r.S3.Object.Size)
	}
	return nil
}

func main() { lambda.Start(handle) }
