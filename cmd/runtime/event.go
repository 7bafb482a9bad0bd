package main

import "millrace/cmd/runtime/event"

type eventCmd struct {
	Kind string `arg:"" enum:"sqs,s3,sns,mq,rmq" help:"Source of the event: sqs, s3, sns, mq (ActiveMQ) or rmq (RabbitMQ)."`
	event.Options
}

// Run prints the sample.
func (c *eventCmd) Run(term terminal) error {
	sample, err := event.Sample(c.Kind, c.Options)
	if err != nil {
		return err
	}
	_, err = term.out.Write(sample)
	return err
}
