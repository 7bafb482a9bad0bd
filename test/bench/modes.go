package main

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// A mode is one thing that is measured.
type mode struct {
	name     string
	does     string // an operation of it
	echoed   bool   // throughput, beside that of the echo server
	function bool   // needs a function's code
	once     bool   // measured in the first run only: it takes long
	asked    bool   // measured when it is named only: it takes minutes
	body     int    // bytes of what the echo server is sent, if more than of a message
	run      func(*bench) (sample, error)
	floors   []floor
}

// modes are all there are. The first two find the runtime as it has just
// started.
var modes = []mode{
	{name: "start", does: "start over an empty folder, until ready", run: (*bench).runStart,
		floors: []floor{p50Below(60 * time.Millisecond)}},
	{name: "idle", does: "nothing", once: true, run: (*bench).runIdle,
		floors: []floor{memoryBelow(60 << 20), processorIdle}},
	{name: "echo", does: "a request to a bare net/http server", run: (*bench).runEcho},
	{name: "send", does: "SendMessage", echoed: true, run: (*bench).runSend,
		floors: []floor{opsOfEcho(0.6)}},
	{name: "fifo", does: "SendMessage to a FIFO queue, 100 groups", echoed: true, run: (*bench).runFIFO,
		floors: []floor{msgsOf("send", 0.75)}},
	{name: "sendbatch", does: "SendMessageBatch of 10", echoed: true, run: (*bench).runSendBatch,
		floors: []floor{msgsOfEcho(2.5)}},
	{name: "recvdel", does: "ReceiveMessage of 10, DeleteMessageBatch; 20,000 deep", echoed: true, run: (*bench).runShallow},
	{name: "deep", does: "the same, -fill deep", echoed: true, run: (*bench).runDeep,
		floors: []floor{msgsOfEcho(1.8), msgsOf("recvdel", 0.9)}},
	{name: "recvdel1", does: "ReceiveMessage of 1, DeleteMessage", echoed: true, run: (*bench).runOneByOne},
	{name: "pipeline", does: "half send 10, half receive and delete 10", echoed: true, run: (*bench).runPipeline,
		floors: []floor{msgsOfEcho(0.7)}},
	{name: "rest", does: "a request to the echo server after 20 ms of rest", run: (*bench).runRest},
	{name: "wake", does: "a send wakes a long poll, which deletes", run: (*bench).runWake,
		floors: []floor{p50Below(500 * time.Microsecond)}},
	{name: "warm", does: "Invoke of a function that answers at once", function: true, run: (*bench).runWarm,
		floors: []floor{p50Below(500 * time.Microsecond)}},
	{name: "cold", does: "the first Invoke of a function", function: true, run: (*bench).runCold,
		floors: []floor{p50Below(40 * time.Millisecond)}},
	{name: "mapped", does: "from SendMessage to the mapped function's handler", function: true, run: (*bench).runMapped,
		floors: []floor{p50Below(2 * time.Millisecond)}},
	{name: "backlog", does: "a mapping empties 40,000 messages by ten, noop", function: true, run: (*bench).runBacklog,
		floors: []floor{msgsAbove(20_000), processorEach(350 * time.Microsecond)}},
	{name: "event", does: "Invoke as an Event, which is run too, noop", echoed: true, function: true, run: (*bench).runEvent,
		floors: []floor{msgsAbove(10_000)}},
	{name: "async", does: "from Invoke as an Event to the handler", function: true, run: (*bench).runAsync,
		floors: []floor{p50Below(2 * time.Millisecond)}},
	{name: "deliver", does: "an outbox's Put to a queue, in process", echoed: true, run: (*bench).runDeliver,
		floors: []floor{msgsAbove(30_000), p50Below(time.Millisecond)}},
	{name: "fanout", does: "an outbox's PutAll to ten queues, in process", echoed: true, run: (*bench).runFanOut,
		floors: []floor{msgsAbove(30_000)}},
	{name: "outbox", does: "from an outbox's Put to a target that is not durable, in process", run: (*bench).runOutbox,
		floors: []floor{p50Below(time.Millisecond)}},
	{name: "hanging", does: "the same beside 100 targets that hang, with 20,000 events", run: (*bench).runHanging,
		floors: []floor{p99Below(20 * time.Millisecond)}},
	{name: "waiting", does: "an event of 100,000 that wait in an outbox", once: true, run: (*bench).runWaiting,
		floors: []floor{bytesBelow(500)}},
	{name: "snspublish", does: "Publish to a topic with one queue, not raw", echoed: true, run: (*bench).runPublish,
		floors: []floor{opsOfEcho(0.35)}},
	{name: "snsfifo", does: "Publish to a FIFO topic with one FIFO queue, until the queue has it, 100 groups", echoed: true, run: (*bench).runTopicFIFO,
		floors: []floor{msgsOf("snspublish", 0.67)}},
	{name: "snsfanout", does: "Publish to a topic with ten queues", echoed: true, run: (*bench).runTopicFanOut,
		floors: []floor{msgsAbove(30_000)}},
	{name: "snswake", does: "the same wakes a long poll, which deletes", run: (*bench).runTopicWake,
		floors: []floor{p50Below(2 * time.Millisecond)}},
	{name: "snsdrain", does: "as recvdel, of what a topic sent, which is signed then", echoed: true, run: (*bench).runTopicDrain},
	{name: "snsmany", does: "as wake, through a topic with 10,000 filter policies, in process; only when named", asked: true, run: (*bench).runTopicMany,
		floors: []floor{p50Below(5 * time.Millisecond)}},
	{name: "snsrest", does: "a topic that was published to once, in process; only when named", once: true, asked: true, run: (*bench).runTopicRest,
		floors: []floor{bytesBelow(2 << 10)}},
	{name: "snsfiforest", does: "the same, a FIFO topic with a FIFO queue", once: true, asked: true, run: (*bench).runTopicFIFORest,
		floors: []floor{bytesBelow(80 << 10)}},
	{name: "s3put", does: "PutObject of 1 KB", echoed: true, body: objectSize, run: (*bench).runPut,
		floors: []floor{opsOfEcho(0.33)}},
	{name: "s3get", does: "GetObject of 1 KB, from memory", echoed: true, body: objectSize, run: (*bench).runGet,
		floors: []floor{opsOfEcho(0.5)}},
	{name: "s3getback", does: "the same, read back: the first time after a restart", echoed: true, body: objectSize, run: (*bench).runGetBack,
		floors: []floor{opsOfEcho(0.35)}},
	{name: "s3wake", does: "from PutObject to the handler of a function that is told of it", function: true, run: (*bench).runPutWake,
		floors: []floor{p50Below(3 * time.Millisecond)}},
	{name: "s3bareup", does: "a bare net/http server takes 1 GB in: MD5, AES-256-GCM in 64 KiB frames, a file", asked: true,
		run: bigOf(func(t *bigTimes) sample { return t.bareUp })},
	{name: "s3up", does: "PutObject of 1 GB; -big sets the size", asked: true,
		run: bigOf(func(t *bigTimes) sample { return t.up }), floors: []floor{msgsOf("s3bareup", 0.7), memoryBelow(64 << 20)}},
	{name: "s3baredown", does: "the bare server sends it out again", asked: true,
		run: bigOf(func(t *bigTimes) sample { return t.bareDown })},
	{name: "s3down", does: "GetObject of 1 GB", asked: true,
		run: bigOf(func(t *bigTimes) sample { return t.down }), floors: []floor{msgsOf("s3baredown", 0.7), memoryBelow(64 << 20)}},
	{name: "s3list", does: "ListObjectsV2: 1,000 keys out of the middle of 1,000,000", once: true, asked: true, run: (*bench).runList,
		floors: []floor{p50Below(5 * time.Millisecond), memoryBelow(400 << 20), readyBelow(3 * time.Second), firstBelow(3 * time.Second)}},
	{name: "s3multi", does: "100 multipart uploads of two parts of 5 MiB at once", once: true, asked: true, run: (*bench).runMulti,
		floors: []floor{memoryBelow(200 << 20)}},
	{name: "synced", does: "SendMessage, --sync always, 64 connections", echoed: true, run: (*bench).runSynced,
		floors: []floor{synced(20_000)}},
	{name: "broker", does: "from CreateBroker to a connected client over TLS, process; only when named", asked: true,
		run: brokerOf("process", func(t brokerTimes) time.Duration { return t.serves }), floors: []floor{p50Of("bare", 1.2)}},
	{name: "bare", does: "the same without the runtime: the same RabbitMQ with the same files", asked: true,
		run: brokerOf("process", func(t brokerTimes) time.Duration { return t.bare })},
	{name: "create", does: "CreateBroker", asked: true,
		run: brokerOf("process", func(t brokerTimes) time.Duration { return t.created }), floors: []floor{p50Below(100 * time.Millisecond)}},
	{name: "dockerbroker", does: "as broker, in Docker", asked: true,
		run: brokerOf("docker", func(t brokerTimes) time.Duration { return t.serves }), floors: []floor{p50Of("dockerbare", 1.3)}},
	{name: "dockerbare", does: "as bare, in Docker", asked: true,
		run: brokerOf("docker", func(t brokerTimes) time.Duration { return t.bare })},
	{name: "idlebroker", does: "nothing, with a broker: what is added to a runtime at rest", once: true, asked: true, run: (*bench).runIdleBroker,
		floors: []floor{memoryBelow(4 << 20), processorOfBroker}},
	{name: "cluster", does: "as broker, three nodes behind one endpoint", asked: true,
		run: brokerOf(clusterOf+"process", func(t brokerTimes) time.Duration { return t.serves }), floors: []floor{p50Of("barecluster", 1.3)}},
	{name: "barecluster", does: "as bare, until each of three nodes has let a client in", asked: true,
		run: brokerOf(clusterOf+"process", func(t brokerTimes) time.Duration { return t.bare })},
	{name: "rmqbare", does: "a bare consumer empties a RabbitMQ queue of 80,000, acknowledging singly, prefetch 400", asked: true, function: true,
		run: rabbitOf(func(t rabbitTimes) sample { return t.bare })},
	{name: "rmqbridge", does: "a bridge does so, in this process, by a hundred", asked: true, function: true,
		run: rabbitOf(func(t rabbitTimes) sample { return t.bridge }), floors: []floor{msgsOf("rmqbare", 0.8)}},
	{name: "rmqdrain", does: "a mapping does so, in batches of 100, noop", asked: true, function: true,
		run: rabbitOf(func(t rabbitTimes) sample { return t.drain }), floors: []floor{msgsAbove(10_000), msgsOf("rmqbare", 0.5)}},
	{name: "rmqmapped", does: "from publishing to RabbitMQ to the mapped function's handler", asked: true, function: true,
		run: rabbitOf(func(t rabbitTimes) sample { return t.mapped }), floors: []floor{p50Below(3 * time.Millisecond)}},
	{name: "rmqidle", does: "nothing, with a mapping of a RabbitMQ queue: what it adds", asked: true, once: true, function: true,
		run: rabbitOf(func(t rabbitTimes) sample { return t.idle }), floors: []floor{processorIdle}},
	{name: "idle1000", does: "nothing, with 1,000 queues", once: true, run: (*bench).runIdleQueues,
		floors: []floor{memoryBelow(150 << 20), processorIdle}},
	{name: "million", does: "as recvdel, 1,000,000 deep, after a kill", echoed: true, once: true, run: (*bench).runMillion,
		floors: []floor{memoryBelow(400 << 20), readyBelow(3 * time.Second), firstBelow(3 * time.Second), msgsOf("recvdel", 0.9)}},
	{name: "queues", does: "the first receive from a queue, of 10,000, after a kill; only when named", once: true, asked: true, run: (*bench).runQueues,
		floors: []floor{memoryBelow(400 << 20), readyBelow(5 * time.Second)}},
}

