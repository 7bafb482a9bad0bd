package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"millrace/runtime/telemetry"
	"millrace/test/testenv"
)

// inside is a bench of a runtime in this process.
func inside(b *testing.B) (*bench, *testenv.Env) {
	env := testenv.Start(b)
	return &bench{config: config{size: 256, groups: 100}, address: strings.TrimPrefix(env.Endpoint, "http://")}, env
}

// run does a step b.N times, a connection for each goroutine.
func run(b *testing.B, address string, do step) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c, err := dial(address)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		for pb.Next() {
			if _, err := do(c); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkSendMessage(b *testing.B) {
	in, _ := inside(b)
	q, err := in.newQueue(map[string]string{}, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(8)
	b.ResetTimer()
	run(b, in.address, q.send())
}

// A message is sent, received and deleted.
func BenchmarkRoundTrip(b *testing.B) {
	in, _ := inside(b)
	q, err := in.newQueue(map[string]string{}, 0)
	if err != nil {
		b.Fatal(err)
	}
	send, receive := q.send(), q.receive(1, 20)
	b.SetParallelism(8)
	b.ResetTimer()
	run(b, in.address, func(c *conn) (int, error) {
		if _, err := send(c); err != nil {
			return 0, err
		}
		return receive(c)
	})
}

// A message is published to a topic with one queue, and to one with ten.
func BenchmarkPublish(b *testing.B) {
	for _, queues := range []int{1, 10} {
		b.Run(fmt.Sprintf("queues=%d", queues), func(b *testing.B) {
			in, _ := inside(b)
			t, err := in.newTopic()
			if err == nil {
				err = t.subscribeQueues(queues)
			}
			if err != nil {
				b.Fatal(err)
			}
			b.SetParallelism(8)
			b.ResetTimer()
			run(b, in.address, t.publish())
		})
	}
}

// A message is published to a FIFO topic, and delivered to its queue.
func BenchmarkPublishFIFO(b *testing.B) {
	in, _ := inside(b)
	in.fifo = true
	t, err := in.newTopic()
	if err == nil {
		err = t.subscribeQueues(1)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(8)
	b.ResetTimer()
	run(b, in.address, t.publish())
	if err := t.queues[0].has(b.N); err != nil {
		b.Fatal(err)
	}
}

// A message goes from its send to a handler behind a mapping, one at a time.
func BenchmarkMapped(b *testing.B) {
	in, env := inside(b)
	q, err := in.newQueue(map[string]string{}, 0)
	if err != nil {
		b.Fatal(err)
	}
	handled := make(chan struct{})
	env.Handle("mapped", func(_ context.Context, e events.SQSEvent) error {
		for range e.Records {
			handled <- struct{}{}
		}
		return nil
	})
	_, err = lambda.NewFromConfig(env.AWS).CreateEventSourceMapping(b.Context(), &lambda.CreateEventSourceMappingInput{
		FunctionName:   aws.String("mapped"),
		EventSourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:" + q.url[strings.LastIndex(q.url, "/")+1:]),
	})
	if err != nil {
		b.Fatal(err)
	}
	c, err := dial(in.address)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	send := q.send()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := send(c); err != nil {
			b.Fatal(err)
		}
		<-handled
	}
}

// A mapping empties a queue into a process that does nothing: what a message costs.
func BenchmarkBacklog(b *testing.B) {
	in, _ := inside(b)
	var err error
	if in.code, err = zipFunctions(b.Context(), b.TempDir()); err != nil {
		b.Fatal(err)
	}
	name, err := in.deploy("noop", "")
	if err != nil {
		b.Fatal(err)
	}
	q, err := in.newQueue(map[string]string{"VisibilityTimeout": "120"}, b.N)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := in.mapTo(q, name); err != nil {
		b.Fatal(err)
	}
	if err := q.drained(); err != nil {
		b.Fatal(err)
	}
}

// Telemetry is free when off: "off" must cost what it costs without any.
func BenchmarkTelemetry(b *testing.B) {
	b.Run("off", BenchmarkSendMessage)
	b.Run("on", func(b *testing.B) {
		collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		defer collector.Close()
		b.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
		shutdown, err := telemetry.Setup(b.Context(), os.Getenv, "bench")
		if err != nil {
			b.Fatal(err)
		}
		defer func() {
			if err := shutdown(context.WithoutCancel(b.Context())); err != nil {
				b.Error(err)
			}
		}()
		BenchmarkSendMessage(b)
	})
}
