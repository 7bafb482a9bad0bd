package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"millrace/runtime/broker"
	"millrace/runtime/store/atomicfile"
	"millrace/services/admin"
	"millrace/services/mq"

	"github.com/google/uuid"
)

// An MQ says how brokers are run and how Amazon MQ answers. The zero MQ is what the
// switches have by default.
type MQ struct {
	Driver       string            // mqAuto, …; "" for mqAuto
	Exact        bool              // refuse software of another series than the one that was asked for
	Plain        bool              // endpoints without TLS, and of MQTT and STOMP, too
	EndpointHost string            // the host in endpoints; "" for 127.0.0.1
	Images       map[string]string // by engine, for docker; {version} stands for the version
	mq.Options
}

// What runs brokers: containers, processes, whichever of the two is there, or nothing.
const (
	mqAuto     = "auto"
	mqDocker   = "docker"
	mqProcess  = "process"
	mqMetadata = "metadata"
)

func openMQ(ctx context.Context, a *App) (Offer, error) {
	home, err := a.home()
	if err != nil {
		return Offer{}, err
	}
	runner, release, err := a.brokerRunner()
	if err != nil {
		return Offer{}, err
	}
	a.stack.Push("drivers of brokers", release)
	brokers := broker.New(broker.Config{
		Records: a.records, Keys: a.keys, Runner: runner, Home: home, Tell: a.tell, Log: a.cfg.Log,
		FirstRabbitMQ: func(ctx context.Context, account string) error {
			_, err := a.roles.ServiceLinked(ctx, account, "mq.amazonaws.com", time.Now())
			return err
		},
	})
	if err := a.stack.Start(ctx, "brokers", brokers); err != nil {
		return Offer{}, err
	}
	if err := a.openBridges(ctx, brokers); err != nil {
		return Offer{}, err
	}
	if a.others != nil {
		if err := a.stack.Start(ctx, "takeovers of brokers", a.newTakeover(home, brokers)); err != nil {
			return Offer{}, err
		}
	}
	service := mq.New(brokers, a.cfg.MQ.Options)
	ending, end := context.WithCancel(context.WithoutCancel(ctx))
	return Offer{
		Service: service,
		Routes: map[string]http.Handler{
			"GET /_runtime/mq/brokers":                          listBrokers(brokers),
			"POST /_runtime/mq/brokers/{id}/maintenance-window": service.WindowHandler(),
			"POST /_runtime/mq/brokers/{id}/faults":             service.FaultHandler(),
			"GET /_runtime/mq/brokers/{id}/faults":              service.FaultsHandler(),
			"DELETE /_runtime/mq/brokers/{id}/faults/{code}":    service.ClearFaultHandler(),
			"GET /_runtime/mq/brokers/{id}/metrics":             service.MetricsHandler(),
			"GET /_runtime/mq/brokers/{id}/log":                 service.LogHandler(ending),
		},
		Drain: end, // logs that are followed
		Reset: brokers.Reset,
		Status: func(context.Context) ([]admin.Count, error) {
			return []admin.Count{{Of: "brokers", N: len(brokers.All())}}, nil
		},
	}, nil
}

// home names this runtime among those that share a NATS server, for as long as its data
// folder lasts. A runtime with a store of its own is alone.
func (a *App) home() (string, error) {
	if a.cfg.NATS == "" {
		return "local", nil
	}
	path := filepath.Join(a.cfg.Data, "home")
	id, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		id = []byte(uuid.NewString())
		err = atomicfile.Create(path, id)
	}
	if err == nil && uuid.Validate(string(id)) != nil {
		err = errors.New("it is damaged: remove it, and brokers that were made here will run no more")
	}
	if err != nil {
		return "", fmt.Errorf("reading the runtime's id from %s: %w", path, err)
	}
	return string(id), nil
}

// mqFlags are the switches of Amazon MQ.
type mqFlags struct {
	MQ struct {
		Driver         string `default:"auto" enum:"auto,docker,process,metadata" env:"MILLRACE_MQ_DRIVER" help:"What runs brokers: docker, process (software that is installed), auto for whichever of the two is there, or metadata for brokers that nobody can connect to."`
		Strict         bool   `env:"MILLRACE_MQ_STRICT" help:"Refuse brokers that Amazon MQ does not make anymore: RabbitMQ on mq.t3.micro."`
		ExactVersion   bool   `env:"MILLRACE_MQ_EXACT_VERSION" help:"Refuse to run a broker with another version than the one asked for; else the nearest that is here runs, and the tag millrace:engine says which."`
		PlainEndpoints bool   `env:"MILLRACE_MQ_PLAIN_ENDPOINTS" help:"Give RabbitMQ brokers endpoints for plain AMQP, and for MQTT and STOMP over TLS, which Amazon MQ does not have."`
		EndpointHost   string `env:"MILLRACE_MQ_ENDPOINT_HOST" placeholder:"NAME" help:"Host in the endpoints of brokers, and in their certificates; by default 127.0.0.1, where they listen."`
		RabbitMQImage  string `name:"rabbitmq-image" default:"rabbitmq:{version}-management" env:"MILLRACE_MQ_RABBITMQ_IMAGE" placeholder:"IMAGE" help:"Image of RabbitMQ for the driver docker; {version} stands for what was asked for, such as 4.2."`
		LiveUsers      bool   `env:"MILLRACE_MQ_LIVE_USERS" help:"Have CreateUser, UpdateUser and DeleteUser change users inside a RabbitMQ broker at once, which Amazon MQ refuses."`
	} `embed:"" prefix:"mq-"`

	config *Config
}

func mqFlagsOf(c *Config) any { return &mqFlags{config: c} }

// AfterApply implements kong's hook: it sets what the switches say.
func (f *mqFlags) AfterApply() error {
	f.config.MQ = MQ{
		Driver: f.MQ.Driver, Exact: f.MQ.ExactVersion, Plain: f.MQ.PlainEndpoints, EndpointHost: f.MQ.EndpointHost,
		Images: map[string]string{"rabbitmq": f.MQ.RabbitMQImage}, Options: mq.Options{Strict: f.MQ.Strict, LiveUsers: f.MQ.LiveUsers},
	}
	return nil
}