func names() (all []string) {
	for _, m := range modes {
		all = append(all, m.name)
	}
	return all
}

// sampleOf is a sample of single operations, one after another.
func sampleOf(latencies []time.Duration) sample {
	s := sample{msgs: len(latencies)}
	for _, l := range latencies {
		s.elapsed += l
	}
	slices.Sort(latencies)
	s.latencies = latencies
	return s
}

func (b *bench) runStart() (sample, error) {
	if b.server == nil {
		return sample{}, errNotStarted
	}
	var latencies []time.Duration
	for range 5 {
		dir, err := os.MkdirTemp(b.dir, "")
		if err != nil {
			return sample{}, err
		}
		p, err := startRuntime(b.runtime, dir)
		if err != nil {
			return sample{}, err
		}
		p.stop()
		latencies = append(latencies, p.ready)
	}
	return sampleOf(latencies), nil
}

func (b *bench) runIdle() (s sample, err error) {
	if b.server == nil {
		return s, errNotStarted
	}
	before, err := b.server.processor()
	if err != nil {
		return s, err
	}
	time.Sleep(b.idle)
	after, err := b.server.processor()
	if err != nil {
		return s, err
	}
	s.processor = (after - before).Seconds() / b.idle.Seconds()
	s.memory, err = b.server.memory()
	return s, err
}

