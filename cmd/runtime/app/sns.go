package app

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"time"

	"millrace/runtime/store/loss"
	"millrace/runtime/topic"
	"millrace/runtime/topic/fifo"
	"millrace/runtime/topic/mailbox"
	"millrace/runtime/topic/signing"
	"millrace/services/admin"
	"millrace/services/sns"
)

// An SNS says how topics deliver and how SNS answers. The zero SNS is what the switches
// have by default.
type SNS struct {
	CertListen   string       // where the certificate of signatures is served, host:port; "" for signing.DefaultAddress
	CertListener net.Listener // listens already; CertListen is not used then
	CertHost     string       // the host in the certificate's URL; "" for that of CertListen
	sns.Options
}

// openSigner makes what signs messages of topics: queues need it too, which have it sign
// what they hold when somebody receives it.
func (a *App) openSigner() {
	c := signing.Config{
		Records: a.records, Keys: a.keys, Authority: authority(a.cfg),
		Address: a.cfg.SNS.CertListen, Host: a.cfg.SNS.CertHost, Log: a.cfg.Log,
	}
	if l := a.cfg.SNS.CertListener; l != nil {
		c.Listen = func(context.Context) (net.Listener, error) { return l, nil }
	}
	a.signer = signing.New(c)
}

// newTopicLogs makes the logs of FIFO topics. intact is as in fifo.Config.VerifyStored, truncated
// are the streams whose end was found cut short.
func (a *App) newTopicLogs(intact func() error, truncated map[string]bool) *fifo.Logs {
	return fifo.New(fifo.Config{
		Backbone: a.store, Records: a.records, Cluster: a.others, TruncatedStreams: truncated,
		Gate: a.gate, AdmitWrite: a.mayWrite, VerifyStored: intact, Log: a.cfg.Log,
		OnLoss: func(l loss.Loss) error {
			l.Name = topic.NameOfLog(a.records, l.Name)
			return a.losses.Add(l)
		},
	})
}

func (a *App) startTopicLogs(ctx context.Context) error {
	err := a.stack.Start(ctx, "logs of FIFO topics", a.logs)
	a.logsRead = err == nil
	return err
}

func openSNS(ctx context.Context, a *App) (Offer, error) {
	if err := a.startTopicLogs(ctx); err != nil {
		return Offer{}, err
	}
	if err := a.stack.Start(ctx, "certificates of SNS", a.signer); err != nil {
		return Offer{}, err
	}
	mails := mailbox.New(a.store.JetStream(), a.keys, a.gate.Admit)
	a.topics = topic.New(topic.Config{
		Records: a.records, Keys: a.keys, Logs: a.logs, Outbox: a.outbox, Resolve: a.targets.Resolve, Signer: a.signer, Mailbox: mails,
		Now: time.Now, Log: a.cfg.Log, Shared: a.others != nil, PoliciesOff: a.cfg.SNS.PoliciesOff,
	})
	a.targets["sns"] = a.topics.Resolve
	maps.Copy(a.senders, a.topics.Senders())
	if err := a.stack.Start(ctx, "topics", a.topics); err != nil {
		return Offer{}, err
	}
	service := sns.New(a.topics, a.cfg.SNS.Options)
	return Offer{
		Service: service,
		Routes: map[string]http.Handler{
			"GET /_runtime/sns/outbox":  sns.OutboxHandler(mails),
			"GET /_runtime/sns/metrics": sns.MetricsHandler(a.topics),
		},
		Reset: func(ctx context.Context) error { return errors.Join(a.topics.Reset(ctx), mails.Reset(ctx)) },
		Status: func(ctx context.Context) ([]admin.Count, error) {
			topics, subscriptions := a.topics.Count()
			waiting, err := a.outbox.Waiting(ctx)
			return []admin.Count{
				{Of: "topics", N: topics}, {Of: "subscriptions", N: subscriptions}, {Of: "pendingDeliveries", N: waiting + a.topics.Pending()},
			}, err
		},
	}, nil
}

// snsFlags are the switches of SNS.
type snsFlags struct {
	SNS struct {
		Policies   string `default:"enforce" enum:"enforce,off" env:"MILLRACE_SNS_POLICIES" help:"Who may call: enforce topic policies for other accounts and unsigned calls, or off."`
		CertListen string `default:"127.0.0.1:4567" env:"MILLRACE_SNS_CERT_LISTEN" placeholder:"HOST:PORT" help:"Where the certificate that messages are signed with is served, over HTTPS. It is open once a message names it."`
		Quotas     string `default:"aws" enum:"aws,off" env:"MILLRACE_SNS_QUOTAS" help:"How many topics, subscriptions and filter policies there may be: as many as AWS lets an account have, or as many as there is room for (off)."`
		CertHost   string `env:"MILLRACE_SNS_CERT_HOST" placeholder:"HOST" help:"Host in the certificate's URL, for subscribers that insist on one of AWS: sns.{region}.amazonaws.com. It has to lead to --sns-cert-listen."`
	} `embed:"" prefix:"sns-"`

	config *Config
}

func snsFlagsOf(c *Config) any { return &snsFlags{config: c} }

// AfterApply implements kong's hook: it sets what the switches say.
func (f *snsFlags) AfterApply() error {
	f.config.SNS.CertListen, f.config.SNS.CertHost = f.SNS.CertListen, f.SNS.CertHost
	if f.SNS.Quotas == "off" {
		f.config.SNS.Quotas = sns.NoQuotas
	}
	f.config.SNS.PoliciesOff = f.SNS.Policies == "off"
	return nil
}
