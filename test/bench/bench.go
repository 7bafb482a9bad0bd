package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"millrace/runtime/sandbox/gobuild"
)

// A bench is what modes measure with.
type bench struct {
	config
	dir     string   // temporary, for binaries and data
	echo    *process // the echo server
	code    code     // the functions' zips; none when no mode needs one
	address string   // host:port of the runtime
	server  *process // nil when the runtime is not ours

	brokers map[string]brokerTimes // by driver or cluster, of this run
	rabbit  *rabbitTimes           // of this run
	big     *bigTimes              // of this run
}

// prepare builds what the modes need and starts the echo server.
func (b *bench) prepare(ctx context.Context, chosen []mode) (err error) {
	if b.dir, err = os.MkdirTemp("", "millrace-bench-"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	b.address = b.endpoint
	if b.runtime == "" && b.endpoint == "" {
		b.runtime = filepath.Join(b.dir, "runtime")
		if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.runtime, "millrace/cmd/runtime").CombinedOutput(); err != nil {
			return fmt.Errorf("building the runtime: %w\n%s", err, out)
		}
	}
	if slices.ContainsFunc(chosen, func(m mode) bool { return m.function }) {
		if b.code, err = zipFunctions(ctx, b.dir); err != nil {
			return fmt.Errorf("building the functions: %w", err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b.echo, err = startEcho(self)
	return err
}

// code is the zip of each function of ours, by its name.
type code map[string][]byte

func zipFunctions(ctx context.Context, temp string) (code, error) {
	all := code{}
	for _, name := range []string{"ledger", "noop"} {
		dir, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "millrace/functions/"+name).Output()
		if err != nil {
			return nil, err
		}
		bootstrap := filepath.Join(temp, "bootstrap")
		if err := gobuild.Build(ctx, strings.TrimSpace(string(dir)), bootstrap); err != nil {
			return nil, err
		}
		if all[name], err = gobuild.Zip(bootstrap); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (b *bench) close() {
	b.echo.stop()
	os.RemoveAll(b.dir)
}

// measure runs each mode once, against a runtime of its own if it is ours to
// start.
func (b *bench) measure(ctx context.Context, chosen []mode, n int) (samples map[string]sample, err error) {
	if b.endpoint == "" {
		if err := b.startRuntime(n); err != nil {
			return nil, err
		}
		defer b.server.stop()
	}
	samples, b.brokers, b.rabbit, b.big = map[string]sample{}, map[string]brokerTimes{}, nil, nil
	for _, m := range chosen {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if m.once && n > 1 {
			continue
		}
		fmt.Fprintf(os.Stderr, "run %d of %d: %s\n", n, b.runs, m.name)
		var echo sample
		if m.echoed {
			same := *b
			same.size = max(b.size, m.body)
			if echo, err = same.runEcho(); err != nil {
				return nil, fmt.Errorf("echo: %w", err)
			}
		}
		s, err := m.run(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		if m.echoed {
			s.echo = echo.opsPerSecond()
		}
		samples[m.name] = s
	}
	return samples, nil
}

func (b *bench) startRuntime(n int) (err error) {
	b.server, err = startRuntime(b.runtime, filepath.Join(b.dir, fmt.Sprint("data-", n)))
	if err == nil {
		b.address = b.server.address
	}
	return err
}

// ask does one request on a connection of its own, and decodes the answer.
func (b *bench) ask(req request, to any) error {
	c, err := dial(b.address)
	if err != nil {
		return err
	}
	defer c.Close()
	answer, err := c.do(req)
	if err != nil || to == nil {
		return err
	}
	return json.Unmarshal(answer, to)
}
