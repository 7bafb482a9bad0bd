package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/driver/docker"
	"millrace/runtime/broker/driver/process"
	"millrace/runtime/broker/engine"
	"millrace/runtime/broker/live"
	"millrace/runtime/broker/rabbitmq"
	"millrace/runtime/ca"
)

// brokerDrivers are those that the configuration allows, the preferred one first. The
// Docker engine is the one at host, or that of the environment when that is "".
func brokerDrivers(cfg Config, host string) (all []driver.Driver, err error) {
	if cfg.MQ.Driver != mqProcess {
		d, err := docker.New(docker.Config{Data: absolute(cfg.Data), Host: host, Images: cfg.MQ.Images, Log: cfg.Log})
		switch {
		case err == nil:
			all = append(all, d)
		case cfg.MQ.Driver == mqDocker:
			return nil, fmt.Errorf("finding a Docker engine for brokers: %w", err)
		default: // most runtimes have no brokers
			cfg.Log.Info("brokers will not run in Docker", "err", err)
		}
	}
	if cfg.MQ.Driver != mqDocker {
		d, err := process.New(process.Config{Data: absolute(cfg.Data), Log: cfg.Log})
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// brokerRunner is what runs brokers, and what ends it.
func (a *App) brokerRunner() (broker.Runner, func(context.Context) error, error) {
	if a.cfg.MQ.Driver == mqMetadata {
		return broker.Metadata{}, func(context.Context) error { return nil }, nil
	}
	site, err := a.brokerSite(absolute(a.cfg.Data))
	if err != nil {
		return nil, nil, err
	}
	r := live.New(live.Config{
		Site: site, Elsewhere: a.brokerSite, Engines: map[catalog.Engine]engine.Engine{catalog.RabbitMQ: rabbitmq.Engine{}},
		Records: a.records, Keys: a.keys,
		Host: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Shown: a.cfg.MQ.EndpointHost, Plain: a.cfg.MQ.Plain, Exact: a.cfg.MQ.Exact,
		Progress: a.tell, Log: a.cfg.Log,
	})
	return r, func(context.Context) error { return r.Release() }, nil
}

// brokerSite is what brokers of a data folder stand on.
func (a *App) brokerSite(folder string) (s live.Site, err error) {
	cfg := a.cfg
	cfg.Data = folder
	if cfg.NATS != "" {
		s.Folder = folder
	}
	s.CA = authority(cfg)
	s.Drivers, err = brokerDrivers(cfg, "")
	return s, err
}

// tell says a line about a broker to whoever sits in front of the runtime.
func (a *App) tell(broker, line string) {
	if a.cfg.Output != nil {
		fmt.Fprintf(a.cfg.Output, "mq %s: %s\n", broker, line)
	}
}

// authority is what signs the certificates of brokers.
func authority(cfg Config) *ca.Authority { return ca.New(absolute(cfg.Data), time.Now) }

// Root returns the certificate, as PEM, by which clients trust the brokers of a data
// folder.
func Root(data string) ([]byte, error) {
	if !Exists(data) {
		return nil, fmt.Errorf("there is no data folder at %s", data)
	}
	return authority(Config{Data: data}).Root()
}

// removeBrokers removes all brokers of a data folder, with all that drivers have of them.
// A Docker engine that has some has to answer, even when it is not the one that the
// environment names.
func removeBrokers(ctx context.Context, cfg Config) error {
	data := absolute(cfg.Data)
	host, err := docker.UsedBy(data)
	if err != nil {
		return err
	}
	if host != "" {
		d, err := docker.New(docker.Config{Data: data, Host: host, Log: cfg.Log})
		if err == nil {
			if err = d.Check(ctx); err == nil {
				err = removeNodes(ctx, d)
			}
			err = errors.Join(err, d.Close())
		}
		if err != nil {
			return fmt.Errorf("brokers of %s are in the Docker engine at %s; start it, or remove %s to leave them there: %w",
				data, host, filepath.Join(data, docker.File), err)
		}
	}
	d, err := process.New(process.Config{Data: data, Log: cfg.Log})
	if err != nil {
		return err
	}
	return errors.Join(removeNodes(ctx, d), d.Close())
}

func removeNodes(ctx context.Context, d driver.Driver) error {
	nodes, err := d.Nodes(ctx)
	for _, n := range nodes {
		err = errors.Join(err, d.Remove(ctx, n.Node))
	}
	return err
}

// Software is what there is to run brokers with, as the doctor tells it.
type Software struct {
	Driver string   `json:"driver"`
	Ready  bool     `json:"ready"`
	Says   string   `json:"says"`            // what was found, or what is missing and how to get it
	Nodes  []string `json:"nodes,omitempty"` // what is there of brokers of the data folder
}

// BrokerSoftware looks for what can run brokers, and for what there is of those of the
// data folder: in the Docker engine that has some, if there is such.
func BrokerSoftware(ctx context.Context, cfg Config) ([]Software, error) {
	cfg = withDefaults(cfg)
	host, err := docker.UsedBy(absolute(cfg.Data))
	if err != nil {
		return nil, err
	}
	drivers, err := brokerDrivers(cfg, host)
	if err != nil {
		return nil, err
	}
	var all []Software
	for _, d := range drivers {
		s := Software{Driver: d.Name()}
		if err := d.Check(ctx); err != nil {
			s.Says = err.Error()
			if d.Name() == mqDocker && host != "" {
				s.Says += "; brokers of this data folder are in that engine"
			}
		} else {
			s.Ready = true
			s.Says = versions(ctx, d)
			nodes, err := d.Nodes(ctx)
			if err != nil {
				return nil, errors.Join(err, d.Close())
			}
			for _, n := range nodes {
				state := "not running"
				if n.Running {
					state = "running"
				}
				s.Nodes = append(s.Nodes, fmt.Sprintf("%s, %s: %s", n.Node, state, n.Where))
			}
		}
		all = append(all, s)
		if err := d.Close(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// versions says which versions of the catalogue a driver would run, and as what. It
// fetches nothing.
func versions(ctx context.Context, d driver.Driver) string {
	var found []string
	for _, v := range catalog.Versions(catalog.RabbitMQ) {
		s, err := d.Find(ctx, "rabbitmq", v.Name, nil)
		if err != nil {
			found = append(found, v.Name+" is not here yet")
			continue
		}
		found = append(found, fmt.Sprintf("%s would be %s of %s", v.Name, s.Version, s.Source))
	}
	return "RabbitMQ " + strings.Join(found, "; ")
}

// list answers with all brokers.
func listBrokers(all *broker.Brokers) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		shown := []Broker{}
		for _, b := range all.All() {
			shown = append(shown, show(b))
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(shown)
	}
}

func show(b broker.Broker) Broker {
	s := Broker{
		ID: b.ID, Name: b.Name, Account: b.Account, Region: b.Region, State: string(b.State), Created: b.Created,
		Engine: b.Engine.Title(), Version: b.Settings.Version, Software: b.Software, Endpoints: []string{},
	}
	for _, i := range b.Instances {
		s.Endpoints = append(s.Endpoints, i.Endpoints...)
		s.Console = cmp.Or(s.Console, i.ConsoleURL)
	}
	if b.Engine == catalog.RabbitMQ && len(b.Users) > 0 {
		s.User = b.Users[0].Name
	}
	var why []string
	for _, a := range b.Actions() {
		why = append(why, a.Info)
	}
	s.Reason = strings.Join(why, " ")
	return s
}

// A Broker is what the command line shows of an Amazon MQ broker: an entry of the JSON
// array at /_runtime/mq/brokers, which has those of all accounts and regions.
type Broker struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Account   string    `json:"account"`
	Region    string    `json:"region"`
	State     string    `json:"state"`
	Reason    string    `json:"reason,omitempty"` // why it is in that state, when something is to be done
	Engine    string    `json:"engine"`
	Version   string    `json:"version"`            // of the catalogue
	Software  string    `json:"software,omitempty"` // what really runs
	Endpoints []string  `json:"endpoints"`
	Console   string    `json:"console,omitempty"` // URL
	User      string    `json:"user,omitempty"`    // the one that CreateBroker named, of RabbitMQ
	Created   time.Time `json:"created"`
}
