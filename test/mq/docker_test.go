package mq

import (
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmq "github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/test/needs"
)

// docker runs a command of the Docker engine's own.
func (b *broker) docker(args ...string) string {
	b.Helper()
	out, err := exec.CommandContext(b.Context(), "docker", args...).CombinedOutput()
	if err != nil {
		b.Fatalf("docker %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// container is the one of the broker, as docker ps shows it: its id, and how it runs.
func (b *broker) container() string {
	b.Helper()
	return b.docker("ps", "--all", "--no-trunc", "--filter", "label=millrace.node="+b.id+"-1", "--format", "{{.ID}} {{.State}}")
}

// What of a broker is another one's in a container, and on RabbitMQ 4.
func TestSingleInstanceInDocker(t *testing.T) {
	needs.Long(t)
	engine(t)
	t.Parallel()
	watch := watchArguments(hostilePassword)
	s := start(t, "--mq-driver", "docker", "--log-level", "debug")
	b := s.create("in-docker", "4.2", func(in *awsmq.CreateBrokerInput) {
		in.Users = []types.User{{Username: aws.String(hostileUser), Password: aws.String(hostilePassword)}}
	})
	b.await(types.BrokerStateRunning)
	b.inside(t, "what DescribeBroker shows", func(b *broker) {
		d := b.describe()
		if i := d.BrokerInstances; len(i) != 1 || len(i[0].Endpoints) != 1 || i[0].IpAddress != nil || !strings.HasPrefix(aws.ToString(d.EngineVersion), "4.2") || !strings.HasSuffix(d.Tags["millrace:engine"], " (docker)") {
			b.Errorf("%+v, %s, %v", i, aws.ToString(d.EngineVersion), d.Tags)
		}
	})
	b.inside(t, "TLS", func(b *broker) { b.speaksTLS("amqps"); b.speaksTLS("https") })
	b.inside(t, "the console's headers", headers)
	b.inside(t, "AMQP 1.0", func(b *broker) {
		// How AMQP 1.0 begins, with SASL, and its answer.
		if got := b.says("amqps", "AMQP\x03\x01\x00\x00", 8); got != "AMQP\x03\x01\x00\x00" {
			b.Errorf("it answers %q", got)
		}
	})
	b.inside(t, "what it is born with", func(b *broker) { b.golden("4.2_mq.m7g.large_on_4.0.5.json") })
	b.inside(t, "queues", func(b *broker) {
		b.publish("kept", "before the kill of the runtime")
		var queue struct{ Type string }
		if b.get("/api/queues/%2F/kept", &queue); queue.Type != "quorum" {
			b.Errorf("a queue without a type is %s", queue.Type)
		}
	})
	b.inside(t, "the runtime is killed", func(b *broker) {
		before, at := b.container(), b.at("amqps")
		b.down(syscall.SIGKILL)
		conn, err := amqp.DialConfig("amqps://"+at+"/", amqp.Config{SASL: []amqp.Authentication{&amqp.PlainAuth{Username: b.owner, Password: b.password}}, TLSClientConfig: b.trust})
		if err != nil {
			b.Fatalf("without the runtime: %v", err)
		}
		b.up()
		b.await(types.BrokerStateRunning)
		if err := conn.Close(); err != nil {
			b.Errorf("a connection was cut by the start of a runtime: %v", err)
		}
		if now := b.container(); now != before || b.at("amqps") != at {
			b.Errorf("%s at %s was followed by %s at %s", before, at, now, b.at("amqps"))
		}
	})
	b.inside(t, "the broker is killed", func(b *broker) {
		b.publish("kept", "before the kill of the broker")
		b.awaitDurable("kept")
		b.docker("kill", strings.Fields(b.container())[0])
		b.await(types.BrokerStateRebootInProgress)
		b.await(types.BrokerStateRunning)
	})
	b.inside(t, "the runtime is stopped", func(b *broker) {
		at := b.at("amqps")
		b.command("stop")
		<-b.over
		if now := b.container(); strings.Contains(now, "running") {
			b.Errorf("after the stop the container is %s", now)
		}
		b.up()
		b.await(types.BrokerStateRunning)
		if b.at("amqps") != at {
			b.Errorf("%s was followed by %s", at, b.at("amqps"))
		}
		if got := b.stored("kept"); !slices.Equal(got, []string{"before the kill of the runtime", "before the kill of the broker"}) {
			b.Errorf("stored: %q", got)
		}
	})
	watch.stop()
	if len(watch.found) > 0 {
		t.Errorf("the password is in the arguments of %v", watch.found)
	}
	b.inside(t, "secrets", func(b *broker) {
		container := strings.Fields(b.container())[0]
		for where, text := range map[string]string{
			"the runtime's log":            b.past + b.said.String(),
			"what the engine shows of it":  b.docker("inspect", container),
			"what the container has said":  b.docker("logs", container),
			"its processes, from the host": b.docker("top", container, "-eo", "pid,args"),
		} {
			if strings.Contains(text, b.password) || strings.Contains(text, "PRIVATE KEY-----\n") {
				b.Errorf("a secret is in %s", where)
			}
		}
	})
	b.inside(t, "deletion", func(b *broker) {
		b.delete()
		for _, what := range []string{"container", "volume", "network"} {
			args := []string{what, "ls", "--quiet", "--filter", "label=millrace.node=" + b.id + "-1"}
			if what == "container" {
				args = append(args, "--all")
			}
			if left := b.docker(args...); left != "" {
				b.Errorf("left a %s: %s", what, left)
			}
		}
		if all := b.docker("volume", "ls") + b.docker("ps", "--all"); strings.Contains(all, b.id) {
			b.Errorf("left, by name:\n%s", all)
		}
	})
}
