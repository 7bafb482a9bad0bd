package rabbitmq

import (
	"reflect"
	"testing"

	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/metrics"
)

const (
	getOverview = "GET /api/overview"
	getQueues   = "GET /api/queues"
)

// measuredAPI is of a broker whose numbers all differ.
func measuredAPI() *fakeAPI {
	f := healthyAPI()
	f.bodies[getOverview] = `{"object_totals":{"channels":1,"connections":2,"consumers":3,"exchanges":4,"queues":5},
		"queue_totals":{"messages":6,"messages_ready":7,"messages_unacknowledged":8,"messages_details":{"rate":0.0}},
		"message_stats":{"publish":9,"publish_details":{"rate":10.5},"confirm_details":{"rate":11.5},"ack_details":{"rate":12.5}}}`
	f.bodies[getNodes] = `[{"name":"a","mem_limit":1,"mem_used":2,"disk_free_limit":3,"disk_free":4,"fd_used":5,"io_read_avg_time":6.5,"io_write_avg_time":7.5},{"name":"down"}]`
	return f
}

func TestMeasure(t *testing.T) {
	f := measuredAPI()
	_, _, c := fakeBroker(t, f)
	counts := metrics.Counts{Channels: 1, Connections: 2, Consumers: 3, Exchanges: 4, Queues: 5, Messages: 6, Ready: 7, Unacknowledged: 8}
	want := metrics.Broker{
		Name: c.Name, Version: "4.2", Counts: counts, PublishRate: 10.5, ConfirmRate: 11.5, AckRate: 12.5,
		Nodes: []metrics.Node{{Name: "a", MemLimit: 1, MemUsed: 2, DiskFreeLimit: 3, DiskFree: 4, FdUsed: 5, IOReadAverageTime: 6.5, IOWriteAverage: 7.5, Counts: &counts}},
	}
	got, err := c.Measure(t.Context())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	if len(f.requests) != 2 || f.conns != 1 {
		t.Errorf("%d requests over %d connections: %v", len(f.requests), f.conns, f.requests)
	}
	f.bodies[getOverview], f.bodies[getNodes] = `{"object_totals":{}}`, `[]` // one that has just booted
	if got, err := c.Measure(t.Context()); err != nil || got.Messages != 0 || len(got.Nodes) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	f.answers[getOverview] = 401
	if got, err := c.Measure(t.Context()); err == nil {
		t.Errorf("without a login it has %+v", got)
	}
}

func TestQueuesAreMeasuredOn3(t *testing.T) {
	f := measuredAPI()
	f.bodies[getQueues] = `{"items":[{"name":"q","vhost":"v","consumers":1,"messages":2,"messages_ready":3,"messages_unacknowledged":4}],"page":1}`
	_, _, c := fakeBroker(t, f)
	c.Version = "3.13"
	got, err := c.Measure(t.Context())
	if err != nil || len(got.Queues) != 1 || got.Queues[0] != (metrics.Queue{Name: "q", VirtualHost: "v", Consumers: 1, Messages: 2, Ready: 3, Unacknowledged: 4}) || got.Nodes[0].Counts != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNodesOfClustersAreCounted(t *testing.T) {
	f := measuredAPI()
	f.bodies[getNodes] = `[{"name":"a","mem_limit":1},{"name":"b","mem_limit":1}]`
	f.bodies[getQueues] = `[{"node":"a","consumers":1,"messages":2,"messages_ready":1,"messages_unacknowledged":1},{"node":"a","consumers":2,"messages":1,"messages_ready":1},{"node":"gone","messages":9}]`
	f.bodies["GET /api/connections"] = `[{"node":"b"},{"node":"b"},{"node":"a"}]`
	f.bodies["GET /api/channels"] = `[{"node":"b"}]`
	_, node, c := fakeBroker(t, f)
	c.nodes = []driver.Instance{node, node}
	got, err := c.Measure(t.Context())
	if err != nil || len(got.Nodes) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if a := *got.Nodes[0].Counts; a != (metrics.Counts{Exchanges: 4, Queues: 2, Connections: 1, Consumers: 3, Messages: 3, Ready: 2, Unacknowledged: 1}) {
		t.Errorf("a has %+v", a)
	}
	if b := *got.Nodes[1].Counts; b != (metrics.Counts{Exchanges: 4, Connections: 2, Channels: 1}) {
		t.Errorf("b has %+v", b)
	}
}
