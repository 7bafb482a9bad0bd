package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/url"

	"millrace/esm/source"
	"millrace/esm/source/rabbitmq"
	"millrace/runtime/bridge"
	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	"millrace/runtime/fault"
)

// openBridges makes queues of brokers sources of event source mappings.
func (a *App) openBridges(ctx context.Context, brokers *broker.Brokers) error {
	bridges := bridge.New(bridge.Config{Conn: a.store.Conn(), Cluster: a.others, Log: a.cfg.Log})
	if err := a.stack.Start(ctx, "bridges to brokers", bridges); err != nil {
		return err
	}
	r := reach{brokers, authority(a.cfg).Root}
	a.sources["mq"] = rabbitmq.Kind(rabbitmq.Config{
		Open:    func(s bridge.Spec) rabbitmq.Consumer { return bridges.Open(s) },
		Address: r.address, Check: r.check, Secret: a.secrets.Value,
	})
	return nil
}

// reach is how this runtime finds the brokers of mappings.
type reach struct {
	brokers *broker.Brokers
	root    func() ([]byte, error) // the certificate that signs the brokers', as PEM
}

// address is that of a broker's AMQP endpoint.
func (r reach) address(ctx context.Context, b rabbitmq.Broker) (bridge.Address, error) {
	found, err := r.brokers.Get(ctx, b.Account, b.Region, b.ID)
	if err != nil {
		return bridge.Address{}, err
	}
	for _, i := range found.Instances {
		for _, e := range i.Endpoints {
			if u, err := url.Parse(e); err == nil && u.Scheme == "amqps" {
				trust, err := r.trust(u.Hostname())
				return bridge.Address{Host: u.Host, TLS: trust}, err
			}
		}
	}
	return bridge.Address{}, fault.New(fault.Unavailable, "broker %s does not run", b.ID)
}

func (r reach) trust(host string) (*tls.Config, error) {
	pem, err := r.root()
	if err != nil {
		return nil, err
	}
	c := &tls.Config{ServerName: host, RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	c.RootCAs.AppendCertsFromPEM(pem)
	return c, nil
}

// check refuses brokers whose queues nothing reads from here. One that is not there yet
// is waited for.
func (r reach) check(b rabbitmq.Broker) error {
	found, err := r.brokers.Get(context.Background(), b.Account, b.Region, b.ID)
	if err == nil && found.Engine != catalog.RabbitMQ {
		return &source.Error{Problem: source.Misconfigured, What: "Event source mappings of " + found.Engine.Title() + " brokers are not supported by Millrace."}
	}
	return nil
}
