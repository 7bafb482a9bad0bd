package rabbitmq

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

const (
	getNodes     = "GET /api/nodes"
	getPolicies  = "GET /api/policies"
	getQuorum    = "GET /api/health/checks/node-is-quorum-critical"
	getMirrors   = "GET /api/health/checks/node-is-mirror-sync-critical"
	getListener  = "GET /api/health/checks/protocol-listener/amqps"
	getAlarms    = "GET " + alarmsCheck
	getAllAlarms = "GET " + allAlarmsCheck
	putOwned     = "PUT /api/policies/%2F/" + mirrorPolicy

	threeNodes = `[{"name":"b-1-1@localhost","running":true},{"name":"b-1-2@localhost","running":true},{"name":"b-1-3@localhost","running":true}]`
	owned      = `{"vhost":"/","name":"` + mirrorPolicy + `","pattern":".*","apply-to":"all","definition":{"ha-mode":"all","ha-sync-mode":"automatic"},"priority":0}`
)

// fakeCluster is a cluster of a version, of which nothing is amiss.
func fakeCluster(t testing.TB, version, running string) (apis [3]*fakeAPI, nodes [3]*fakeNode, c *control) {
	t.Helper()
	b := testBroker(version, "mq.m7g.large", catalog.Cluster)
	var instances []driver.Instance
	for n := range apis {
		f := healthyAPI()
		f.bodies[getNodes], f.bodies[getPolicies] = threeNodes, "["+owned+"]"
		server := httptest.NewTLSServer(f)
		t.Cleanup(server.Close)
		b.Root = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}) // the same of all
		for i, p := range b.Nodes[n].Ports {
			if p.Name == console {
				b.Nodes[n].Ports[i].Public = netip.MustParseAddrPort(server.Listener.Addr().String())
			}
		}
		apis[n], nodes[n] = f, &fakeNode{done: make(chan struct{}), output: map[string]string{}}
		instances = append(instances, nodes[n])
	}
	control := controlOver(t, b, instances, running)
	return apis, nodes, control
}

// A node is ready when it serves and has found the others: not before, or three brokers
// would be taken for one.
func TestAMemberIsReadyWithTheOthers(t *testing.T) {
	for what, body := range map[string]string{
		"alone":              `[{"name":"b-1-2@localhost","running":true}]`,
		"one is not running": strings.Replace(threeNodes, "true", "false", 1),
		"of another cluster": strings.ReplaceAll(threeNodes, "b-1-", "b-2-"),
	} {
		t.Run(what, func(t *testing.T) {
			apis, _, c := fakeCluster(t, "3.13", "3.13.7")
			apis[1].bodies[getNodes] = body
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if err := c.Ready(ctx, 1); fault.Of(err) != fault.Timeout {
				t.Errorf("it is ready: %v", err)
			}
			if err := c.Ready(t.Context(), 2); err != nil {
				t.Errorf("another one: %v", err)
			}
		})
	}
	t.Run("later, others may be away", func(t *testing.T) {
		apis, _, c := fakeCluster(t, "3.13", "3.13.7")
		c.Served = true
		apis[1].bodies[getNodes] = strings.Replace(threeNodes, "true", "false", 1)
		if err := c.Ready(t.Context(), 1); err != nil {
			t.Error(err)
		}
	})
	t.Run("it knows nobody before it has joined", func(t *testing.T) {
		apis, nodes, c := fakeCluster(t, "3.13", "3.13.7")
		apis[1].answers[getListener], apis[1].unwell = 401, 3
		if err := c.Ready(t.Context(), 1); err != nil || len(nodes[1].commands) > 0 {
			t.Errorf("%v, commands %q", err, nodes[1].commands)
		}
	})
	t.Run("it is over", func(t *testing.T) {
		apis, nodes, c := fakeCluster(t, "3.13", "3.13.7")
		apis[1].answers[getListener] = 503
		nodes[1].err = errors.New("its last words")
		close(nodes[1].done)
		if err := c.Ready(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "its last words") {
			t.Errorf("it ended with %v", err)
		}
	})
}

