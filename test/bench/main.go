// Command bench measures a runtime from the outside, and prints a Markdown table
// for README.md: throughput beside that of a bare net/http server on the same
// machine, latencies, start, memory.
//
//	go run ./test/bench                            build the runtime and measure all
//	go run ./test/bench -runtime bin/runtime       measure this one
//	go run ./test/bench -endpoint 127.0.0.1:4566   measure one that runs
//	go run ./test/bench -modes send,wake -c 1      only these, one connection
//
// Each run starts a runtime of its own over an empty folder. Before each mode
// that is compared with the echo server, the echo server is measured: what the
// machine does besides weighs on both. Of several runs the median is told.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

type config struct {
	runtime  string
	endpoint string
	modes    string
	conns    int
	duration time.Duration
	fill     int
	runs     int
	size     int
	fifo     bool
	groups   int
	idle     time.Duration
	bigSize  int64
}

func main() {
	var c config
	flag.StringVar(&c.runtime, "runtime", "", "the runtime's binary; built when not given")
	flag.StringVar(&c.endpoint, "endpoint", "", "host:port of a runtime that runs, instead of starting one")
	flag.StringVar(&c.modes, "modes", "", "comma-separated modes; all but queues when not given: "+strings.Join(names(), ", "))
	flag.IntVar(&c.conns, "c", 16, "connections")
	flag.DurationVar(&c.duration, "d", 2*time.Second, "how long each mode is measured in each run")
	flag.IntVar(&c.fill, "fill", 200_000, "messages in the deep queue of mode deep")
	flag.IntVar(&c.runs, "runs", 3, "how often everything is measured")
	flag.IntVar(&c.size, "size", 256, "bytes of a message's body")
	flag.BoolVar(&c.fifo, "fifo", false, "use FIFO queues")
	flag.IntVar(&c.groups, "groups", 100, "message groups on FIFO queues")
	flag.DurationVar(&c.idle, "idle", 20*time.Second, "how long modes idle and idle1000 watch: the system counts in hundredths of a second")
	flag.Int64Var(&c.bigSize, "big", 1<<30, "bytes of the object of modes s3up and s3down")
	bare := flag.String("bare", "", "be the bare server of large objects, at this address")
	bareDir := flag.String("bare-dir", "", "where the bare server keeps its object")
	echo := flag.String("echo", "", "be the echo server, at this address")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *bare != "" {
		if err := serveBare(ctx, *bare, *bareDir); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	err := c.run(ctx, *echo)
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (c config) run(ctx context.Context, echo string) error {
	if echo != "" {
		return serveEcho(ctx, echo)
	}
	chosen, err := choose(c.modes)
	if err != nil {
		return err
	}
	b := &bench{config: c}
	if err := b.prepare(ctx, chosen); err != nil {
		return err
	}
	defer b.close()
	var runs []map[string]sample
	for n := range c.runs {
		samples, err := b.measure(ctx, chosen, n+1)
		if err != nil {
			return fmt.Errorf("run %d: %w", n+1, err)
		}
		runs = append(runs, samples)
	}
	fmt.Print(table(chosen, runs))
	return nil
}

// choose returns the named modes, in their own order.
func choose(list string) ([]mode, error) {
	if list == "" {
		return slices.DeleteFunc(slices.Clone(modes), func(m mode) bool { return m.asked }), nil
	}
	wanted := strings.Split(list, ",")
	for _, name := range wanted {
		if !slices.Contains(names(), name) {
			return nil, fmt.Errorf("there is no mode %q; there are %s", name, strings.Join(names(), ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(modes), func(m mode) bool { return !slices.Contains(wanted, m.name) }), nil
}

var errNotStarted = errors.New("needs a runtime that bench has started")