func (b *bench) runEcho() (sample, error) {
	return load(b.echo.address, b.conns, b.duration, b.echoRequest())
}

// echoRequest is a SendMessage, to a server that only answers.
func (b *bench) echoRequest() step {
	q := &queue{b: &bench{}, url: "http://localhost:4566/000000000000/bench", body: strings.Repeat("x", b.size)}
	return q.send()
}

// onQueue measures a step on a queue that holds n messages at first.
func (b *bench) onQueue(n int, do func(*queue) (sample, error)) (sample, error) {
	q, err := b.newQueue(map[string]string{"VisibilityTimeout": "120"}, n)
	if err != nil {
		return sample{}, err
	}
	s, err := do(q)
	return s, errors.Join(err, q.remove())
}

func (b *bench) runSend() (sample, error) {
	return b.onQueue(0, func(q *queue) (sample, error) { return load(b.address, b.conns, b.duration, q.send()) })
}

func (b *bench) runSendBatch() (sample, error) {
	return b.onQueue(0, func(q *queue) (sample, error) { return load(b.address, b.conns, b.duration, q.sendBatch()) })
}

func (b *bench) runShallow() (sample, error) { return b.runReceive(20_000, 10) }

func (b *bench) runDeep() (sample, error) { return b.runReceive(b.fill, 10) }

