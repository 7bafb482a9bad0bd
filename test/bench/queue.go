package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A queue is a queue of one mode, gone after it.
type queue struct {
	b    *bench
	url  string
	sent atomic.Int64 // for the ids and groups on a FIFO queue
	body string
}

// newQueue makes a queue with n messages in it.
func (b *bench) newQueue(attributes map[string]string, n int) (*queue, error) {
	name := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	if b.fifo {
		name += ".fifo"
		attributes["FifoQueue"] = "true"
	}
	var out struct{ QueueUrl string }
	if err := b.ask(rpc("CreateQueue", encode(map[string]any{"QueueName": name, "Attributes": attributes})), &out); err != nil {
		return nil, err
	}
	q := &queue{b: b, url: out.QueueUrl, body: strings.Repeat("x", b.size)}
	return q, q.fill(n)
}

func (q *queue) fill(n int) error {
	var left atomic.Int64
	left.Store(int64(n))
	send := q.sendBatch()
	_, err := load(q.b.address, 8, time.Hour, func(c *conn) (int, error) {
		if left.Add(-10) < 0 {
			return 0, errDone
		}
		return send(c)
	})
	return err
}

func (q *queue) remove() error {
	return q.b.ask(rpc("DeleteQueue", encode(map[string]any{"QueueUrl": q.url})), nil)
}

func (q *queue) entry(members map[string]any) map[string]any {
	members["MessageBody"] = q.body
	if q.b.fifo {
		n := q.sent.Add(1)
		members["MessageGroupId"] = strconv.FormatInt(n%int64(q.b.groups), 10)
		members["MessageDeduplicationId"] = strconv.FormatInt(n, 10)
	}
	return members
}

// each returns a step that sends what make makes: once for all on a standard
// queue, anew each time on a FIFO queue, where a repetition would be dropped.
func (q *queue) each(msgs int, make func() request) step {
	fixed := make()
	return func(c *conn) (int, error) {
		req := fixed
		if q.b.fifo {
			req = make()
		}
		_, err := c.do(req)
		return msgs, err
	}
}

func (q *queue) send() step {
	return q.each(1, func() request {
		return rpc("SendMessage", encode(q.entry(map[string]any{"QueueUrl": q.url})))
	})
}

func (q *queue) sendBatch() step {
	return q.each(10, func() request {
		entries := make([]map[string]any, 10)
		for i := range entries {
			entries[i] = q.entry(map[string]any{"Id": strconv.Itoa(i)})
		}
		return rpc("SendMessageBatch", encode(map[string]any{"QueueUrl": q.url, "Entries": entries}))
	})
}

// receive returns a step that receives up to max messages and deletes them.
func (q *queue) receive(max, wait int) step {
	receive := rpc("ReceiveMessage", encode(map[string]any{"QueueUrl": q.url, "MaxNumberOfMessages": max, "WaitTimeSeconds": wait}))
	return func(c *conn) (int, error) {
		answer, err := c.do(receive)
		if err != nil {
			return 0, err
		}
		var got struct {
			Messages []struct{ ReceiptHandle string }
		}
		if err := json.Unmarshal(answer, &got); err != nil {
			return 0, err
		}
		if len(got.Messages) == 0 {
			return 0, errDone
		}
		if max == 1 {
			_, err = c.do(rpc("DeleteMessage", encode(map[string]any{"QueueUrl": q.url, "ReceiptHandle": got.Messages[0].ReceiptHandle})))
			return 1, err
		}
		entries := make([]map[string]string, len(got.Messages))
		for i, m := range got.Messages {
			entries[i] = map[string]string{"Id": strconv.Itoa(i), "ReceiptHandle": m.ReceiptHandle}
		}
		_, err = c.do(rpc("DeleteMessageBatch", encode(map[string]any{"QueueUrl": q.url, "Entries": entries})))
		return len(entries), err
	}
}

// encode is for values that can always be encoded.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
