package metrics

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func busy(version string) Broker {
	return Broker{
		Name: "mill", Version: version,
		Counts:      Counts{Exchanges: 7, Queues: 2, Connections: 3, Channels: 4, Consumers: 5, Messages: 30, Ready: 20, Unacknowledged: 10},
		PublishRate: 1.5, ConfirmRate: 1, AckRate: 0.5,
		Nodes: []Node{
			{Name: "rabbit@a", MemLimit: 100, MemUsed: 10, DiskFreeLimit: 5, DiskFree: 50, FdUsed: 1, IOReadAverageTime: 2, IOWriteAverage: 4, Counts: &Counts{Queues: 2}},
			{Name: "rabbit@b", MemLimit: 100, MemUsed: 20, DiskFreeLimit: 5, DiskFree: 60, FdUsed: 2, IOReadAverageTime: 4, IOWriteAverage: 8, Counts: &Counts{Queues: 1}},
		},
		Queues: []Queue{{"orders", "/", 3, 20, 15, 5}, {"two words", "/", 2, 1, 1, 0}, {"mühle", "/", 2, 1, 1, 0}, {"tab\t", "/", 1, 1, 1, 0}, {"fine", "not fine", 1, 1, 1, 0}, {"other", "v", 1, 9, 5, 4}},
	}
}

// The catalogue is the guide's table: what of a broker is measured on which version.
func TestCatalogue(t *testing.T) {
	counts := "ExchangeCount QueueCount ConnectionCount ChannelCount ConsumerCount MessageCount MessageReadyCount MessageUnacknowledgedCount"
	machine := "RabbitMQMemLimit RabbitMQMemUsed RabbitMQDiskFreeLimit RabbitMQDiskFree RabbitMQFdUsed"
	queue := "ConsumerCount MessageCount MessageReadyCount MessageUnacknowledgedCount"
	times := " RabbitMQIOReadAverageTime RabbitMQIOWriteAverageTime"
	of := func(node, vhost, queue string) Dimensions { return Dimensions{"mill", node, queue, vhost} }
	for version, want := range map[string]map[Dimensions]string{
		"3.13": {
			of("", "", ""):         counts + " PublishRate ConfirmRate AckRate " + machine + times,
			of("rabbit@a", "", ""): machine, of("rabbit@b", "", ""): machine,
			of("", "/", "orders"): queue, of("", "v", "other"): queue,
		},
		"4.2": {
			of("", "", ""):         counts + " PublishRate ConfirmRate AckRate " + machine,
			of("rabbit@a", "", ""): machine + " " + counts, of("rabbit@b", "", ""): machine + " " + counts,
		},
		"4.3": {
			of("", "", ""):         counts + " PublishRate ConfirmRate AckRate " + machine,
			of("rabbit@a", "", ""): machine + " " + counts, of("rabbit@b", "", ""): machine + " " + counts,
		},
	} {
		got := map[Dimensions][]string{}
		for _, s := range Of(busy(version)) {
			got[s.Of] = append(got[s.Of], s.Name)
			if bytes := strings.Contains(s.Name, "Mem") || strings.Contains(s.Name, "Disk"); bytes != (s.Unit == Bytes) {
				t.Errorf("%s is in %s", s.Name, s.Unit)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: measured are %v", version, got)
		}
		for dimensions, names := range want {
			if text := strings.Join(got[dimensions], " "); text != names {
				t.Errorf("%s: of %+v\n got %s\nwant %s", version, dimensions, text, names)
			}
		}
	}
}

func TestValues(t *testing.T) {
	got := map[string]float64{}
	for _, s := range Of(busy("3.13")) {
		got[s.Of.Node+s.Of.Queue+" "+s.Name] = s.Value
	}
	for what, want := range map[string]float64{
		" QueueCount": 2, " MessageCount": 30, " AckRate": 0.5, // of the broker
		" RabbitMQMemUsed": 30, " RabbitMQDiskFree": 110, " RabbitMQFdUsed": 3, " RabbitMQMemLimit": 200, // sums of its nodes
		" RabbitMQIOReadAverageTime": 3, " RabbitMQIOWriteAverageTime": 6, // and averages
		"rabbit@b RabbitMQMemUsed": 20, "orders MessageUnacknowledgedCount": 5, "orders ConsumerCount": 3,
	} {
		if got[what] != want {
			t.Errorf("%s is %v, want %v", what, got[what], want)
		}
	}
}

func TestQueuesAreBounded(t *testing.T) {
	b := Broker{Name: "mill", Version: "3.13"}
	for i := range MaxQueues + 10 {
		b.Queues = append(b.Queues, Queue{Name: fmt.Sprint("q", i), VirtualHost: "/"})
	}
	seen := map[string]bool{}
	for _, s := range Of(b) {
		seen[s.Of.Queue] = true
	}
	if len(seen) != MaxQueues+1 || seen[fmt.Sprint("q", MaxQueues)] {
		t.Errorf("%d queues are measured", len(seen)-1)
	}
}

// A window has the last hours, and nothing of what was not measured since.
func TestWindow(t *testing.T) {
	w := &Window{}
	if all := w.Since(time.Time{}); len(all) != 0 {
		t.Errorf("a new one has %v", all)
	}
	start := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for minute := range 300 {
		samples := []Sample{{"QueueCount", Count, Dimensions{Broker: "mill"}, float64(minute)}}
		if minute < 100 {
			samples = append(samples, Sample{"ConsumerCount", Count, Dimensions{Broker: "mill", Queue: "gone", VirtualHost: "/"}, 1})
		}
		w.Add(start.Add(time.Duration(minute)*time.Minute), samples)
	}
	all := w.Since(start)
	if len(all) != 1 || len(all[0].Points) != 180 || all[0].Points[0].Value != 120 || all[0].Points[179].Value != 299 {
		t.Errorf("%d series; %+v", len(all), all[0].Points)
	}
	if newest := w.Since(time.Time{}); len(newest) != 1 || len(newest[0].Points) != 1 || newest[0].Points[0].Value != 299 {
		t.Errorf("the newest are %v", newest)
	}
	if some := w.Since(start.Add(290 * time.Minute)); len(some[0].Points) != 10 {
		t.Errorf("of ten minutes there are %d", len(some[0].Points))
	}
}

func TestSeriesAreSorted(t *testing.T) {
	w := &Window{}
	w.Add(time.Now(), Of(busy("3.13")))
	all := w.Since(time.Time{})
	if first := all[0]; first.Dimensions != (Dimensions{Broker: "mill"}) || first.Name != "AckRate" {
		t.Errorf("the first is %+v", first)
	}
	if !slices.IsSortedFunc(all, func(a, b Series) int { return strings.Compare(a.Dimensions.Node, b.Dimensions.Node) }) {
		t.Error("nodes are mixed")
	}
}