// Whichever node answers speaks for all.
func TestWhicheverNodeAnswers(t *testing.T) {
	apis, nodes, c := fakeCluster(t, "3.13", "3.13.7")
	answers := func(n int) bool {
		apis[n].mu.Lock()
		defer apis[n].mu.Unlock()
		defer func() { apis[n].requests = nil }()
		return slices.Contains(apis[n].requests, getAllAlarms)
	}
	alarms := func() {
		t.Helper()
		if _, err := c.Alarms(t.Context()); err != nil {
			t.Error(err)
		}
	}
	alarms()
	if !answers(0) {
		t.Error("the first was not asked")
	}
	apis[0].answers[getAllAlarms] = 500
	c.api.urls[1] = "https://127.0.0.1:1" // nobody
	alarms()
	alarms()
	if !answers(2) {
		t.Error("the third was not asked")
	}
	apis[0].requests = nil
	alarms()
	if answers(0) || !answers(2) {
		t.Error("one that has not answered is asked before one that has")
	}
	apis[2].answers[getAllAlarms] = 503
	apis[2].bodies[getAllAlarms] = `{"alarms":[{"node":"n","resource":"disk space"}]}`
	if got, err := c.Alarms(t.Context()); err != nil || len(got) != 1 || answers(0) {
		t.Errorf("an alarm is an answer: %v, %v", got, err)
	}

	nodes[0].fails = errors.New("it does not run")
	if err := c.deleteUser(t.Context(), "x"); err != nil || len(nodes[1].commands) != 1 || len(nodes[2].commands) != 0 {
		t.Errorf("%v, commands %q and %q", err, nodes[1].commands, nodes[2].commands)
	}
	for n := range nodes {
		nodes[n].fails = errors.New("it does not run")
	}
	if err := c.deleteUser(t.Context(), "x"); err == nil {
		t.Error("without any node, a command succeeds")
	}
}

func TestAnswers(t *testing.T) {
	apis, _, c := fakeCluster(t, "3.13", "3.13.7")
	if err := c.Answers(t.Context(), 1); err != nil || !slices.Equal(apis[1].requests, []string{"HEAD /"}) {
		t.Errorf("%v, %q", err, apis[1].requests)
	}
	c.api.urls[1] = "https://127.0.0.1:1"
	if c.Answers(t.Context(), 1) == nil {
		t.Error("nobody answers, and that is taken for an answer")
	}
}

// A cluster can do without a node when no node has what the others lack.
func TestRedundant(t *testing.T) {
	for what, c := range map[string]struct {
		node, status int
		check        string
		want         bool
	}{
		"all is well":             {0, 200, getQuorum, true},
		"a quorum hangs on it":    {2, 503, getQuorum, false},
		"a mirror is behind":      {1, 503, getMirrors, false},
		"RabbitMQ has no mirrors": {1, 404, getMirrors, true},
		"a node does not serve":   {0, 503, getListener, false},
	} {
		t.Run(what, func(t *testing.T) {
			apis, _, control := fakeCluster(t, "3.13", "3.13.7")
			apis[c.node].answers[c.check] = c.status
			ctx := t.Context()
			if !c.want { // it would wait for more
				var cancel func()
				ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
				defer cancel()
			}
			if err := control.Redundant(ctx); (err == nil) != c.want {
				t.Errorf("it ended with %v", err)
			}
		})
	}
	t.Run("an alarm does not matter", func(t *testing.T) {
		apis, _, control := fakeCluster(t, "3.13", "3.13.7")
		apis[1].answers[getAlarms] = 503
		apis[1].bodies[getAlarms] = `{"alarms":[{"node":"n","resource":"disk space"}]}`
		if err := control.Redundant(t.Context()); err != nil {
			t.Error(err)
		}
		apis[1].answers[getQuorum] = 503
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if control.Redundant(ctx) == nil {
			t.Error("with an alarm, nothing else is asked")
		}
	})
	t.Run("without a login, commands do", func(t *testing.T) {
		apis, nodes, control := fakeCluster(t, "3.13", "3.13.7")
		control.Served = true
		for n, f := range apis {
			f.answers[getListener] = 401
			nodes[n].output["rabbitmqctl eval"] = "{[],\n []}\n"
		}
		if err := control.Redundant(t.Context()); err != nil {
			t.Error(err)
		}
		nodes[1].output["rabbitmqctl eval"] = `{[#{<<"name">> => <<"q">>}],[]}`
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if control.Redundant(ctx) == nil {
			t.Error("a queue needs the node, and that is not seen")
		}
	})
}

