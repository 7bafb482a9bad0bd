package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// deploy makes a function of functions/ledger and returns its name. With an
// empty url it answers at once.
func (b *bench) deploy(url string) (string, error) {
	name := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	return name, b.ask(rest("POST", "/functions", encode(map[string]any{
		"FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap",
		"Role":        "arn:aws:iam::000000000000:role/bench",
		"Code":        map[string]any{"ZipFile": b.code},
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
	name, err := b.deploy("")
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
		name, err := b.deploy("")
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
	reported := make(chan time.Time, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return sample{}, err
	}
	observer := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reported <- time.Now() })}
	go observer.Serve(l) // ends with Close
	defer observer.Close()

	name, err := b.deploy("http://" + l.Addr().String())
	if err != nil {
		return sample{}, err
	}
	s, err := b.onQueue(0, func(q *queue) (sample, error) { return b.sendToFunction(q, name, reported) })
	return s, errors.Join(err, b.undeploy(name))
}

func (b *bench) sendToFunction(q *queue, function string, reported <-chan time.Time) (s sample, err error) {
	arn := "arn:aws:sqs:us-east-1:000000000000:" + q.url[strings.LastIndex(q.url, "/")+1:]
	var mapping struct{ UUID string }
	if err := b.ask(rest("POST", "/event-source-mappings", encode(map[string]any{"FunctionName": function, "EventSourceArn": arn})), &mapping); err != nil {
		return s, err
	}
	defer func() {
		err = errors.Join(err, b.ask(rest("DELETE", "/event-source-mappings/"+mapping.UUID, nil), nil))
	}()
	c, err := dial(b.address)
	if err != nil {
		return s, err
	}
	defer c.Close()
	send := q.send()
	var latencies []time.Duration
	for until := time.Now().Add(b.duration); time.Now().Before(until); {
		began := time.Now()
		if _, err := send(c); err != nil {
			return s, err
		}
		select {
		case at := <-reported:
			latencies = append(latencies, at.Sub(began))
		case <-time.After(10 * time.Second):
			return s, errors.New("the message did not reach the function in ten seconds")
		}
	}
	return sampleOf(latencies[1:]), nil // without the cold one
}
