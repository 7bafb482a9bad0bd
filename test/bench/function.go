package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// deploy makes a function of one of ours and returns its name. The ledger answers
// at once when its url is empty.
func (b *bench) deploy(function, url string) (string, error) {
	name := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	return name, b.ask(rest("POST", "/functions", encode(map[string]any{
		"FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap",
		"Role":        "arn:aws:iam::000000000000:role/bench",
		"Code":        map[string]any{"ZipFile": b.code[function]},
		"Environment": map[string]any{"Variables": map[string]string{"LEDGER_URL": url}},
	})), nil)
}

func (b *bench) undeploy(name string) error {
	return b.ask(rest("DELETE", "/functions/"+name, nil), nil)
}

func invoke(name string) step {
	req := rest("POST", "/functions/"+name+"/invocations", []byte(`{"id":1}`))
	return func(c *conn) (int, error) {
		answer, err := c.do(req)
		if err == nil && !strings.Contains(string(answer), `"id"`) {
			err = fmt.Errorf("the function answered %.200s", answer)
		}
		return 1, err
	}
}

func (b *bench) runWarm() (sample, error) {
	name, err := b.deploy("ledger", "")
	if err != nil {
		return sample{}, err
	}
	once := invoke(name)
	if err := b.onConn(once); err != nil { // the cold one
		return sample{}, err
	}
	s, err := load(b.address, 1, b.duration, once)
	return s, errors.Join(err, b.undeploy(name))
}

// onConn does a step once, on a connection of its own.
func (b *bench) onConn(do step) error {
	c, err := dial(b.address)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = do(c)
	return err
}

func (b *bench) runCold() (sample, error) {
	var latencies []time.Duration
	for range 10 {
		name, err := b.deploy("ledger", "")
		if err != nil {
			return sample{}, err
		}
		began := time.Now()
		err = b.onConn(invoke(name))
		latencies = append(latencies, time.Since(began))
		if err := errors.Join(err, b.undeploy(name)); err != nil {
			return sample{}, err
		}
	}
	return sampleOf(latencies), nil
}

// runMapped sends one message at a time. The handler reports to us by HTTP; the
// way of that report is in the figure.
func (b *bench) runMapped() (sample, error) {
	return b.withReports(func(name string, reported <-chan time.Time) (sample, error) {
		return b.onQueue(0, func(q *queue) (s sample, err error) {
			mapping, err := b.mapTo(q, name)
			if err != nil {
				return s, err
			}
			defer func() { err = errors.Join(err, b.unmap(mapping)) }()
			return b.untilReported(q.send(), reported)
		})
	})
}

// runAsync does the same with asynchronous invocations.
func (b *bench) runAsync() (sample, error) {
	return b.withReports(func(name string, reported <-chan time.Time) (sample, error) {
		return b.untilReported(invokeAsync(name), reported)
	})
}

// runEvent measures how fast asynchronous invocations are accepted, while they run.
func (b *bench) runEvent() (sample, error) {
	name, err := b.deploy("noop", "")
	if err != nil {
		return sample{}, err
	}
	s, err := load(b.address, b.conns, b.duration, invokeAsync(name))
	return s, errors.Join(err, b.undeploy(name))
}

func invokeAsync(name string) step {
	req := rest("POST", "/functions/"+name+"/invocations", []byte(`{"id":1}`))
	req = bytes.Replace(req, []byte("\r\n"), []byte("\r\nX-Amz-Invocation-Type: Event\r\n"), 1)
	return func(c *conn) (int, error) {
		_, err := c.do(req)
		return 1, err
	}
}

// withReports measures with a function that reports each of its runs.
func (b *bench) withReports(do func(name string, reported <-chan time.Time) (sample, error)) (sample, error) {
	reported := make(chan time.Time, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return sample{}, err
	}
	observer := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reported <- time.Now() })}
	go observer.Serve(l) // ends with Close
	defer observer.Close()

	name, err := b.deploy("ledger", "http://"+l.Addr().String())
	if err != nil {
		return sample{}, err
	}
	s, err := do(name, reported)
	return s, errors.Join(err, b.undeploy(name))
}

// untilReported does a step again and again, and waits for the handler's report of
// each.
func (b *bench) untilReported(do step, reported <-chan time.Time) (s sample, err error) {
	c, err := dial(b.address)
	if err != nil {
		return s, err
	}
	defer c.Close()
	var latencies []time.Duration
	for until := time.Now().Add(b.duration); time.Now().Before(until); {
		began := time.Now()
		if _, err := do(c); err != nil {
			return s, err
		}
		select {
		case at := <-reported:
			latencies = append(latencies, at.Sub(began))
		case <-time.After(10 * time.Second):
			return s, errors.New("the event did not reach the function in ten seconds")
		}
	}
	return sampleOf(latencies[1:]), nil // without the cold one
}

// mapTo has a function process a queue.
func (b *bench) mapTo(q *queue, function string) (mapping string, err error) {
	var made struct{ UUID string }
	err = b.ask(rest("POST", "/event-source-mappings", encode(map[string]any{
		"FunctionName": function, "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:" + q.url[strings.LastIndex(q.url, "/")+1:],
	})), &made)
	return made.UUID, err
}

func (b *bench) unmap(mapping string) error {
	return b.ask(rest("DELETE", "/event-source-mappings/"+mapping, nil), nil)
}

// backlog is how many messages wait before their mapping is made.
const backlog = 40_000

// runBacklog measures how fast a mapping empties a queue that nobody sends to, in
// batches of ten, and what a batch costs the runtime.
func (b *bench) runBacklog() (sample, error) {
	name, err := b.deploy("noop", "")
	if err != nil {
		return sample{}, err
	}
	s, err := b.onQueue(backlog, func(q *queue) (s sample, err error) {
		before, err := b.server.processor()
		if err != nil {
			return s, err
		}
		began := time.Now()
		mapping, err := b.mapTo(q, name)
		if err != nil {
			return s, err
		}
		defer func() { err = errors.Join(err, b.unmap(mapping)) }()
		if err := q.drained(); err != nil {
			return s, err
		}
		s.msgs, s.elapsed = backlog, time.Since(began)
		after, err := b.server.processor()
		s.each = (after - before) / (backlog / 10)
		return s, err
	})
	return s, errors.Join(err, b.undeploy(name))
}

// drained waits until a queue is empty.
func (q *queue) drained() error {
	counts := rpc("GetQueueAttributes", encode(map[string]any{
		"QueueUrl": q.url, "AttributeNames": []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"},
	}))
	for {
		var got struct{ Attributes map[string]string }
		if err := q.b.ask(counts, &got); err != nil {
			return err
		}
		if got.Attributes["ApproximateNumberOfMessages"] == "0" && got.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0" {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
}
