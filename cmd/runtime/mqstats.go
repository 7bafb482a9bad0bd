package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"millrace/runtime/broker/metrics"
	"millrace/services/mq"
)

type mqStatsCmd struct {
	target
	Broker string        `arg:"" help:"Name or id of the broker."`
	Since  time.Duration `placeholder:"1h" help:"Show what was measured in the time before now; three hours are kept. By default the newest values are shown."`
	JSON   bool          `help:"Print the metrics as JSON."`
}

// Run prints a line a value.
func (c *mqStatsCmd) Run(ctx context.Context, term terminal) error {
	at, b, err := c.broker(ctx, c.Broker)
	if err != nil {
		return err
	}
	at += "/metrics"
	if c.Since != 0 {
		at += "?" + url.Values{"since": {c.Since.String()}}.Encode()
	}
	body, err := ask(ctx, http.MethodGet, at)
	if err != nil {
		return err
	}
	if c.JSON {
		_, err := term.out.Write(body)
		return err
	}
	var measured mq.Metrics
	if err := json.Unmarshal(body, &measured); err != nil {
		return err
	}
	if len(measured.Series) == 0 {
		_, err := fmt.Fprintf(term.out, "Nothing was measured of %s yet: that happens at each full minute while it runs.\n", b.Name)
		return err
	}
	table := tabwriter.NewWriter(shown(term.out), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TIME\tOF\tMETRIC\tVALUE\tUNIT")
	for _, s := range measured.Series {
		for _, p := range s.Points {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", p.Time.Local().Format(time.TimeOnly), measuredOf(s.Dimensions), s.Name, strconv.FormatFloat(p.Value, 'f', -1, 64), s.Unit)
		}
	}
	return table.Flush()
}

// measuredOf names the broker, the node or the queue that a value is of.
func measuredOf(d metrics.Dimensions) string {
	switch {
	case d.Node != "":
		return d.Node
	case d.Queue != "":
		return d.Queue + " in " + d.VirtualHost
	}
	return d.Broker
}
