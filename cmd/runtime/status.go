package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"millrace/cmd/runtime/app"
	"millrace/services/admin"
)

type statusCmd struct {
	Endpoint string `env:"MILLRACE_ENDPOINT" placeholder:"URL" help:"Endpoint of the runtime to ask; else the one that holds the data folder."`
	Data     string `default:".runtime" env:"MILLRACE_DATA" help:"Data folder of the runtime to ask."`
	JSON     bool   `help:"Print the answer as JSON."`
}

// Run prints what the runtime says of itself.
func (c *statusCmd) Run(ctx context.Context, term terminal) error {
	endpoint, err := endpointOf(c.Endpoint, c.Data)
	if err != nil {
		return err
	}
	body, err := ask(ctx, http.MethodGet, endpoint+"/_runtime/status")
	if err != nil {
		return err
	}
	if c.JSON {
		_, err := term.out.Write(body)
		return err
	}
	var s admin.Status
	if err := json.Unmarshal(body, &s); err != nil {
		return fmt.Errorf("reading the status: %w", err)
	}
	fmt.Fprintf(term.out, "endpoint   %s\nversion    %s\nprocess    %d\nuptime     %v\ndata       %s\nqueues     %d\nmessages   %d\nfunctions  %d\nmappings   %d\n",
		s.Endpoint, s.Version, s.PID, time.Duration(s.Uptime*float64(time.Second)).Round(time.Second), s.Data,
		s.Stored.Queues, s.Stored.Messages, s.Stored.Functions, s.Stored.Mappings)
	printLosses(term.out, s.Losses)
	return nil
}

// endpointOf finds the runtime to talk to: the one named, or the holder of a
// data folder.
func endpointOf(endpoint, data string) (string, error) {
	if endpoint != "" {
		return endpoint, nil
	}
	holder, err := app.ReadHolder(data)
	if err != nil || !app.Held(data) {
		return "", fmt.Errorf("no runtime holds %s; start one with `runtime start`, or name its endpoint", data)
	}
	return holder.Endpoint, nil
}