func (b *bench) runOneByOne() (sample, error) { return b.runReceive(20_000, 1) }

func (b *bench) runReceive(n, max int) (sample, error) {
	return b.onQueue(n, func(q *queue) (sample, error) { return load(b.address, b.conns, b.duration, q.receive(max, 0)) })
}

// runPipeline tells what is received; as much was sent meanwhile, or more.
func (b *bench) runPipeline() (sample, error) {
	return b.onQueue(0, func(q *queue) (sample, error) {
		half := max(1, b.conns/2)
		sent := make(chan error, 1)
		go func() {
			_, err := load(b.address, half, b.duration, q.sendBatch())
			sent <- err
		}()
		receive := q.receive(10, 1)
		s, err := load(b.address, half, b.duration, func(c *conn) (int, error) {
			n, err := receive(c)
			if errors.Is(err, errDone) {
				return 0, nil // nothing was there yet
			}
			return n, err
		})
		return s, errors.Join(err, <-sent)
	})
}

const pause = 20 * time.Millisecond // until a long poll is surely waiting, and the machine dozes

// runRest is what mode wake cannot be faster than: its request leaves a machine
// that has nothing to do.
func (b *bench) runRest() (sample, error) {
	send := b.echoRequest()
	var latencies []time.Duration
	_, err := load(b.echo.address, 1, b.duration, func(c *conn) (int, error) {
		time.Sleep(pause)
		began := time.Now()
		n, err := send(c)
		latencies = append(latencies, time.Since(began))
		return n, err
	})
	return sampleOf(latencies), err
}

// runWake lets a long poll wait, then sends.
func (b *bench) runWake() (sample, error) {
	return b.onQueue(0, func(q *queue) (sample, error) { return b.wake(q.send(), q.receive(1, 20)) })
}

// wake has receive wait, then sends, one message at a time.
func (b *bench) wake(send, receive step) (sample, error) {
	sender, err := dial(b.address)
	if err != nil {
		return sample{}, err
	}
	defer sender.Close()
	receiver, err := dial(b.address)
	if err != nil {
		return sample{}, err
	}
	defer receiver.Close()
	var latencies []time.Duration
	for until := time.Now().Add(b.duration); time.Now().Before(until); {
		var (
			waiting sync.WaitGroup
			end     time.Time
			failed  error
		)
		waiting.Go(func() {
			_, failed = receive(receiver)
			end = time.Now()
		})
		time.Sleep(pause)
		began := time.Now()
		_, err := send(sender)
		waiting.Wait()
		if err := errors.Join(err, failed); err != nil {
			return sample{}, err
		}
		latencies = append(latencies, end.Sub(began))
	}
	return sampleOf(latencies), nil
}
