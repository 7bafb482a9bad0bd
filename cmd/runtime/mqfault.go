package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"millrace/services/mq"
)

type mqFaultCmd struct {
	target
	Broker string        `arg:"" help:"Name or id of the broker."`
	Code   string        `arg:"" optional:"" help:"What is to be wrong, such as RABBITMQ_MEMORY_ALARM; an unknown code is answered with a list. Without one, the broker's faults are listed."`
	State  bool          `help:"Change what DescribeBroker says alone, and not the broker."`
	For    time.Duration `placeholder:"5m" help:"How long the fault lasts; by default until it is cleared."`
	Clear  bool          `help:"End the fault."`
}

// Run gives a broker a fault, ends one, or lists them.
func (c *mqFaultCmd) Run(ctx context.Context, term terminal) error {
	at, b, err := c.broker(ctx, c.Broker)
	if err != nil {
		return err
	}
	at += "/faults"
	switch {
	case c.Code == "" && (c.State || c.Clear || c.For != 0):
		return errors.New("name the code of a fault, such as RABBITMQ_MEMORY_ALARM")
	case c.Code == "":
		return c.list(ctx, term, at)
	case c.Clear:
		if _, err := ask(ctx, http.MethodDelete, at+"/"+url.PathEscape(c.Code)); err != nil {
			return err
		}
		_, err = fmt.Fprintf(term.out, "%s has the fault %s no more.\n", b.Name, c.Code)
		return err
	}
	asked := mq.Fault{Code: c.Code}
	if c.State {
		asked.Mode = "state"
	}
	if c.For != 0 {
		asked.TTL = c.For.String()
	}
	body, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	if body, err = send(ctx, http.MethodPost, at, bytes.NewReader(body)); err != nil {
		return err
	}
	var given mq.Fault
	if err := json.Unmarshal(body, &given); err != nil {
		return err
	}
	_, err = fmt.Fprintf(term.out, "%s has the fault %s (%s), %s.\n", b.Name, given.Code, given.Mode, until(given))
	return err
}

func (c *mqFaultCmd) list(ctx context.Context, term terminal, at string) error {
	body, err := ask(ctx, http.MethodGet, at)
	if err != nil {
		return err
	}
	var faults []mq.Fault
	if err := json.Unmarshal(body, &faults); err != nil {
		return err
	}
	if len(faults) == 0 {
		_, err := fmt.Fprintln(term.out, "It was asked to have no faults.")
		return err
	}
	table := tabwriter.NewWriter(term.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CODE\tMODE\tENDS")
	for _, f := range faults {
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.Code, f.Mode, until(f))
	}
	return table.Flush()
}

func until(f mq.Fault) string {
	switch {
	case f.Code == "CONNECTION_CLOSED":
		return "once"
	case f.Until.IsZero():
		return "until it is cleared"
	}
	return "until " + f.Until.Local().Format(time.DateTime)
}
