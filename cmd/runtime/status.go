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
		line := func(name string, value any) { fmt.Fprintf(term.out, "%-14s%v\n", name, value) }
		line("endpoint", s.Endpoint)
		line("health", strings.ReplaceAll(s.Health, "\n", fmt.Sprintf("\n%14s", "")))
		line("version", s.Version)
		line("process", s.PID)
		line("uptime", time.Duration(s.Uptime*float64(time.Second)).Round(time.Second))
		line("data", s.Data)
		for _, c := range s.Stored {
			line(lastWord(c.Of), c.N)
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
