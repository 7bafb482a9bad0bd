// Package event makes sample Lambda events: what a function would be handed by
// a queue, a bucket, a topic or a broker, made without any of them. They feed
// `runtime invoke` and handlers' tests.
//
// [Sample] writes the JSON that AWS documents for each source, with every
// derived member right (checksums, sizes, encodings), so that the types of
// github.com/aws/aws-lambda-go/events decode it. What a real event draws at
// random or reads off a clock comes from Options.Rand and Options.Now: the same
// options give the same bytes.
package event

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Kinds are the sources that Sample knows: an SQS queue, an S3 bucket, an SNS
// topic, an ActiveMQ (mq) and a RabbitMQ (rmq) broker of Amazon MQ.
var Kinds = []string{"sqs", "s3", "sns", "mq", "rmq"}

// Options shape a sample, and embed in a command's flags (kong reads the tags).
// The zero value is ready to use: each field's default is named beside it.
type Options struct {
	Body    []string `sep:"none" help:"A message's text, or the object's content. Repeat for several messages. (hello)"`
	Queue   string   `help:"Queue that the messages wait in; a name ending in .fifo makes FIFO messages. (orders)"`
	Bucket  string   `help:"Bucket that the object is in. (uploads)"`
	Key     string   `help:"Key of the object, as its owner writes it. (hello.txt)"`
	Event   string   `help:"What happened to the object, as its notification calls it: ObjectRemoved:Delete. (ObjectCreated:Put)"`
	Via     string   `help:"What stands between the bucket and the function: queue or topic. (nothing)"`
	Topic   string   `help:"Topic that the message was published to. (orders)"`
	Subject string   `help:"Subject of the published message. (null)"`
	Region  string   `help:"Region of the source. (us-east-1)"`
	Account string   `help:"Account of the source, twelve digits. (000000000000)"`

	Now  time.Time `kong:"-"` // zero: the present
	Rand io.Reader `kong:"-"` // 32 bytes are read; nil: crypto/rand
}

// Sample returns an event of one of the Kinds as indented JSON with a final
// newline. Buckets and topics hand over one record an event, so more than one
// body is an error there, as is an unknown kind.
func Sample(kind string, o Options) ([]byte, error) {
	m, err := newMaker(o)
	if err != nil {
		return nil, err
	}
	if len(m.Body) > 1 && (kind == "s3" || kind == "sns") {
		return nil, fmt.Errorf("an %s event carries one record: give one body", kind)
	}
	var event any
	switch kind {
	case "sqs":
		event = m.sqs()
	case "s3":
		if event, err = m.s3(); err != nil {
			return nil, err
		}
	case "sns":
		if event, err = m.sns(); err != nil {
			return nil, err
		}
	case "mq":
		event = m.activeMQ()
	case "rmq":
		event = m.rabbitMQ()
	default:
		return nil, fmt.Errorf("unknown event kind %q: want one of %s", kind, strings.Join(Kinds, ", "))
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // AWS does not either
	enc.SetIndent("", "  ")
	err = enc.Encode(event)
	return b.Bytes(), err
}

// A maker is options with every default filled in.
type maker struct {
	Options
	draw dice
}

func newMaker(o Options) (*maker, error) {
	for _, d := range []struct {
		field *string
		value string
	}{
		{&o.Queue, "orders"}, {&o.Bucket, "uploads"}, {&o.Key, "hello.txt"}, {&o.Event, "ObjectCreated:Put"}, {&o.Topic, "orders"},
		{&o.Region, "us-east-1"}, {&o.Account, "000000000000"},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if len(o.Body) == 0 {
		o.Body = []string{"hello"}
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	o.Now = o.Now.UTC()
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	draw, err := newDice(o.Rand)
	if err != nil {
		return nil, fmt.Errorf("drawing the event's ids: %w", err)
	}
	return &maker{o, draw}, nil
}

// arn names a resource of the sample's account.
func (m *maker) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + m.Region + ":" + m.Account + ":" + resource
}
