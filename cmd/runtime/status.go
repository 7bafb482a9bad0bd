package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
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
			fmt.Fprintf(term.out, "%-10s %d\n", lastWord(c.Of), c.N)
		}
		printLosses(term.out, s.Losses)
	}
	if err == nil && !s.Healthy() {
		err = exitError(1)
	}
	return err
}

// lastWord is the noun of a name in JSON: "mappings" of "eventSourceMappings".
func lastWord(name string) string {
	return strings.ToLower(name[max(0, strings.LastIndexFunc(name, unicode.IsUpper)):])
}
