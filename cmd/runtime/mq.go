package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"runtime"
	"strings"
	"text/tabwriter"

	"millrace/cmd/runtime/app"
)

// mqCmd groups what is there for Amazon MQ brokers.
type mqCmd struct {
	Ls    mqLsCmd    `cmd:"" help:"List the brokers of all accounts and regions."`
	Open  mqOpenCmd  `cmd:"" help:"Show where a broker's console is, and who may log in."`
	Fault mqFaultCmd `cmd:"" help:"Have a broker get into trouble, to see what clients and alarms make of it: list its faults, add one, or clear it."`
	Stats mqStatsCmd `cmd:"" help:"Show what Amazon MQ measures of a broker each minute."`
	Logs  mqLogsCmd  `cmd:"" help:"Show what the nodes of a broker have logged."`
}

type mqLsCmd struct {
	target
	JSON bool `help:"Print the brokers as JSON."`
}

// Run prints a line a broker.
func (c *mqLsCmd) Run(ctx context.Context, term terminal) error {
	brokers, err := c.brokers(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(term.out).Encode(brokers)
	}
	if len(brokers) == 0 {
		_, err := fmt.Fprintln(term.out, "There are no brokers.")
		return err
	}
	table := tabwriter.NewWriter(term.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tID\tSTATE\tENGINE\tRUNS\tENDPOINTS")
	for _, b := range brokers {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s %s\t%s\t%s\n", b.Name, b.ID, b.State, b.Engine, b.Version, dash(b.Software), dash(strings.Join(b.Endpoints, " ")))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, b := range brokers {
		if b.Reason != "" {
			fmt.Fprintf(term.out, "\n%s is %s: %s\n", b.Name, b.State, b.Reason)
		}
	}
	return nil
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

type mqOpenCmd struct {
	target
	Broker  string `arg:"" help:"Name or id of the broker."`
	Browser bool   `help:"Open the console in the browser too."`
}

// Run prints where the console is. Passwords are never shown: the runtime itself
// keeps them sealed.
func (c *mqOpenCmd) Run(ctx context.Context, term terminal) error {
	_, b, err := c.broker(ctx, c.Broker)
	if err != nil {
		return err
	}
	if b.Console == "" {
		if b.Reason != "" {
			return fmt.Errorf("%s is %s and has no console: %s", b.Name, b.State, b.Reason)
		}
		return fmt.Errorf("%s is %s and has no console", b.Name, b.State)
	}
	fmt.Fprintf(term.out, "console    %s\n", b.Console)
	if b.User != "" {
		fmt.Fprintf(term.out, "user       %s\npassword   the one that CreateBroker was given, unless it was changed in the broker since\n", b.User)
	} else {
		fmt.Fprintf(term.out, "user       one with console access: aws mq list-users --broker-id %s\npassword   the one that the user was given\n", b.ID)
	}
	fmt.Fprintln(term.out, "trust      browsers and clients trust it with the certificate that `runtime ca` prints")
	if !c.Browser {
		return nil
	}
	return browse(ctx, b.Console)
}

// named finds a broker by its id or its name.
func named(brokers []app.Broker, name string) (found app.Broker, err error) {
	n := 0
	for _, b := range brokers {
		if b.ID == name {
			return b, nil
		}
		if b.Name == name {
			found = b
			n++
		}
	}
	switch n {
	case 0:
		return found, fmt.Errorf("there is no broker %s; `runtime mq ls` lists those there are", name)
	case 1:
		return found, nil
	}
	return found, fmt.Errorf("%d brokers in different accounts or regions are called %s: name one by its id, which `runtime mq ls` shows", n, name)
}

// browse opens a URL in the user's browser.
func browse(ctx context.Context, url string) error {
	opener := []string{"xdg-open"}
	switch runtime.GOOS {
	case "darwin":
		opener = []string{"open"}
	case "windows":
		opener = []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	if _, err := exec.LookPath(opener[0]); err != nil {
		return errors.New("there is no browser to open it with")
	}
	return exec.CommandContext(ctx, opener[0], append(opener[1:], url)...).Run()
}

// broker finds a broker by its id or its name, and the URL below which its runtime answers
// for it.
func (t target) broker(ctx context.Context, name string) (at string, b app.Broker, err error) {
	endpoint, err := t.find(ctx)
	if err != nil {
		return "", b, err
	}
	brokers, err := brokersAt(ctx, endpoint)
	if err != nil {
		return "", b, err
	}
	b, err = named(brokers, name)
	return endpoint + brokersPath + "/" + b.ID, b, err
}

// brokers asks a runtime for its brokers.
func (t target) brokers(ctx context.Context) ([]app.Broker, error) {
	endpoint, err := t.find(ctx)
	if err != nil {
		return nil, err
	}
	return brokersAt(ctx, endpoint)
}

const brokersPath = "/_runtime/mq/brokers"

func brokersAt(ctx context.Context, endpoint string) (brokers []app.Broker, err error) {
	body, err := ask(ctx, http.MethodGet, endpoint+brokersPath)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &brokers); err != nil {
		return nil, fmt.Errorf("what answers at %s is no runtime with Amazon MQ: %w", endpoint, err)
	}
	return brokers, nil
}
