package mq

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmq "github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/test/needs"
	"millrace/test/patience"
)

// One cluster of processes, from its creation to its deletion, while clients send to it.
// What each part needs of the parts before it is that all nodes run.
func TestCluster(t *testing.T) {
	needs.Long(t)
	installed(t)
	t.Parallel() // boots and ends are mostly waiting
	s := start(t, "--mq-driver", "process")
	c := s.createCluster("three", "3.13")
	c.inside(t, "one endpoint", oneEndpoint)
	c.inside(t, "what it is born with", func(b *broker) { b.golden("3.13_mq.m7g.large_CLUSTER_MULTI_AZ_on_3.10.8.json") })
	quorum, mirrored := c.send("quorum", amqp.Table{"x-queue-type": "quorum"}), c.send("mirrored", nil)
	goesOn := func() { quorum.goesOn(t); mirrored.goesOn(t) }
	c.inside(t, "a node is killed", c.nodeIsKilled)
	goesOn()
	c.inside(t, "rolling reboot", c.rollingReboot)
	goesOn()
	c.inside(t, "policies of the owner", ownersPolicies)
	c.inside(t, "the runtime is killed", c.runtimeIsKilled)
	goesOn()
	c.inside(t, "policies of the owner, restored", restoredPolicies)
	mirrored.allStored(t) // which node has the newest copy, mirrored queues may not know after that
	c.inside(t, "all nodes are killed", c.allAreKilled)
	quorum.goesOn(t)
	c.inside(t, "the runtime is stopped", c.runtimeIsStopped)
	quorum.allStored(t)
	c.inside(t, "deletion", func(b *broker) {
		addresses := []string{b.at("amqps"), b.at("https")}
		b.delete()
		b.gone(addresses...)
	})
}

// The same in containers, of what is another one's there, and on RabbitMQ 4.
func TestClusterInDocker(t *testing.T) {
	needs.Long(t)
	engine(t)
	t.Parallel()
	s := start(t, "--mq-driver", "docker")
	c := s.createCluster("three", "4.2")
	c.inside(t, "one endpoint", oneEndpoint)
	c.inside(t, "what it is born with", func(b *broker) { b.golden("4.2_mq.m7g.large_CLUSTER_MULTI_AZ_on_4.0.5.json") })
	quorum := c.send("quorum", nil)
	c.inside(t, "a node is killed", c.nodeIsKilled)
	quorum.goesOn(t)
	c.inside(t, "a node is stopped from outside", func(b *broker) {
		before := b.nodes()
		b.docker("stop", before[1])
		patience.Until(b, "another container", func() bool { now := b.nodes()[1]; return now != "" && now != before[1] }, nil)
		b.awaitNodes()
	})
	quorum.goesOn(t)
	c.inside(t, "rolling reboot", c.rollingReboot)
	quorum.goesOn(t)
	c.inside(t, "the runtime is killed", c.runtimeIsKilled)
	quorum.allStored(t)
	c.inside(t, "deletion", func(b *broker) {
		b.delete()
		if all := b.docker("volume", "ls") + b.docker("network", "ls") + b.docker("ps", "--all"); strings.Contains(all, b.id) {
			b.Errorf("left, by name:\n%s", all)
		}
	})
}

// A cluster is a broker of three nodes.
type cluster struct{ *broker }

func (s *server) createCluster(name, version string) *cluster {
	s.Helper()
	c := &cluster{s.create(name, version, func(in *awsmq.CreateBrokerInput) {
		in.DeploymentMode = types.DeploymentModeClusterMultiAz
	})}
	c.await(types.BrokerStateRunning)
	return c
}

func oneEndpoint(b *broker) {
	i := b.describe().BrokerInstances
	if len(i) != 1 || len(i[0].Endpoints) != 1 || i[0].IpAddress != nil {
		b.Errorf("instances %+v", i)
	}
	if n, err := b.runningNodes(); n != 3 || err != nil {
		b.Errorf("as soon as it is RUNNING, %d nodes run, %v", n, err)
	}
	b.speaksTLS("amqps")
	b.speaksTLS("https")
}

// runningNodes asks one of the nodes how many run.
func (b *broker) runningNodes() (n int, err error) {
	req, err := http.NewRequestWithContext(b.Context(), "GET", "https://"+b.at("https")+"/api/nodes", nil)
	if err != nil {
		return 0, err
	}
	req.SetBasicAuth(b.owner, b.password)
	resp, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: b.trust.Clone(), DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var all []struct{ Running bool }
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		return 0, fmt.Errorf("status %d: %w", resp.StatusCode, err)
	}
	for _, node := range all {
		if node.Running {
			n++
		}
	}
	return n, nil
}

