package app

import (
	"context"
	"net/http"

	"millrace/services/admin"
	"millrace/services/gateway"
)

// A Part is one AWS service. What has to know all services (start and reset, status,
// flags and help, generators and documentation) reads Parts.
type Part struct {
	Name   string // that people know it by: "SQS"
	Folder string // of services/, and of the model and the generated package: "sqs"

	// Flags returns the part's switches of `runtime start`, a pointer to a struct with
	// tags of kong that sets what they say in the Config; nil for none.
	Flags func(*Config) any

	// open brings the part up, over what the App has by then.
	open func(context.Context, *App) (Offer, error)
}

// Parts are the services of the runtime, in the order in which they are opened; a
// reset goes the other way. A service is added by its model, its folder and its line
// here (services/DESIGN.md); what event source mappings read from stands above Lambda.
func Parts() []Part {
	return []Part{
		{Name: "SQS", Folder: "sqs", Flags: sqsFlagsOf, open: openSQS},
		{Name: "SNS", Folder: "sns", Flags: snsFlagsOf, open: openSNS},
		{Name: "KMS", Folder: "kms", open: openKMS},
		{Name: "IAM", Folder: "iam", open: openIAM},
		{Name: "STS", Folder: "sts", open: openSTS},
		{Name: "Secrets Manager", Folder: "secretsmanager", open: openSecretsManager},
		{Name: "Amazon MQ", Folder: "mq", Flags: mqFlagsOf, open: openMQ},
		{Name: "S3", Folder: "s3", Flags: s3FlagsOf, open: openS3},
		{Name: "Lambda", Folder: "lambda", open: openLambda},
	}
}

// An Offer is what an open part offers to the rest. All but Service may be nil.
type Offer struct {
	Service gateway.Service // its Model, and its Claims on requests that name no service

	Routes map[string]http.Handler                      // patterns of http.ServeMux, below /_runtime/
	Drain  func()                                       // answers what waits, when the runtime is to stop
	Reset  func(context.Context) error                  // removes everything
	Status func(context.Context) ([]admin.Count, error) // counts what it holds
}

// openParts opens all parts.
func (a *App) openParts(ctx context.Context) error {
	for _, p := range Parts() {
		offer, err := p.open(ctx, a)
		if err != nil {
			return err
		}
		a.offers = append(a.offers, offer)
	}
	return nil
}
