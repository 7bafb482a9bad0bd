package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Modes that publish to topics whose subscribers are queues.

// A topic is a topic of one mode, with queues that are subscribed to it.
type topic struct {
	b         *bench
	arn       string
	queues    []*queue
	body      string
	published atomic.Int64 // for the ids and groups on a FIFO topic
}

// sns asks one thing of SNS, and decodes the answer.
func (b *bench) sns(action string, to any, params ...string) error {
	c, err := dial(b.address)
	if err != nil {
		return err
	}
	defer c.Close()
	answer, err := c.do(query(action, params...))
	if err != nil || to == nil {
		return err
	}
	return xml.Unmarshal(answer, to)
}

// newTopic makes a topic; it is a FIFO topic if the bench asks for that.
func (b *bench) newTopic() (*topic, error) {
	params := []string{"Name", fmt.Sprintf("bench-%d", time.Now().UnixNano())}
	if b.fifo {
		params[1] += ".fifo"
		params = append(params, "Attributes.entry.1.key", "FifoTopic", "Attributes.entry.1.value", "true")
	}
	var out struct {
		ARN string `xml:"CreateTopicResult>TopicArn"`
	}
	err := b.sns("CreateTopic", &out, params...)
	t := &topic{b: b, arn: out.ARN, body: strings.Repeat("x", b.size)}
	t.published.Store(time.Now().UnixNano()) // topics may share a queue, which knows the ids of all
	return t, err
}

// subscribeQueues makes n queues that topics may send to, and subscribes them.
func (t *topic) subscribeQueues(n int, attributes ...string) error {
	for range n {
		q, err := t.b.newQueue(map[string]string{"VisibilityTimeout": "120", "Policy": topicsMaySend}, 0)
		if err != nil {
			return err
		}
		t.queues = append(t.queues, q)
		if err := t.subscribe(q.arn(), attributes...); err != nil {
			return err
		}
	}
	return nil
}

const topicsMaySend = `{"Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`

// subscribe subscribes a queue, with attributes in pairs of name and value.
func (t *topic) subscribe(queueARN string, attributes ...string) error {
	params := []string{"TopicArn", t.arn, "Protocol", "sqs", "Endpoint", queueARN}
	for i := 0; i < len(attributes); i += 2 {
		entry := fmt.Sprintf("Attributes.entry.%d.", i/2+1)
		params = append(params, entry+"key", attributes[i], entry+"value", attributes[i+1])
	}
	return t.b.sns("Subscribe", nil, params...)
}

// arn is where topics deliver to.
func (q *queue) arn() string {
	return "arn:aws:sqs:us-east-1:000000000000:" + q.url[strings.LastIndex(q.url, "/")+1:]
}

// publish returns a step that publishes one message, with params beside it.
func (t *topic) publish(params ...string) step {
	make := func() request {
		all := append([]string{"TopicArn", t.arn, "Message", t.body}, params...)
		if t.b.fifo {
			n := t.published.Add(1)
			all = append(all, "MessageGroupId", strconv.FormatInt(n%int64(t.b.groups), 10), "MessageDeduplicationId", strconv.FormatInt(n, 10))
		}
		return query("Publish", all...)
	}
	fixed := make()
	return func(c *conn) (int, error) {
		req := fixed
		if t.b.fifo {
			req = make()
		}
		_, err := c.do(req)
		return max(1, len(t.queues)), err
	}
}

func (t *topic) remove() error {
	err := t.b.sns("DeleteTopic", nil, "TopicArn", t.arn)
	for _, q := range t.queues {
		err = errors.Join(err, q.remove())
	}
	return err
}

// onTopic measures a step on a topic with n queues.
func (b *bench) onTopic(n int, do func(*topic) (sample, error)) (sample, error) {
	t, err := b.newTopic()
	if err != nil {
		return sample{}, err
	}
	if err := t.subscribeQueues(n); err != nil {
		return sample{}, errors.Join(err, t.remove())
	}
	s, err := do(t)
	return s, errors.Join(err, t.remove())
}

func (b *bench) runPublish() (sample, error) {
	return b.onTopic(1, func(t *topic) (sample, error) { return load(b.address, b.conns, b.duration, t.publish()) })
}

// runTopicFanOut counts deliveries: a publish is answered when all ten queues have it.
func (b *bench) runTopicFanOut() (sample, error) {
	return b.onTopic(10, func(t *topic) (sample, error) { return load(b.address, b.conns, b.duration, t.publish()) })
}

// runTopicFIFO publishes, and waits until the queue has all of it: a publish is answered
// when the topic has it.
func (b *bench) runTopicFIFO() (sample, error) {
	fifo := *b
	fifo.fifo = true
	return fifo.onTopic(1, func(t *topic) (sample, error) {
		began := time.Now()
		s, err := load(b.address, b.conns, b.duration, t.publish())
		if err == nil {
			err = t.queues[0].has(s.msgs)
		}
		s.elapsed = time.Since(began)
		return s, err
	})
}

