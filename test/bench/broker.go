package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
	amqp "github.com/rabbitmq/amqp091-go"
)

// Modes that measure brokers of Amazon MQ, with what is here to run them: an installed
// RabbitMQ, or a Docker engine that DOCKER_HOST names.

const brokerUser, brokerPassword = "bench", "millstones-grind"

// brokerTimes are what one life of a broker takes. They are measured once a run, for the
// modes that tell of them.
type brokerTimes struct {
	created time.Duration // until CreateBroker has answered
	serves  time.Duration // from the call of CreateBroker until a client is connected, over TLS
	bare    time.Duration // the same from the start of the same software with the same files, without us
}

// brokerBench is a runtime of its own, with brokers of one driver.
type brokerBench struct {
	*process
	data   string
	client *mq.Client
	trust  *x509.CertPool
}

func (b *bench) newBrokers(driver string) (*brokerBench, error) {
	dir, err := os.MkdirTemp(b.dir, "")
	if err != nil {
		return nil, err
	}
	s := &brokerBench{data: filepath.Join(dir, "data")}
	if s.process, err = startRuntime(b.runtime, s.data, "--mq-driver", driver); err != nil {
		return nil, err
	}
	s.client = mq.New(mq.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + s.address),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	pem, err := exec.Command(b.runtime, "ca", "--data", s.data).Output()
	if err == nil {
		s.trust = x509.NewCertPool()
		s.trust.AppendCertsFromPEM(pem)
	}
	return s, err
}

// end stops the runtime and removes all that is left of its brokers.
func (s *brokerBench) end(runtime string) error {
	s.stop()
	out, err := exec.Command(runtime, "stop", "--purge", "--data", s.data).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("purging: %w\n%s", err, out)
	}
	return err
}

