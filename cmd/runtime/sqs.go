package main

import (
	"fmt"
	"time"

	"millrace/services/sqs"
)

// sqsFlags are the switches of SQS. Their variables have the names that other
// emulators made known.
type sqsFlags struct {
	Policies         string `default:"enforce" enum:"enforce,off" env:"MILLRACE_SQS_POLICIES" help:"Who may call: enforce queue policies for other accounts and unsigned calls, or off."`
	EndpointStrategy string `default:"off" enum:"off,standard,domain,path,dynamic" env:"SQS_ENDPOINT_STRATEGY" help:"Form of queue URLs: off (host/account/name, resolves everywhere), standard, domain, path or dynamic."`

	DelayPurgeRetry      bool `env:"SQS_DELAY_PURGE_RETRY" help:"Refuse a second purge within 60 seconds, as AWS does."`
	DelayRecentlyDeleted bool `env:"SQS_DELAY_RECENTLY_DELETED" help:"Keep the name of a deleted queue taken for 60 seconds, as AWS does."`

	EnableMessageRetentionPeriod   bool `default:"true" negatable:"" env:"SQS_ENABLE_MESSAGE_RETENTION_PERIOD" help:"Remove messages older than MessageRetentionPeriod."`
	DisableMaxNumberOfMessageLimit bool `env:"SQS_DISABLE_MAX_NUMBER_OF_MESSAGE_LIMIT" help:"Let MaxNumberOfMessages be above 10, and -1 for all there are."`
	EnforceFIFOThroughput          bool `name:"enforce-fifo-throughput" env:"SQS_ENFORCE_FIFO_THROUGHPUT" help:"Refuse more than 300 calls a second of one action on a FIFO queue, as AWS does."`

	DisableCloudwatchMetrics        bool        `env:"SQS_DISABLE_CLOUDWATCH_METRICS" help:"No effect yet: nothing is reported to CloudWatch."`
	CloudwatchMetricsReportInterval secondsFlag `default:"60" env:"SQS_CLOUDWATCH_METRICS_REPORT_INTERVAL" placeholder:"SECONDS" help:"No effect yet: nothing is reported to CloudWatch."`
}

// A secondsFlag is a whole number of seconds, one or more.
type secondsFlag time.Duration

func (f *secondsFlag) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text) + "s")
	if err != nil || d < time.Second || d%time.Second != 0 {
		return fmt.Errorf("%q is no whole number of seconds", text)
	}
	*f = secondsFlag(d)
	return nil
}

func (f sqsFlags) options() sqs.Options {
	return sqs.Options{
		URLs:           sqs.URLForm(f.EndpointStrategy),
		PurgeWait:      f.DelayPurgeRetry,
		NameWait:       f.DelayRecentlyDeleted,
		AnyNumber:      f.DisableMaxNumberOfMessageLimit,
		FIFOThroughput: f.EnforceFIFOThroughput,
		PoliciesOff:    f.Policies == "off",
		MetricsOff:     f.DisableCloudwatchMetrics,
		MetricsEvery:   time.Duration(f.CloudwatchMetricsReportInterval),
	}
}
