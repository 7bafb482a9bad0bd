package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

type mqLogsCmd struct {
	target
	Broker string `arg:"" help:"Name or id of the broker."`
	Node   string `placeholder:"N" help:"Number of a node, from 1; by default the lines of all nodes are shown, with the number of each in front when there are several."`
	Follow bool   `short:"f" help:"Go on with what comes, also over restarts of the broker."`
}

// Run prints the log, which may be asked for when the broker is down.
func (c *mqLogsCmd) Run(ctx context.Context, term terminal) error {
	at, _, err := c.broker(ctx, c.Broker)
	if err != nil {
		return err
	}
	query := url.Values{"node": {c.Node}, "follow": {strconv.FormatBool(c.Follow)}}
	resp, err := open(ctx, http.MethodGet, at+"/log?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(shown(term.out), resp.Body)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("the log breaks off: %w", err)
	}
	return nil
}