// create creates a broker, and waits until a client is connected to it over TLS.
func (s *brokerBench) create(ctx context.Context, mode types.DeploymentMode) (id, endpoint string, t brokerTimes, err error) {
	began := time.Now()
	out, err := s.client.CreateBroker(ctx, &mq.CreateBrokerInput{
		BrokerName: aws.String("bench"), EngineType: types.EngineTypeRabbitmq, EngineVersion: aws.String("3.13"),
		HostInstanceType: aws.String("mq.m7g.large"), DeploymentMode: mode,
		PubliclyAccessible: aws.Bool(true), AutoMinorVersionUpgrade: aws.Bool(true),
		Users: []types.User{{Username: aws.String(brokerUser), Password: aws.String(brokerPassword)}},
	})
	t.created = time.Since(began)
	if err != nil {
		return "", "", t, err
	}
	for {
		d, err := s.client.DescribeBroker(ctx, &mq.DescribeBrokerInput{BrokerId: out.BrokerId})
		switch {
		case err != nil:
			return "", "", t, err
		case d.BrokerState == types.BrokerStateCreationFailed:
			return "", "", t, fmt.Errorf("the broker failed: %s", aws.ToString(d.ActionsRequired[0].ActionRequiredInfo))
		case d.BrokerState == types.BrokerStateRunning:
			endpoint = d.BrokerInstances[0].Endpoints[0]
			if err := s.connect(endpoint); err != nil {
				return "", "", t, err
			}
			t.serves = time.Since(began)
			return *out.BrokerId, endpoint, t, nil
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// connect is one client's connection.
func (s *brokerBench) connect(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	u.User = url.UserPassword(brokerUser, brokerPassword)
	c, err := amqp.DialTLS(u.String(), &tls.Config{RootCAs: s.trust})
	if err != nil {
		return err
	}
	return c.Close()
}

// connected tries until a client is connected.
func (s *brokerBench) connected(ctx context.Context, endpoint string) error {
	for s.connect(endpoint) != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// A bare is what a broker was started as, to be started again without us.
type bare interface {
	start() error
	stop() error
}

// clusterOf asks for a cluster instead of a single node, with a driver.
const clusterOf = "cluster of "

// measureBroker measures the life of a broker, with a driver, or of a cluster.
func (b *bench) measureBroker(what string) (t brokerTimes, err error) {
	if b.server == nil {
		return t, errNotStarted
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	driver, mode := what, types.DeploymentModeSingleInstance
	if of, ok := strings.CutPrefix(what, clusterOf); ok {
		driver, mode = of, types.DeploymentModeClusterMultiAz
	}
	s, err := b.newBrokers(driver)
	if err != nil {
		return t, err
	}
	defer func() {
		if s != nil {
			err = errors.Join(err, s.end(b.runtime))
		}
	}()
	id, endpoint, t, err := s.create(ctx, mode)
	if err != nil {
		return t, err
	}
	var again bare
	endpoints := []string{endpoint}
	switch {
	case mode == types.DeploymentModeClusterMultiAz:
		again, endpoints, err = bareCluster(filepath.Join(s.data, "brokers", id))
	case driver == "docker":
		again, err = bareContainer(id, b.dir)
	default:
		again, err = bareProcess(filepath.Join(s.data, "brokers", id+"-1"))
	}
	if err != nil {
		return t, err
	}
	ended := s.end(b.runtime)
	trust := &brokerBench{trust: s.trust}
	s = nil
	if ended != nil {
		return t, ended
	}
	began := time.Now()
	if err := again.start(); err != nil {
		return t, err
	}
	for _, e := range endpoints {
		err = errors.Join(err, trust.connected(ctx, e))
	}
	t.bare = time.Since(began)
	return t, errors.Join(err, again.stop())
}

// A processAgain is the process of a node, with its files and its environment.
type processAgain struct {
	folder string
	files  map[string][]byte
	env    []string
	args   []string
	cmd    *exec.Cmd
}

func bareProcess(folder string) (*processAgain, error) {
	p := &processAgain{folder: folder, files: map[string][]byte{}}
	text, err := os.ReadFile(filepath.Join(folder, "node.json"))
	if err != nil {
		return nil, err
	}
	var node struct{ Main struct{ PID int } }
	if err := json.Unmarshal(text, &node); err != nil {
		return nil, err
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", node.Main.PID))
	if err != nil {
		return nil, err
	}
	for v := range strings.SplitSeq(string(environ), "\x00") {
		// What the launching script has added to it does no harm; what tells the driver
		// would wait for somebody.
		if v != "" && !strings.HasPrefix(v, "NOTIFY_SOCKET=") {
			p.env = append(p.env, v)
		}
	}
	for _, dir := range []string{"config", "home"} {
		err := filepath.WalkDir(filepath.Join(folder, dir), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				p.files[path], err = os.ReadFile(path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	p.args = []string{"/usr/lib/rabbitmq/bin/rabbitmq-server"}
	return p, nil
}

func (p *processAgain) start() error {
	for path, contents := range p.files {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, contents, 0o400)); err != nil {
			return err
		}
	}
	for _, dir := range []string{"data", "logs"} {
		if err := os.MkdirAll(filepath.Join(p.folder, dir), 0o700); err != nil {
			return err
		}
	}
	p.cmd = exec.Command(p.args[0])
	p.cmd.Env, p.cmd.Dir = p.env, p.folder
	inGroup(p.cmd)
	return p.cmd.Start()
}

func (p *processAgain) stop() error {
	killGroup(p.cmd)
	p.cmd.Wait()
	// Its port mapper is a daemon in a group of its own; it is told by its variables.
	port := p.variable("ERL_EPMD_PORT")
	for range 100 { // it refuses while it believes that a node is there
		kill := exec.Command("epmd", "-port", port, "-kill")
		kill.Env = append(slices.Clip(os.Environ()), "ERL_EPMD_PORT="+port)
		if kill.Run() == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return os.RemoveAll(p.folder)
}

func (p *processAgain) variable(name string) string {
	for _, v := range p.env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// A clusterAgain are the processes of a cluster's nodes, which find each other by
// themselves: one that lets the user in has joined the one that was born with it.
type clusterAgain []*processAgain

// bareCluster also returns where each node takes clients.
func bareCluster(folder string) (c clusterAgain, endpoints []string, err error) {
	for n := range 3 {
		p, err := bareProcess(fmt.Sprint(folder, "-", n+1))
		if err != nil {
			return nil, nil, err
		}
		found := listener.FindSubmatch(p.files[filepath.Join(p.folder, "config", "rabbitmq.conf")])
		if found == nil {
			return nil, nil, fmt.Errorf("%s listens nowhere", p.folder)
		}
		c, endpoints = append(c, p), append(endpoints, "amqps://"+string(found[1]))
	}
	return c, endpoints, nil
}

var listener = regexp.MustCompile(`(?m)^listeners\.ssl\.1 = (\S+)$`)

func (c clusterAgain) start() (err error) {
	for _, p := range c {
		err = errors.Join(err, p.start())
	}
	return err
}

func (c clusterAgain) stop() (err error) {
	for _, p := range c {
		killGroup(p.cmd)
	}
	for _, p := range c {
		err = errors.Join(err, p.stop())
	}
	return err
}

// A containerAgain is the container of a node, with its files and its environment.
type containerAgain struct {
	name   string
	create []string
	folder string // of its files
	inside string // where they go
}

func bareContainer(id, temp string) (*containerAgain, error) {
	name, err := docker("ps", "--quiet", "--filter", "label=millrace.node="+id+"-1")
	if err != nil {
		return nil, err
	}
	text, err := docker("inspect", name)
	if err != nil {
		return nil, err
	}
	var found []struct {
		Config struct {
			Env   []string
			Image string
		}
		HostConfig struct {
			PortBindings map[string][]struct{ HostIP, HostPort string }
		}
	}
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		return nil, err
	}
	c := &containerAgain{name: "millrace-bench-bare", inside: "/etc/millrace", create: []string{"create", "--name", "millrace-bench-bare"}}
	for _, v := range found[0].Config.Env {
		c.create = append(c.create, "--env", v)
	}
	for port, at := range found[0].HostConfig.PortBindings {
		c.create = append(c.create, "--publish", at[0].HostIP+":"+at[0].HostPort+":"+strings.TrimSuffix(port, "/tcp"))
	}
	c.create = append(c.create, found[0].Config.Image)
	if c.folder, err = os.MkdirTemp(temp, ""); err != nil {
		return nil, err
	}
	_, err = docker("cp", "--archive", name+":"+c.inside, c.folder)
	return c, err
}

func (c *containerAgain) start() error {
	if _, err := docker(c.create...); err != nil {
		return err
	}
	if _, err := docker("cp", "--archive", filepath.Join(c.folder, filepath.Base(c.inside)), c.name+":"+filepath.Dir(c.inside)); err != nil {
		return err
	}
	_, err := docker("start", c.name)
	return err
}

func (c *containerAgain) stop() error {
	_, err := docker("rm", "--force", "--volumes", c.name)
	return errors.Join(err, os.RemoveAll(c.folder))
}

func docker(args ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.Command("docker", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("docker %s: %w\n%s", args[0], err, &stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// brokerOf is one figure of a broker's life, which is measured when its first mode runs.
func brokerOf(driver string, figure func(brokerTimes) time.Duration) func(*bench) (sample, error) {
	return func(b *bench) (sample, error) {
		t, ok := b.brokers[driver]
		if !ok {
			var err error
			if t, err = b.measureBroker(driver); err != nil {
				return sample{}, err
			}
			b.brokers[driver] = t
		}
		return sampleOf([]time.Duration{figure(t)}), nil
	}
}

// runIdleBroker measures what a broker at rest costs the runtime, beside a runtime at rest.
func (b *bench) runIdleBroker() (s sample, err error) {
	if b.server == nil {
		return s, errNotStarted
	}
	brokers, err := b.newBrokers("process")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, brokers.end(b.runtime)) }()
	idle := func() (processor, memory float64, err error) {
		time.Sleep(20 * time.Second) // what has just been done is over, and its memory given back
		before, err := brokers.processor()
		if err != nil {
			return 0, 0, err
		}
		time.Sleep(b.idle)
		after, err := brokers.processor()
		if err != nil {
			return 0, 0, err
		}
		bytes, err := brokers.memory()
		return (after - before).Seconds() / b.idle.Seconds(), float64(bytes), err
	}
	processor, memory, err := idle()
	if err != nil {
		return s, err
	}
	if _, _, _, err := brokers.create(context.Background(), types.DeploymentModeSingleInstance); err != nil {
		return s, err
	}
	withBroker, more, err := idle()
	s.processor, s.memory = max(0, withBroker-processor), int(max(0, more-memory))
	return s, err
}