// Amazon MQ Developer Guide, "Policies": on clusters of RabbitMQ 3, all queues of policies
// are mirrored.
func TestPoliciesOfClustersMirror(t *testing.T) {
	for what, c := range map[string]struct {
		policies string
		put      []string
		changed  int
	}{
		"nothing to do":            {owned, nil, 0},
		"the owned one is gone":    {"", []string{putOwned}, 1},
		"the owned one is another": {strings.Replace(owned, "automatic", "manual", 1), []string{putOwned}, 1},
		"one without keys": {owned + `,{"vhost":"a b","name":"m/n","pattern":"^m","apply-to":"queues","definition":{"max-length":1},"priority":2}`,
			[]string{"PUT /api/policies/a%20b/m%2Fn"}, 1},
		"one with others": {owned + `,{"vhost":"/","name":"two","pattern":"^m","apply-to":"all","definition":{"ha-mode":"exactly","ha-params":2},"priority":2}`,
			[]string{"PUT /api/policies/%2F/two"}, 1},
		"not of mirrored queues": {owned + `,{"vhost":"/","name":"q","pattern":"^m","apply-to":"quorum_queues","definition":{"max-length":1},"priority":2},` +
			`{"vhost":"/","name":"x","pattern":"^m","apply-to":"exchanges","definition":{"alternate-exchange":"y"},"priority":2}`, nil, 0},
	} {
		t.Run(what, func(t *testing.T) {
			apis, _, control := fakeCluster(t, "3.13", "3.10.8")
			apis[0].bodies[getPolicies] = "[" + c.policies + "]"
			changed, err := control.Reconcile(t.Context())
			var put []string
			for _, r := range apis[0].requests {
				if strings.HasPrefix(r, "PUT ") {
					put = append(put, r)
				}
			}
			if err != nil || !slices.Equal(put, c.put) || len(changed) != c.changed {
				t.Errorf("%v, changed %q, put %q", err, changed, put)
			}
		})
	}
	for _, of := range []struct{ version, running string }{{"4.2", "4.2.1"}, {"4.2", "3.13.7"}, {"3.13", "4.0.5"}} {
		apis, _, control := fakeCluster(t, of.version, of.running)
		apis[0].bodies[getPolicies] = "[]"
		control.Reconcile(t.Context())
		if slices.Contains(apis[0].requests, putOwned) || slices.Contains(apis[0].requests, getPolicies) {
			t.Errorf("%s on %s is mirrored", of.version, of.running)
		}
	}
	t.Run("without /", func(t *testing.T) {
		apis, _, control := fakeCluster(t, "3.13", "3.10.8")
		apis[0].bodies[getPolicies], apis[0].answers[putOwned] = "[]", 404
		if changed, err := control.Reconcile(t.Context()); err != nil || len(changed) != 0 {
			t.Errorf("%q, %v", changed, err)
		}
	})
}

func TestLaunchOfAMember(t *testing.T) {
	b := testBroker("3.13", "mq.m7g.large", catalog.Cluster)
	p := testPlace("3.10.8")
	p.Host, p.Hosts = "b-1-2", map[string]string{"b-1-1": "b-1-1", "b-1-2": "b-1-2", "b-1-3": "b-1-3"} // as containers are called
	second, err := (Engine{}).Render(b, 1, p)
	if err != nil {
		t.Fatal(err)
	}
	conf := contents(t, second, "rabbitmq.conf")
	for _, want := range []string{
		"cluster_formation.classic_config.nodes.1 = b-1-1@b-1-1\n", "cluster_formation.classic_config.nodes.2 = b-1-2@b-1-2\n",
		"cluster_formation.classic_config.nodes.3 = b-1-3@b-1-3\n", "cluster_partition_handling = pause_minority\n",
	} {
		if !strings.Contains(conf, want) {
			t.Errorf("no %q", want)
		}
	}
	if !slices.Contains(second.Launch.Env, "RABBITMQ_NODENAME=b-1-2@b-1-2") {
		t.Errorf("environment %q", second.Launch.Env)
	}
	// All boot at once: what they are born with is written by one.
	if got := contents(t, second, "definitions.json"); got != "{}" {
		t.Errorf("the second is born with %s", got)
	}
	first := render(t, b, "3.10.8")
	if got := contents(t, first, "definitions.json"); !strings.Contains(got, "owner") {
		t.Errorf("the first is born with %s", got)
	}
	if contents(t, first, ".erlang.cookie") != contents(t, second, ".erlang.cookie") {
		t.Error("the cookies differ")
	}
	for _, port := range (Engine{}).Ports(b.Desired, true) {
		if port.Shared != (port.Name == epmd) || port.Private != (port.Name == epmd || port.Name == dist) {
			t.Errorf("port %+v", port)
		}
	}
	if got := (Engine{}).Describe(b); len(got) != 1 || got[0].Endpoints[0] != "amqps://127.0.0.1:15671" {
		t.Errorf("it is shown as %v", got)
	}
}
