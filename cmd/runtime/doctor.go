package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"millrace/cmd/runtime/app"
	"millrace/runtime/damage"
	"millrace/services/admin"
)

type doctorCmd struct {
	Endpoint string `env:"MILLRACE_ENDPOINT" placeholder:"URL" help:"Endpoint of the runtime to ask; else the one that holds the data folder."`
	Data     string `default:".runtime" env:"MILLRACE_DATA" help:"Data folder to examine; the runtime that holds it is asked."`
	RootKey  string `env:"MILLRACE_ROOT_KEY" placeholder:"FILE" help:"File of the root key, when it is not in the data folder."`
	JSON     bool   `help:"Print what was found as JSON."`
	Forget   bool   `help:"Forget what was found so far."`
}

// Run says what of the stored data is missing or damaged. It ends with 0 when
// nothing is, and with 1 otherwise.
func (c *doctorCmd) Run(ctx context.Context, term terminal) error {
	endpoint := c.Endpoint
	if endpoint == "" && app.Held(c.Data) {
		var err error
		if endpoint, err = endpointOf("", c.Data); err != nil {
			return err
		}
	}
	if c.Forget {
		if endpoint == "" {
			return app.ForgetLosses(app.Config{Data: c.Data})
		}
		_, err := ask(ctx, http.MethodPost, endpoint+"/_runtime/forget")
		return err
	}
	losses, err := c.losses(ctx, endpoint)
	if err != nil {
		return err
	}
	if c.JSON {
		if losses == nil {
			losses = []damage.Loss{}
		}
		err = json.NewEncoder(term.out).Encode(map[string]any{"losses": losses})
	} else if printLosses(term.out, losses); len(losses) == 0 {
		_, err = fmt.Fprintln(term.out, "All is well: nothing that was stored is missing or damaged.")
	}
	if err == nil && len(losses) > 0 {
		err = exitError(1)
	}
	return err
}

func (c *doctorCmd) losses(ctx context.Context, endpoint string) ([]damage.Loss, error) {
	if endpoint == "" {
		if !app.Exists(c.Data) {
			return nil, fmt.Errorf("there is no data folder at %s", c.Data)
		}
		return app.Examine(ctx, app.Config{Data: c.Data, RootKey: c.RootKey})
	}
	body, err := ask(ctx, http.MethodGet, endpoint+"/_runtime/status")
	if err != nil {
		return nil, err
	}
	var s admin.Status
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, fmt.Errorf("reading the status: %w", err)
	}
	return s.Losses, nil
}

// ask sends a request to a runtime's own API.
func ask(ctx context.Context, method, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s: %s", url, resp.Status, body)
	}
	return body, err
}
