package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"millrace/runtime/broker/metrics"
)

// Measure implements engine.Control. Of a broker whose first user cannot log in anymore,
// nobody knows.
func (c *control) Measure(ctx context.Context) (metrics.Broker, error) {
	b := metrics.Broker{Name: c.Name, Version: c.Version}
	err := errors.Join(c.measureWhole(ctx, &b), c.measureNodes(ctx, &b))
	if err == nil && metrics.PerQueue(c.Version) {
		err = c.measureQueues(ctx, &b)
	}
	return b, err
}

func (c *control) measureWhole(ctx context.Context, b *metrics.Broker) error {
	var overview struct {
		Objects struct {
			Exchanges, Queues, Connections, Channels, Consumers float64
		} `json:"object_totals"`
		Messages queueTotals `json:"queue_totals"`
		Stats    struct {
			Publish rate `json:"publish_details"`
			Confirm rate `json:"confirm_details"`
			Ack     rate `json:"ack_details"`
		} `json:"message_stats"`
	}
	if err := c.api.call(ctx, http.MethodGet, "/api/overview?columns=object_totals,queue_totals,message_stats", nil, &overview); err != nil {
		return err
	}
	o, m := overview.Objects, overview.Messages
	b.Counts = metrics.Counts{
		Exchanges: o.Exchanges, Queues: o.Queues, Connections: o.Connections, Channels: o.Channels, Consumers: o.Consumers,
		Messages: m.Messages, Ready: m.Ready, Unacknowledged: m.Unacknowledged,
	}
	b.PublishRate, b.ConfirmRate, b.AckRate = overview.Stats.Publish.Rate, overview.Stats.Confirm.Rate, overview.Stats.Ack.Rate
	return nil
}

type rate struct{ Rate float64 }

type queueTotals struct {
	Messages       float64
	Ready          float64 `json:"messages_ready"`
	Unacknowledged float64 `json:"messages_unacknowledged"`
}

func (c *control) measureNodes(ctx context.Context, b *metrics.Broker) error {
	var nodes []struct {
		Name          string
		MemLimit      float64 `json:"mem_limit"`
		MemUsed       float64 `json:"mem_used"`
		DiskFreeLimit float64 `json:"disk_free_limit"`
		DiskFree      float64 `json:"disk_free"`
		FdUsed        float64 `json:"fd_used"`
		Read          float64 `json:"io_read_avg_time"`
		Write         float64 `json:"io_write_avg_time"`
	}
	const path = "/api/nodes?columns=name,running,mem_limit,mem_used,disk_free_limit,disk_free,fd_used,io_read_avg_time,io_write_avg_time"
	if err := c.api.call(ctx, http.MethodGet, path, nil, &nodes); err != nil {
		return err
	}
	for _, n := range nodes {
		if n.MemLimit == 0 { // a node that is down is listed by its name
			continue
		}
		b.Nodes = append(b.Nodes, metrics.Node{
			Name: n.Name, MemLimit: n.MemLimit, MemUsed: n.MemUsed, DiskFreeLimit: n.DiskFreeLimit, DiskFree: n.DiskFree,
			FdUsed: n.FdUsed, IOReadAverageTime: n.Read, IOWriteAverage: n.Write,
		})
	}
	if !metrics.PerNode(c.Version) {
		return nil
	}
	if len(c.nodes) == 1 {
		for i := range b.Nodes {
			b.Nodes[i].Counts = &b.Counts
		}
		return nil
	}
	return c.countByNode(ctx, b)
}

// countByNode counts what each node of a cluster has. Exchanges are those of all.
func (c *control) countByNode(ctx context.Context, b *metrics.Broker) error {
	type item struct {
		Node      string
		Consumers float64
		queueTotals
	}
	of := map[string]*metrics.Counts{}
	for i, n := range b.Nodes {
		b.Nodes[i].Counts = &metrics.Counts{}
		of[n.Name] = b.Nodes[i].Counts
	}
	for _, list := range []struct {
		path  string
		count func(*metrics.Counts, item)
	}{
		{"/api/queues?disable_stats=true&enable_queue_totals=true&columns=node,consumers,messages,messages_ready,messages_unacknowledged", func(c *metrics.Counts, i item) {
			c.Queues++
			c.Consumers += i.Consumers
			c.Messages += i.Messages
			c.Ready += i.Ready
			c.Unacknowledged += i.Unacknowledged
		}},
		{"/api/connections?columns=node", func(c *metrics.Counts, _ item) { c.Connections++ }},
		{"/api/channels?columns=node", func(c *metrics.Counts, _ item) { c.Channels++ }},
	} {
		var items []item
		if err := c.api.call(ctx, http.MethodGet, list.path, nil, &items); err != nil {
			return err
		}
		for _, i := range items {
			if counts := of[i.Node]; counts != nil {
				list.count(counts, i)
			}
		}
	}
	for i := range b.Nodes {
		b.Nodes[i].Counts.Exchanges = b.Exchanges
	}
	return nil
}

// measureQueues measures the queues with the most consumers.
func (c *control) measureQueues(ctx context.Context, b *metrics.Broker) error {
	var page struct {
		Items []struct {
			Name      string
			VHost     string
			Consumers float64
			queueTotals
		}
	}
	path := fmt.Sprintf("/api/queues?page=1&page_size=%d&sort=consumers&sort_reverse=true&columns=name,vhost,consumers,messages,messages_ready,messages_unacknowledged", metrics.MaxQueues)
	if err := c.api.call(ctx, http.MethodGet, path, nil, &page); err != nil {
		return err
	}
	for _, q := range page.Items {
		b.Queues = append(b.Queues, metrics.Queue{Name: q.Name, VirtualHost: q.VHost, Consumers: q.Consumers, Messages: q.Messages, Ready: q.Ready, Unacknowledged: q.Unacknowledged})
	}
	return nil
}