// awaitNodes waits until all nodes run.
func (b *broker) awaitNodes() {
	b.Helper()
	patience.Until(b, "three nodes that run", func() bool { n, err := b.runningNodes(); return n == 3 && err == nil }, nil)
}

// nodes says what runs as each node: a process or a container; "" for nothing.
func (b *broker) nodes() (all [3]string) {
	b.Helper()
	for n := range all {
		if b.inDocker() {
			all[n] = b.docker("ps", "--no-trunc", "--filter", fmt.Sprintf("label=millrace.node=%s-%d", b.id, n+1), "--format", "{{.ID}}")
		} else {
			all[n] = nodeProcess(filepath.Join(b.data, "brokers", fmt.Sprintf("%s-%d", b.id, n+1)))
		}
	}
	return all
}

// nodeProcess is the process that runs as the node of a folder. What runtime doctor
// says of it is tested elsewhere: run over and over, it takes the processor from what boots.
func nodeProcess(folder string) string {
	var record struct{ Main struct{ PID int } }
	if text, err := os.ReadFile(filepath.Join(folder, "node.json")); err != nil || json.Unmarshal(text, &record) != nil || record.Main.PID == 0 {
		return ""
	}
	pid := strconv.Itoa(record.Main.PID)
	env, err := os.ReadFile(filepath.Join("/proc", pid, "environ")) // empty, once it has ended
	if err != nil || !slices.Contains(strings.Split(string(env), "\x00"), "MILLRACE_NODE="+folder) {
		return ""
	}
	return pid
}

// killAll ends what runs as nodes by force, from outside, all at once.
func (b *broker) killAll(nodes ...string) {
	b.Helper()
	for _, what := range nodes {
		if pid, err := strconv.Atoi(what); err != nil || len(what) > 10 {
			b.docker("kill", what)
		} else if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			b.Fatal(err)
		}
	}
}

// differ lists the nodes that something else runs as than before.
func differ(before, now [3]string) (all []int) {
	for n := range before {
		if before[n] != now[n] {
			all = append(all, n)
		}
	}
	return all
}

// The node with a queue's leader is killed: the others go on, and it comes back.
func (c *cluster) nodeIsKilled(b *broker) {
	before := b.nodes()
	var queue struct{ Leader string }
	b.get("/api/queues/%2F/quorum", &queue)
	name, _, _ := strings.Cut(queue.Leader, "@")
	n := slices.Index([]string{b.id + "-1", b.id + "-2", b.id + "-3"}, name)
	if n < 0 {
		b.Fatalf("the leader is %q", queue.Leader)
	}
	b.killAll(before[n])
	patience.Until(b, "another node "+name, func() bool {
		if d := b.describe(); d.BrokerState != types.BrokerStateRunning {
			b.Fatalf("while two nodes serve, the broker is %s", d.BrokerState)
		}
		now := b.nodes()
		return now[n] != "" && now[n] != before[n]
	}, nil)
	b.awaitNodes()
	if changed := differ(before, b.nodes()); !slices.Equal(changed, []int{n}) {
		b.Errorf("node %d was killed, and %v were started anew", n, changed)
	}
}

// A reboot with a pending change starts one node after the other anew.
func (c *cluster) rollingReboot(b *broker) {
	before, at := b.nodes(), b.at("amqps")
	size := "mq.m7g.xlarge"
	if _, err := b.api().UpdateBroker(b.Context(), &awsmq.UpdateBrokerInput{BrokerId: &b.id, HostInstanceType: &size}); err != nil {
		b.Fatal(err)
	}
	fewest, asked := int64(3), 0
	over, polled := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(polled)
		for {
			select {
			case <-over:
				return
			default:
			}
			// The node that answers may be the one that ends next: then nobody has answered.
			if n, err := b.runningNodes(); err == nil {
				asked++
				fewest = min(fewest, int64(n))
			}
			time.Sleep(100 * time.Millisecond) // each question is a TLS handshake, beside nodes that boot
		}
	}()
	b.reboot()
	close(over)
	<-polled
	if fewest < 2 || asked < 10 {
		b.Errorf("of %d times, no fewer than %d nodes ran", asked, fewest)
	}
	if changed := differ(before, b.nodes()); len(changed) != 3 {
		b.Errorf("only %v were started anew", changed)
	}
	if d := b.describe(); aws.ToString(d.HostInstanceType) != size || b.at("amqps") != at {
		b.Errorf("it is %s at %s, want %s at %s", aws.ToString(d.HostInstanceType), b.at("amqps"), size, at)
	}
}

