package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"millrace/runtime/topic/mailbox"
)

// snsCmd groups what is there for SNS.
type snsCmd struct {
	Outbox snsOutboxCmd `cmd:"" help:"Show what SNS would have sent by email and SMS: nothing leaves this machine."`
}

type snsOutboxCmd struct {
	target
	N    int  `short:"n" default:"20" help:"How many of the last, up to 1000."`
	JSON bool `help:"Print them as JSON."`
}

// Run prints the last mails, the oldest first.
func (c *snsOutboxCmd) Run(ctx context.Context, term terminal) error {
	endpoint, err := c.find(ctx)
	if err != nil {
		return err
	}
	body, err := ask(ctx, http.MethodGet, endpoint+"/_runtime/sns/outbox?n="+strconv.Itoa(c.N))
	if err != nil {
		return err
	}
	if c.JSON {
		_, err := term.out.Write(body)
		return err
	}
	var mails []mailbox.Mail
	if err := json.Unmarshal(body, &mails); err != nil {
		return err
	}
	out := shown(term.out)
	if len(mails) == 0 {
		_, err := fmt.Fprintln(out, "Nothing would have been sent.")
		return err
	}
	for i, m := range mails {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "%s  %s to %s\n", m.Time.Local().Format(time.DateTime), m.Protocol, m.To)
		if m.Topic != "" {
			fmt.Fprintf(out, "from %s\n", m.Topic)
		}
		if m.Subject != "" {
			fmt.Fprintf(out, "subject: %s\n", m.Subject)
		}
		if _, err := fmt.Fprintf(out, "%s\n", m.Text); err != nil {
			return err
		}
	}
	return nil
}
