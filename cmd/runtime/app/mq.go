package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"millrace/runtime/broker"
	"millrace/runtime/fault"
	"millrace/services/admin"
	"millrace/services/mq"

	"github.com/google/uuid"
)

// An MQ says how brokers are run and how Amazon MQ answers. The zero MQ is what the
// switches have by default.
type MQ struct {
	Driver string // mqAuto, …; "" for mqAuto
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
	brokers := broker.New(broker.Config{Records: a.records, Keys: a.keys, Runner: a.brokerRunner(), Home: home, Log: a.cfg.Log})
	if err := a.stack.Start(ctx, "brokers", brokers); err != nil {
		return Offer{}, err
	}
	service := mq.New(brokers, a.cfg.MQ.Options)
	return Offer{
		Service: service,
		Routes:  map[string]http.Handler{"POST /_runtime/mq/brokers/{id}/maintenance-window": service.WindowHandler()},
		Reset:   brokers.Reset,
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
		err = os.WriteFile(path, id, 0o600)
	}
	if err == nil && uuid.Validate(string(id)) != nil {
		err = errors.New("it is damaged: remove it, and brokers that were made here will run no more")
	}
	if err != nil {
		return "", fmt.Errorf("reading the runtime's id from %s: %w", path, err)
	}
	return string(id), nil
}

// brokerRunner is what runs brokers.
func (a *App) brokerRunner() broker.Runner {
	if a.cfg.MQ.Driver == mqMetadata {
		return broker.Metadata{}
	}
	return noRunner{}
}

// noRunner refuses to run anything.
type noRunner struct{ broker.Metadata }

func (noRunner) Run(context.Context, broker.Desired) (broker.Running, error) {
	return broker.Running{}, fault.New(fault.Unavailable, "this build runs no broker software: start the runtime with --mq-driver metadata for brokers that nobody can connect to")
}

// mqFlags are the switches of Amazon MQ.
type mqFlags struct {
	MQ struct {
		Driver    string `default:"auto" enum:"auto,docker,process,metadata" env:"MILLRACE_MQ_DRIVER" help:"What runs brokers: docker, process (software that is installed), auto for whichever of the two is there, or metadata for brokers that nobody can connect to."`
		Strict    bool   `env:"MILLRACE_MQ_STRICT" help:"Refuse brokers that Amazon MQ does not make anymore: RabbitMQ on mq.t3.micro."`
		LiveUsers bool   `env:"MILLRACE_MQ_LIVE_USERS" help:"Have CreateUser, UpdateUser and DeleteUser change users inside a RabbitMQ broker at once, which Amazon MQ refuses."`
	} `embed:"" prefix:"mq-"`

	config *Config
}

func mqFlagsOf(c *Config) any { return &mqFlags{config: c} }

// AfterApply implements kong's hook: it sets what the switches say.
func (f *mqFlags) AfterApply() error {
	f.config.MQ = MQ{Driver: f.MQ.Driver, Options: mq.Options{Strict: f.MQ.Strict, LiveUsers: f.MQ.LiveUsers}}
	return nil
}
