package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"millrace/cmd/runtime/app"
	"millrace/runtime/store/loss"
	"millrace/services/admin"
)

type doctorCmd struct {
	Endpoint string `env:"MILLRACE_ENDPOINT" placeholder:"URL" help:"Endpoint of the runtime to ask; else the one that holds the data folder."`
	Data     string `default:".runtime" env:"MILLRACE_DATA" help:"Data folder to examine; the runtime that holds it is asked."`
	RootKey  string `env:"MILLRACE_ROOT_KEY" placeholder:"FILE" help:"File of the root key, when it is not in the data folder."`
	JSON     bool   `help:"Print what was found as JSON."`
	Forget   bool   `help:"Forget what was found so far."`
}

// Run says what of the stored data is missing or damaged, and why calls fail when
// they do. It ends with 0 when all is well, and with 1 otherwise.
func (c *doctorCmd) Run(ctx context.Context, term terminal) error {
	endpoint := c.Endpoint
	if endpoint == "" && app.Held(c.Data) {
		var err error
		if endpoint, err = (target{Data: c.Data}).find(ctx); err != nil {
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
	found, err := c.examine(ctx, endpoint)
	if err != nil {
		return err
	}
	if found.Brokers, err = app.BrokerSoftware(ctx, app.Config{Data: found.folder}); err != nil {
		return err
	}
	well := found.Health == admin.Healthy && len(found.Losses) == 0
	switch {
	case c.JSON:
		err = json.NewEncoder(term.out).Encode(found)
	case well:
		_, err = fmt.Fprintln(term.out, "All is well: nothing that was stored is missing or damaged.")
	default:
		if found.Health != admin.Healthy {
			fmt.Fprintf(term.out, "Calls fail now: %s\n", strings.ReplaceAll(found.Health, "\n", "\n  "))
		}
		printLosses(term.out, found.Losses)
	}
	if !c.JSON {
		printBrokerSoftware(term.out, found.Brokers)
		if endpoint == "" {
			printLeftOver(term.out, found)
		}
	}
	if err == nil && !well {
		err = exitError(1)
	}
	return err
}

// printBrokerSoftware says what brokers can run with, and what is there of them.
func printBrokerSoftware(w io.Writer, all []app.Software) {
	fmt.Fprintln(w, "\nFor Amazon MQ brokers:")
	for _, s := range all {
		fmt.Fprintf(w, "  %-8s %s\n", s.Driver, s.Says)
		for _, n := range s.Nodes {
			fmt.Fprintf(w, "           %s\n", n)
		}
	}
}

// printLeftOver says what can be done about brokers that no runtime has.
func printLeftOver(w io.Writer, f finding) {
	for _, s := range f.Brokers {
		if len(s.Nodes) > 0 {
			fmt.Fprintf(w, "\nNo runtime has these brokers now. The next runtime start --data %[1]s takes them over;\n"+
				"runtime stop --purge --data %[1]s removes them, with all that is stored there.\n", f.folder)
			return
		}
	}
}

// A finding is what the doctor says.
type finding struct {
	Health string      `json:"health"` // as in a status
	Losses []loss.Loss `json:"losses"`

	Brokers []app.Software `json:"brokers"` // what brokers can run with

	folder string // that was examined
}

func (c *doctorCmd) examine(ctx context.Context, endpoint string) (finding, error) {
	found := finding{Health: admin.Healthy, Losses: []loss.Loss{}, folder: c.Data}
	if endpoint != "" {
		s, err := askStatus(ctx, endpoint)
		found.Health, found.Losses, found.folder = s.Health, append(found.Losses, s.Losses...), s.Folder
		return found, err
	}
	if !app.Exists(c.Data) {
		return found, fmt.Errorf("there is no data folder at %s", c.Data)
	}
	losses, full, err := app.Examine(ctx, app.Config{Data: c.Data, RootKey: c.RootKey})
	if full != nil {
		found.Health = full.Error()
	}
	found.Losses = append(found.Losses, losses...)
	return found, err
}
