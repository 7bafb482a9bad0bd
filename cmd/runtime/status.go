package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

type statusCmd struct {
	target
	JSON bool `help:"Print the answer as JSON."`
}

// Run prints what the runtime says of itself. It ends with 1 when calls would fail.
func (c *statusCmd) Run(ctx context.Context, term terminal) error {
	endpoint, err := c.find(ctx)
	if err != nil {
		return err
	}
	s, err := askStatus(ctx, endpoint)
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(term.out).Encode(s)
	} else {
		fmt.Fprintf(term.out, "endpoint   %s\nhealth     %s\nversion    %s\nprocess    %d\nuptime     %v\ndata       %s\n",
			s.Endpoint, strings.ReplaceAll(s.Health, "\n", "\n           "), s.Version, s.PID, time.Duration(s.Uptime*float64(time.Second)).Round(time.Second), s.Data)
		for _, c := range s.Stored {
			fmt.Fprintf(term.out, "%-10s %d\n", c.Of, c.N)
		}
		printLosses(term.out, s.Losses)
	}
	if err == nil && !s.Healthy() {
		err = exitError(1)
	}
	return err
}