// has waits until so many messages can be received.
func (q *queue) has(n int) error {
	for until := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		count := struct {
			Attributes struct{ ApproximateNumberOfMessages string }
		}{}
		ask := map[string]any{"QueueUrl": q.url, "AttributeNames": []string{"ApproximateNumberOfMessages"}}
		if err := q.b.ask(rpc("GetQueueAttributes", encode(ask)), &count); err != nil {
			return err
		}
		got, err := strconv.Atoi(count.Attributes.ApproximateNumberOfMessages)
		switch {
		case err != nil:
			return err
		case got >= n:
			return nil
		case time.Now().After(until):
			return fmt.Errorf("after a minute the queue has %d of %d messages", got, n)
		}
	}
}

// runTopicWake lets a long poll at one of ten queues wait, then publishes.
func (b *bench) runTopicWake() (sample, error) {
	return b.onTopic(10, func(t *topic) (sample, error) { return b.wake(t.publish(), t.queues[0].receive(1, 20)) })
}

// runTopicDrain receives what a topic has sent: envelopes are signed when they are
// received.
func (b *bench) runTopicDrain() (sample, error) {
	return b.onTopic(1, func(t *topic) (sample, error) {
		var left atomic.Int64
		left.Store(20_000)
		publish := t.publish()
		if _, err := load(b.address, b.conns, time.Hour, func(c *conn) (int, error) {
			if left.Add(-1) < 0 {
				return 0, errDone
			}
			return publish(c)
		}); err != nil {
			return sample{}, err
		}
		return load(b.address, b.conns, b.duration, t.queues[0].receive(10, 0))
	})
}

// policies is how many subscriptions of mode snsmany have a filter policy of their own.
const policies = 10_000

// runTopicMany publishes what one subscription of many wants, and receives it.
func (b *bench) runTopicMany() (sample, error) {
	return b.inProcess(func(own *bench) (sample, error) {
		return own.onTopic(0, func(t *topic) (sample, error) {
			policy := func(n int) string { return fmt.Sprintf(`{"id":["%d"]}`, n) }
			if err := t.subscribeQueues(1, "FilterPolicy", policy(policies-1)); err != nil {
				return sample{}, err
			}
			var next atomic.Int64
			if _, err := load(own.address, b.conns, time.Hour, func(*conn) (int, error) {
				n := int(next.Add(1)) - 1
				if n >= policies-1 {
					return 0, errDone
				}
				return 0, t.subscribe(fmt.Sprint("arn:aws:sqs:us-east-1:000000000000:none-", n), "FilterPolicy", policy(n))
			}); err != nil {
				return sample{}, err
			}
			attribute := "MessageAttributes.entry.1."
			publish := t.publish(attribute+"Name", "id", attribute+"Value.DataType", "String", attribute+"Value.StringValue", strconv.Itoa(policies-1))
			return own.wake(publish, t.queues[0].receive(1, 20))
		})
	})
}

// runTopicRest measures what a topic adds to the heap that was published to once.
func (b *bench) runTopicRest() (sample, error) { return b.restOf(2000) }

// runTopicFIFORest does so with FIFO topics, to which a queue is subscribed: without
// one a FIFO topic has no reader.
func (b *bench) runTopicFIFORest() (sample, error) {
	fifo := *b
	fifo.fifo = true
	return fifo.restOf(200)
}

// topicSettle is how long topics rest before they are measured: JetStream keeps blocks for
// ten seconds after a write.
const topicSettle = 15 * time.Second

func (b *bench) restOf(n int) (sample, error) {
	return b.inProcess(func(own *bench) (s sample, err error) {
		q, err := own.newQueue(map[string]string{"Policy": topicsMaySend}, 0)
		if err != nil {
			return s, err
		}
		publish := func(n int) error {
			for range n {
				t, err := own.newTopic()
				if err == nil && own.fifo {
					err = t.subscribe(q.arn())
				}
				if err == nil {
					err = own.onConn(t.publish())
				}
				if err != nil {
					return err
				}
			}
			var err error
			if own.fifo {
				err = errors.Join(q.has(n), q.drain())
			}
			time.Sleep(topicSettle)
			return err
		}
		if err := publish(1); err != nil {
			return s, err
		}
		before := heap()
		err = publish(n)
		s.memory = (heap() - before) / n
		return s, err
	})
}

// drain receives and deletes all there is.
func (q *queue) drain() error {
	_, err := load(q.b.address, 1, time.Hour, q.receive(10, 0))
	return err
}
