package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	sqssource "millrace/esm/source/sqs"
	esmtarget "millrace/esm/target"
	"millrace/runtime/delivery"
	"millrace/runtime/delivery/target"
	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/queue/cooldown"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/queue/moves"
	"millrace/services/admin"
	"millrace/services/sqs"
)

func openSQS(ctx context.Context, a *App) (Offer, error) {
	if err := a.measureDepths(); err != nil {
		return Offer{}, fmt.Errorf("measuring queue depths: %w", err)
	}
	tasks := moves.New(moves.Config{
		Records: a.records, Log: a.cfg.Log,
		Queue: func(id queue.ID) (moves.Queue, error) { return a.queues.Get(id) },
	})
	if err := a.stack.Start(ctx, "message move tasks", tasks); err != nil {
		return Offer{}, err
	}
	a.targets["sqs"] = target.Queues(func(id queue.ID) (target.Queue, error) { return a.queues.Get(id) }, a.cfg.SQS.PoliciesOff)
	service := sqs.New(a.queues, tasks, cooldown.New(a.records), a.cfg.SQS)
	a.sources["sqs"] = sqssource.Kind(func(id queue.ID) (sqssource.Queue, error) { return a.queues.Get(id) },
		func(q queue.ID, functionARN string) error {
			f, _ := esmtarget.Functions{Functions: a.functions}.Function(functionARN)
			return service.MayReceive(q, f.Account, f.Role, f.Name)
		})
	return Offer{
		Service: service,
		Routes:  map[string]http.Handler{"/_runtime/sqs/messages": service.MessagesHandler(a.cfg.Account, a.cfg.Region)},
		Drain:   service.Drain, // receives that wait are answered now, not when their wait is over
		Reset: func(ctx context.Context) error {
			if err := tasks.Reset(ctx); err != nil {
				return err
			}
			return a.queues.Reset(ctx)
		},
		Status: a.countMessages,
	}, nil
}

// countMessages counts the queues and what is in them: visible, in flight and delayed.
func (a *App) countMessages(ctx context.Context) ([]admin.Count, error) {
	queues, messages := 0, 0
	for _, q := range a.allQueues() {
		n, err := q.MessageCount(ctx)
		if errors.Is(err, fault.NotFound) {
			continue // deleted since it was listed
		}
		if err != nil {
			return nil, err
		}
		queues++
		messages += n
	}
	return []admin.Count{{Of: "queues", N: queues}, {Of: "messages", N: messages}}, nil
}

// allQueues are the queues of every account, but not those that the runtime
// keeps for itself.
func (a *App) allQueues() []*jetqueue.Queue {
	return slices.DeleteFunc(a.queues.All(), func(q *jetqueue.Queue) bool { return q.ID().Account == delivery.Reserved })
}

// sqsFlags are the switches of SQS. Their variables have the names that other
// emulators made known.
type sqsFlags struct {
	SQS struct {
		Policies         string `default:"enforce" enum:"enforce,off" env:"MILLRACE_SQS_POLICIES" help:"Who may call: enforce queue policies for other accounts and unsigned calls, or off."`
		EndpointStrategy string `default:"off" enum:"off,standard,domain,path,dynamic" env:"SQS_ENDPOINT_STRATEGY" help:"Form of queue URLs: off (host/account/name, resolves everywhere), standard, domain, path or dynamic."`

		DelayPurgeRetry      bool `env:"SQS_DELAY_PURGE_RETRY" help:"Refuse a second purge within 60 seconds, as AWS does."`
		DelayRecentlyDeleted bool `env:"SQS_DELAY_RECENTLY_DELETED" help:"Keep the name of a deleted queue taken for 60 seconds, as AWS does."`

		EnableMessageRetentionPeriod   bool `default:"true" negatable:"" env:"SQS_ENABLE_MESSAGE_RETENTION_PERIOD" help:"Remove messages older than MessageRetentionPeriod."`
		DisableMaxNumberOfMessageLimit bool `env:"SQS_DISABLE_MAX_NUMBER_OF_MESSAGE_LIMIT" help:"Let MaxNumberOfMessages be above 10, and -1 for all there are."`
		EnforceFIFOThroughput          bool `name:"enforce-fifo-throughput" env:"SQS_ENFORCE_FIFO_THROUGHPUT" help:"Refuse more than 300 calls a second of one action on a FIFO queue, as AWS does."`

		DisableCloudwatchMetrics        bool        `env:"SQS_DISABLE_CLOUDWATCH_METRICS" help:"No effect yet: nothing is reported to CloudWatch."`
		CloudwatchMetricsReportInterval secondsFlag `default:"60" env:"SQS_CLOUDWATCH_METRICS_REPORT_INTERVAL" placeholder:"SECONDS" help:"No effect yet: nothing is reported to CloudWatch."`
	} `embed:"" prefix:"sqs-"`

	config *Config
}

func sqsFlagsOf(c *Config) any { return &sqsFlags{config: c} }

// AfterApply implements kong's hook: it sets what the switches say.
func (f *sqsFlags) AfterApply() error {
	f.config.KeepForever = !f.SQS.EnableMessageRetentionPeriod
	f.config.SQS = sqs.Options{
		URLs:           sqs.URLForm(f.SQS.EndpointStrategy),
		PurgeWait:      f.SQS.DelayPurgeRetry,
		NameWait:       f.SQS.DelayRecentlyDeleted,
		AnyNumber:      f.SQS.DisableMaxNumberOfMessageLimit,
		FIFOThroughput: f.SQS.EnforceFIFOThroughput,
		PoliciesOff:    f.SQS.Policies == "off",
		MetricsOff:     f.SQS.DisableCloudwatchMetrics,
		MetricsEvery:   time.Duration(f.SQS.CloudwatchMetricsReportInterval),
	}
	return nil
}

// A secondsFlag is a whole number of seconds, one or more.
type secondsFlag time.Duration

// UnmarshalText reads the number.
func (f *secondsFlag) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text) + "s")
	if err != nil || d < time.Second || d%time.Second != 0 {
		return fmt.Errorf("%q is no whole number of seconds", text)
	}
	*f = secondsFlag(d)
	return nil
}
