package app

import (
	"context"
	"time"

	"millrace/services/s3"
)

// An S3 says how S3 answers. The zero S3 is what the switches have by default.
type S3 struct {
	PoliciesOff   bool // bucket policies are stored and not evaluated
	TestEventsOff bool // new destinations of notifications get no s3:TestEvent
}

func openS3(ctx context.Context, a *App) (Offer, error) {
	if err := a.startBuckets(ctx); err != nil {
		return Offer{}, err
	}
	a.objects = s3.New(s3.Config{
		Buckets: a.buckets, Keys: a.keys, Resolve: a.targets.Resolve, Secret: a.issued.Secret, Now: time.Now, Log: a.cfg.Log,
		PoliciesOff: a.cfg.S3.PoliciesOff, TestEventsOff: a.cfg.S3.TestEventsOff,
	})
	a.targets["s3"] = a.objects.Target
	return Offer{Service: a.objects, Reset: a.buckets.Reset, Status: a.countObjects}, nil
}

// s3Flags are the switches of S3.
type s3Flags struct {
	S3 struct {
		Policies   string `default:"enforce" enum:"enforce,off" env:"MILLRACE_S3_POLICIES" help:"Who may call: enforce bucket policies for other accounts and unsigned calls, or off."`
		TestEvents string `default:"send" enum:"send,off" env:"MILLRACE_S3_TEST_EVENTS" help:"Whether queues and topics get an s3:TestEvent when a bucket is to notify them, as on AWS: send or off."`
	} `embed:"" prefix:"s3-"`

	config *Config
}

func s3FlagsOf(c *Config) any { return &s3Flags{config: c} }

// AfterApply implements kong's hook: it sets what the switches say.
func (f *s3Flags) AfterApply() error {
	f.config.S3 = S3{PoliciesOff: f.S3.Policies == "off", TestEventsOff: f.S3.TestEvents == "off"}
	return nil
}
