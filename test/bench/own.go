package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"millrace/cmd/runtime/app"
	"millrace/runtime/store/backbone"
	"millrace/services/sns"
)

// Modes that measure a runtime of their own.

// alone runs a mode on a runtime over an empty folder, started with flags.
func (b *bench) alone(do func(own *bench, dir string) (sample, error), flags ...string) (sample, error) {
	if b.server == nil {
		return sample{}, errNotStarted
	}
	dir, err := os.MkdirTemp(b.dir, "")
	if err != nil {
		return sample{}, err
	}
	defer os.RemoveAll(dir)
	own := *b
	if err := own.restart(dir, flags...); err != nil {
		return sample{}, err
	}
	defer func() { own.server.stop() }() // the one that runs then
	return do(&own, dir)
}

// restart starts a runtime over a folder, and measures it from here on.
func (b *bench) restart(dir string, flags ...string) (err error) {
	if b.server, err = startRuntime(b.runtime, dir, flags...); err == nil {
		b.address = b.server.address
	}
	return err
}

// inProcess runs a mode on a runtime in this process, over an empty folder, with no quotas
// of topics.
func (b *bench) inProcess(do func(own *bench) (sample, error)) (s sample, err error) {
	dir, err := os.MkdirTemp(b.dir, "")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)
	a := app.New(app.Config{
		Listen: "127.0.0.1:0", Data: dir, Sync: backbone.Sync{Every: time.Second},
		SNS: app.SNS{CertListen: "127.0.0.1:0", Options: sns.Options{Quotas: sns.NoQuotas}},
	})
	ctx := context.Background()
	if err := a.Start(ctx); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, a.Stop(ctx)) }()
	own := *b
	own.address, own.server = strings.TrimPrefix(a.Endpoint(), "http://"), nil
	return do(&own)
}

const (
	thousand = 1000
	settle   = time.Minute // what a load has left behind is gone by then
)

// runIdleQueues measures a runtime with a thousand queues that nobody uses.
func (b *bench) runIdleQueues() (sample, error) {
	return b.alone(func(own *bench, _ string) (sample, error) {
		for range thousand {
			if _, err := own.newQueue(map[string]string{}, 0); err != nil {
				return sample{}, err
			}
		}
		time.Sleep(settle)
		memory, err := own.server.memory()
		if err != nil {
			return sample{}, err
		}
		s, err := own.runIdle()
		s.memory = max(s.memory, memory)
		return s, err
	})
}

const many = 10_000

// runQueues makes many queues with a message each, kills the runtime, and measures how
// it comes back, and the first receive of queues that nobody had asked for.
func (b *bench) runQueues() (sample, error) {
	return b.alone(func(own *bench, dir string) (s sample, err error) {
		queues := make([]*queue, many)
		for i := range queues {
			if queues[i], err = own.newQueue(map[string]string{}, 0); err == nil {
				err = own.ask(rpc("SendMessage", encode(map[string]any{"QueueUrl": queues[i].url, "MessageBody": queues[i].body})), nil)
			}
			if err != nil {
				return s, err
			}
		}
		own.server.kill()
		if err := own.restart(dir); err != nil {
			return s, err
		}
		ready, memory := own.server.ready, 0
		var took []time.Duration
		for _, q := range queues[:100] {
			began := time.Now()
			var got struct{ Messages []struct{ Body string } }
			if err := own.ask(rpc("ReceiveMessage", encode(map[string]any{"QueueUrl": q.url})), &got); err != nil {
				return s, err
			}
			if took = append(took, time.Since(began)); len(got.Messages) == 0 {
				return s, fmt.Errorf("nothing is received from a queue that was not used yet")
			}
		}
		if memory, err = own.server.memory(); err != nil {
			return s, err
		}
		s = sampleOf(took)
		s.ready, s.memory = ready, memory
		return s, nil
	})
}

const million = 1_000_000

// runMillion fills a queue with a million messages, kills the runtime, and
// measures how it comes back and how fast they are received.
func (b *bench) runMillion() (sample, error) {
	return b.alone(func(own *bench, dir string) (s sample, err error) {
		q, err := own.newQueue(map[string]string{"VisibilityTimeout": "120"}, million)
		if err != nil {
			return s, err
		}
		filled, err := own.server.memory()
		if err != nil {
			return s, err
		}
		own.server.kill()
		began := time.Now()
		if err := own.restart(dir); err != nil {
			return s, err
		}
		var got struct{ Messages []struct{ Body string } }
		if err := own.ask(rpc("ReceiveMessage", encode(map[string]any{"QueueUrl": q.url, "MaxNumberOfMessages": 10})), &got); err != nil {
			return s, err
		}
		first := time.Since(began)
		if len(got.Messages) == 0 {
			return s, fmt.Errorf("nothing is received from a million messages")
		}
		restarted, err := own.server.memory()
		if err != nil {
			return s, err
		}
		s, err = load(own.address, b.conns, b.duration, q.receive(10, 0))
		s.memory, s.ready, s.first = max(filled, restarted), own.server.ready, first
		return s, err
	})
}

// runSynced sends with an fsync before each answer, on 64 connections.
func (b *bench) runSynced() (sample, error) {
	return b.alone(func(own *bench, dir string) (sample, error) {
		fsync, err := timeFsync(dir)
		if err != nil {
			return sample{}, err
		}
		own.conns = 64
		s, err := own.runSend()
		s.fsync = fsync
		return s, err
	}, "--sync", "always")
}

// timeFsync tells how long an fsync takes after 4 KiB were appended, typically.
func timeFsync(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, "fsync-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	some := make([]byte, 4096)
	var took []time.Duration
	for range 300 {
		if _, err := f.Write(some); err != nil {
			return 0, err
		}
		began := time.Now()
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

// runFIFO sends to a FIFO queue, in as many groups as asked.
func (b *bench) runFIFO() (sample, error) {
	fifo := *b
	fifo.fifo = true
	return fifo.runSend()
}

// kill ends the process at once, as a power cut would.
func (p *process) kill() {
	p.cmd.Process.Signal(syscall.SIGKILL)
	p.cmd.Wait()
}

func readyBelow(d time.Duration) floor {
	return floor{"ready again < " + d.String(), func(s sample, _ map[string]sample) (string, bool) {
		return short(s.ready), s.ready < d
	}}
}

func firstBelow(d time.Duration) floor {
	return floor{"and the first received < " + d.String(), func(s sample, _ map[string]sample) (string, bool) {
		return short(s.first), s.first < d
	}}
}

func synced(want int) floor {
	return floor{"≥ " + strconv.Itoa(want) + " a second where an fsync takes 100 µs", func(s sample, _ map[string]sample) (string, bool) {
		return fmt.Sprintf("%.0f, it takes %v here", s.opsPerSecond(), short(s.fsync)), s.opsPerSecond() >= float64(want)
	}}
}