const mirrors = "ha-all-AWS-OWNED-DO-NOT-DELETE"

// What the owner sets is Amazon MQ's to correct.
func ownersPolicies(b *broker) {
	if code, text := b.call(b.owner, b.password, "DELETE", "/api/policies/%2F/"+mirrors, nil); code != 204 {
		b.Errorf("deleting %s: %d %s", mirrors, code, text)
	}
	mine := map[string]any{"pattern": "^mine$", "apply-to": "queues", "priority": 2, "definition": map[string]any{"max-length": 5, "ha-mode": "exactly", "ha-params": 2}}
	if code, text := b.call(b.owner, b.password, "PUT", "/api/policies/%2F/mine", mine); code != 201 {
		b.Errorf("setting a policy: %d %s", code, text)
	}
}

func restoredPolicies(b *broker) {
	for name, want := range map[string]string{
		mirrors: `{"ha-mode":"all","ha-sync-mode":"automatic"}`,
		"mine":  `{"ha-mode":"all","ha-sync-mode":"automatic","max-length":5}`,
	} {
		var policy struct{ Definition map[string]any }
		b.get("/api/policies/%2F/"+name, &policy)
		if got, _ := json.Marshal(policy.Definition); string(got) != want {
			b.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// The runtime is killed, and a node: the next runtime adopts the two others, and the
// cluster is where it was.
func (c *cluster) runtimeIsKilled(b *broker) {
	before, at, console := b.nodes(), b.at("amqps"), b.at("https")
	b.down(syscall.SIGKILL)
	b.killAll(before[1])
	b.up()
	b.await(types.BrokerStateRunning)
	b.awaitNodes()
	if changed := differ(before, b.nodes()); !slices.Equal(changed, []int{1}) {
		b.Errorf("node 1 was killed, and %v were started anew", changed)
	}
	if b.at("amqps") != at || b.at("https") != console {
		b.Errorf("%s and %s were followed by %s and %s", at, console, b.at("amqps"), b.at("https"))
	}
}

// Without any node the broker has died, and is run again.
func (c *cluster) allAreKilled(b *broker) {
	all := b.nodes()
	b.killAll(all[:]...)
	b.await(types.BrokerStateRebootInProgress)
	b.await(types.BrokerStateRunning)
	b.awaitNodes()
}

// runtime stop ends all nodes, and the next start brings them back.
func (c *cluster) runtimeIsStopped(b *broker) {
	at := b.at("amqps")
	b.command("stop")
	<-b.over
	if left := b.processes(); len(left) > 0 {
		b.Errorf("after the stop run %v", left)
	}
	b.up()
	b.await(types.BrokerStateRunning)
	if b.at("amqps") != at {
		b.Errorf("%s was followed by %s", at, b.at("amqps"))
	}
}

// A sender sends durable messages to a queue all the time, and knows what was confirmed.
type sender struct {
	*books
	*cluster
	queue string
	parts []int // how many messages were confirmed when each part of the test ended
}

// send declares a queue and begins to send to it.
func (c *cluster) send(queue string, args amqp.Table) *sender {
	c.Helper()
	ch := c.channel()
	if _, err := ch.QueueDeclare(queue, true, false, false, false, args); err != nil {
		c.Fatal(err)
	}
	return &sender{books: c.keepBooks(c.at("amqps"), queue), cluster: c, queue: queue}
}

// goesOn waits until messages are confirmed again.
func (s *sender) goesOn(t *testing.T) {
	t.Helper()
	before := s.count()
	s.parts = append(s.parts, before)
	patience.Until(t, "confirms of "+s.queue, func() bool { return s.count() > before+5 }, nil)
}

// allStored ends the sending, and checks that nothing is lost.
func (s *sender) allStored(t *testing.T) {
	t.Helper()
	stored := map[string]bool{}
	confirmed := s.close()
	for _, body := range s.stored(s.queue) {
		stored[body] = true
	}
	lost := slices.DeleteFunc(slices.Clone(confirmed), func(body string) bool { return stored[body] })
	if len(lost) > 0 {
		t.Errorf("%s: %d of %d confirmed messages are lost, %q to %q; when each part ended, there were %v", s.queue, len(lost), len(confirmed), lost[0], lost[len(lost)-1], s.parts)
	}
	t.Logf("%s: %d messages were confirmed, %d are stored", s.queue, len(confirmed), len(stored))
}
