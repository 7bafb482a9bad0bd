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
	r := reach{brokers}
	a.sources["mq"] = rabbitmq.Kind(rabbitmq.Config{
		Open:    func(s bridge.Spec) rabbitmq.Consumer { return bridges.Open(s) },
		Address: r.address, Check: r.check, Secret: a.secrets.Value,
	})
	return nil
}

// reach is how this runtime finds the brokers of mappings.
type reach struct {
	brokers *broker.Brokers
}

// address is that of a broker's AMQP endpoint. While the broker reboots it is tried all
// the same: of a cluster other nodes serve meanwhile.
func (r reach) address(ctx context.Context, b rabbitmq.Broker) (bridge.Address, error) {
	found, err := r.brokers.Reach(ctx, b.Account, b.Region, b.ID)
	a := bridge.Address{Changed: found.Changed}
	if err != nil {
		return a, err
	}
	if found.Endpoint == "" {
		return a, fault.New(fault.Unavailable, "broker %s does not run", b.ID)
	}
	u, err := url.Parse(found.Endpoint)
	if err != nil {
		return a, fault.Wrap(fault.Internal, err, "reading the endpoint of broker %s", b.ID)
	}
	a.Host, a.TLS = u.Host, trust(u.Hostname(), found.Root)
	return a, nil
}

// trust is how the broker of a host is known, by the authority that signs for it.
func trust(host string, root []byte) *tls.Config {
	c := &tls.Config{ServerName: host, RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	c.RootCAs.AppendCertsFromPEM(root)
	return c
}

// check refuses brokers whose queues nothing reads from here. One that is not there yet
// is waited for.
func (r reach) check(b rabbitmq.Broker) error {
	found, err := r.brokers.Reach(context.Background(), b.Account, b.Region, b.ID)
	if err == nil && found.Engine != catalog.RabbitMQ {
		return &source.Error{Problem: source.Misconfigured, What: "Event source mappings of " + found.Engine.Title() + " brokers are not supported by Millrace."}
	}
	return nil
}
