package rabbitmq

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/engine"
	"millrace/runtime/ca"
	"millrace/runtime/fault"
)

var update = flag.Bool("update", false, "write the golden files anew")

// place is where a process has its node.
func testPlace(running string) driver.Place {
	p := driver.Place{
		Config: "/data/config", Data: "/data/data", Logs: "/data/logs", Home: "/data/home", Host: "localhost",
		Hosts:  map[string]string{"b-1-1": "localhost", "b-1-2": "localhost", "b-1-3": "localhost"},
		Listen: map[string]netip.AddrPort{},
		Software: driver.Software{Engine: "rabbitmq", Version: running, Programs: map[string]string{
			"rabbitmq-server": "/usr/lib/rabbitmq/bin/rabbitmq-server", "epmd": "/usr/bin/epmd",
		}},
	}
	for _, port := range (Engine{}).Ports(broker.Desired{}, true) {
		p.Listen[port.Name] = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port.Inside)
	}
	return p
}

func testBroker(version, instance string, mode catalog.Mode) engine.Broker {
	b := engine.Broker{
		Desired: broker.Desired{
			ID: "b-1", Name: "orders", Account: "000000000000", Region: "eu-west-1",
			Engine: catalog.RabbitMQ, Version: version, Instance: instance, Mode: mode, Strategy: catalog.Simple,
			Users: []broker.User{{Name: "owner", Password: "correct horse battery"}},
		},
		Host: "127.0.0.1", TLS: ca.Pair{Certificate: []byte("certificate"), Key: []byte("key")}, Root: []byte("root"),
	}
	b.Seed, _ = (Engine{}).Seed(b.Desired, bytes.NewReader(make([]byte, 64)))
	n, err := (Engine{}).Nodes(b.Desired)
	if err != nil {
		panic(err)
	}
	at := func(node uint16) []driver.Port {
		ports := (Engine{}).Ports(b.Desired, true)
		for i := range ports {
			ports[i].Public = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), ports[i].Inside+node)
		}
		return ports
	}
	for i := range n {
		b.Nodes = append(b.Nodes, engine.Node{Name: fmt.Sprint("b-1-", i+1), Ports: at(uint16(i))})
	}
	if n > 1 {
		b.Front = at(10000)
	}
	return b
}

func render(t *testing.T, b engine.Broker, running string) engine.Rendered {
	t.Helper()
	r, err := (Engine{}).Render(b, 0, testPlace(running))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func contents(t *testing.T, r engine.Rendered, name string) string {
	t.Helper()
	i := slices.IndexFunc(r.Launch.Files, func(f driver.File) bool { return path.Base(f.Path) == name })
	if i < 0 {
		t.Fatalf("there is no %s", name)
	}
	return string(r.Launch.Files[i].Contents)
}

// golden is all of a launch that depends on versions and types.
func golden(t *testing.T, r engine.Rendered) string {
	var b strings.Builder
	for _, name := range []string{"rabbitmq.conf", "advanced.config", "enabled_plugins", "definitions.json"} {
		fmt.Fprintf(&b, "-- %s --\n%s\n", name, strings.TrimRight(contents(t, r, name), "\n"))
	}
	fmt.Fprintf(&b, "-- left out --\n%s\n", strings.Join(r.LeftOut, "\n"))
	return b.String()
}

func TestLaunchesByVersionTypeAndSoftware(t *testing.T) {
	for _, of := range []struct {
		version, instance string
		mode              catalog.Mode
	}{
		{"3.13", "mq.t3.micro", catalog.SingleInstance},
		{"3.13", "mq.m5.large", catalog.SingleInstance},
		{"3.13", "mq.m7g.medium", catalog.SingleInstance},
		{"3.13", "mq.m7g.large", catalog.Cluster},
		{"4.2", "mq.m7g.medium", catalog.SingleInstance},
		{"4.2", "mq.m7g.large", catalog.SingleInstance},
		{"4.2", "mq.m7g.large", catalog.Cluster},
		{"4.3", "mq.m7g.xlarge", catalog.SingleInstance},
	} {
		for _, running := range []string{"3.10.8", "3.13.7", "4.0.5", "4.2.1"} {
			name := fmt.Sprintf("%s_%s_%s_on_%s", of.version, of.instance, of.mode, running)
			t.Run(name, func(t *testing.T) {
				got := golden(t, render(t, testBroker(of.version, of.instance, of.mode), running))
				file := filepath.Join("testdata", name+".txt")
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("not as in %s (go test -update writes it anew):\n%s", file, got)
				}
			})
		}
	}
}

func TestEnvironmentAndCommands(t *testing.T) {
	r := render(t, testBroker("4.2", "mq.m7g.large", catalog.SingleInstance), "4.2.1")
	env := strings.Join(r.Launch.Env, "\n")
	for _, want := range []string{
		"RABBITMQ_NODENAME=b-1-1@localhost", "ERL_EPMD_PORT=4369", "ERL_EPMD_ADDRESS=127.0.0.1", "RABBITMQ_DIST_PORT=25672",
		"-kernel inet_dist_use_interface {127,0,0,1}", "RABBITMQ_LOGS=-",
	} {
		if !strings.Contains(env, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(env, "horse") || strings.Contains(strings.Join(r.Launch.Command, " "), "horse") {
		t.Error("a password where others see it")
	}
	if got := strings.Join(r.Launch.Companion, " "); got != "/usr/bin/epmd -address 127.0.0.1 -port 4369" {
		t.Errorf("companion %q", got)
	}
	p := testPlace("4.2.1")
	p.Software.Programs = nil // a container's
	got, err := (Engine{}).Render(testBroker("4.2", "mq.m7g.large", catalog.SingleInstance), 0, p)
	if err != nil || got.Launch.Command != nil || got.Launch.Companion != nil {
		t.Errorf("commands in a container: %v %v, %v", got.Launch.Command, got.Launch.Companion, err)
	}
}

func TestEndpoints(t *testing.T) {
	b := testBroker("4.2", "mq.m7g.large", catalog.SingleInstance)
	for plain, want := range map[bool]string{
		false: "[{https://127.0.0.1:15671 [amqps://127.0.0.1:5671] }]",
		true:  "[{https://127.0.0.1:15671 [amqp://127.0.0.1:5672 amqps://127.0.0.1:5671 mqtt+ssl://127.0.0.1:8883 stomp+ssl://127.0.0.1:61614] }]",
	} {
		b.Plain = plain
		if got := fmt.Sprint((Engine{}).Describe(b)); got != want {
			t.Errorf("plain %v: %s", plain, got)
		}
	}
}

func TestPlainEndpoints(t *testing.T) {
	b := testBroker("3.13", "mq.m5.large", catalog.SingleInstance)
	b.Plain = true
	r := render(t, b, "3.10.8")
	conf := contents(t, r, "rabbitmq.conf")
	for _, want := range []string{
		"listeners.tcp.1 = 127.0.0.1:5672\n", "mqtt.listeners.tcp = none\n", "mqtt.listeners.ssl.1 = 127.0.0.1:8883\n",
		"stomp.listeners.tcp = none\n", "stomp.listeners.ssl.1 = 127.0.0.1:61614\n",
	} {
		if !strings.Contains(conf, want) {
			t.Errorf("no %q", want)
		}
	}
	if plugins := contents(t, r, "enabled_plugins"); !strings.Contains(plugins, "rabbitmq_mqtt,rabbitmq_stomp]") {
		t.Errorf("plugins %s", plugins)
	}
}

// A launch says at later starts what it said before, but for what it was born with.
func TestLaterLaunchesDifferInWhatIsBornOnly(t *testing.T) {
	b := testBroker("3.13", "mq.m5.large", catalog.SingleInstance)
	first := render(t, b, "3.13.7")
	b.Served = true
	later := render(t, b, "3.13.7")
	if got := contents(t, later, "definitions.json"); got != "{}" {
		t.Errorf("born again: %s", got)
	}
	n, s := driver.Node{Name: "b-1-1", Ports: b.Nodes[0].Ports}, driver.Software{Version: "3.13.7"}
	if first.Launch.Hash(n, s) != later.Launch.Hash(n, s) {
		t.Error("a broker that has served would be started anew instead of adopted")
	}
	b.Configuration = []byte("heartbeat = 120\n")
	if first.Launch.Hash(n, s) == render(t, b, "3.13.7").Launch.Hash(n, s) {
		t.Error("another configuration makes no difference")
	}
}

func TestConfigurations(t *testing.T) {
	for _, c := range []struct {
		version, running, text string
		has, hasNot            []string
		leftOut                string
	}{
		{"3.13", "3.10.8", "consumer_timeout = 5000\nheartbeat = 120\n", []string{"consumer_timeout = 5000\n", "heartbeat = 120\n"}, nil, ""},
		{"3.13", "3.13.7", "consumer_timeout = 0\n", nil, []string{"consumer_timeout"}, ""},
		{"3.13", "3.13.7", "secure.management.http.headers.enabled = false\n", nil, []string{"management.headers", "hsts", "secure."}, ""},
		{"3.13", "3.10.8", "management.restrictions.operator_policy_changes.disabled = false\n", nil, []string{"restrictions"}, "management.restrictions.operator_policy_changes.disabled"},
		{"4.2", "4.0.5", "management.restrictions.operator_policy_changes.disabled = false\n", []string{"operator_policy_changes.disabled = false\n"}, nil, ""},
		{"4.2", "4.0.5", "cluster_queue_limit = 7\ncluster_exchange_limit = 9\n", []string{"cluster_queue_limit = 7\n"}, []string{"cluster_exchange_limit"}, "cluster_exchange_limit"},
		{"4.2", "4.2.1", "max_message_size = 1000\n{{m7g.large.1}}\nconnection_max = 11\n{{m7g.large.1}}\n", []string{"max_message_size = 1000\n", "connection_max = 11\n"}, nil, ""},
	} {
		b := testBroker(c.version, "mq.m7g.large", catalog.SingleInstance)
		b.Configuration = []byte(c.text)
		r := render(t, b, c.running)
		conf := contents(t, r, "rabbitmq.conf")
		for _, want := range c.has {
			if strings.Count(conf, want) != 1 {
				t.Errorf("%q on %s: not once %q", c.text, c.running, want)
			}
		}
		for _, not := range c.hasNot {
			if strings.Contains(conf, not) {
				t.Errorf("%q on %s: has %q", c.text, c.running, not)
			}
		}
		if c.leftOut != "" && !slices.Contains(r.LeftOut, c.leftOut) {
			t.Errorf("%q on %s: left out %q", c.text, c.running, r.LeftOut)
		}
	}
	b := testBroker("3.13", "mq.m5.large", catalog.SingleInstance)
	b.Configuration = []byte("consumer_timeout = 0\n")
	if got := contents(t, render(t, b, "3.13.7"), "advanced.config"); got != "[{rabbit, [{consumer_timeout, undefined}]}].\n" {
		t.Errorf("advanced.config %q", got)
	}
	for text, want := range map[string]string{
		"": `[{amqp_client, [{ssl_options, [{verify, verify_peer}, {cacertfile, "/data/config/ca.pem"}]}]}].` + "\n",
		"amqp_client.ssl_options.verify = verify_peer\n":                       `[{amqp_client, [{ssl_options, [{verify, verify_peer}, {cacertfile, "/data/config/ca.pem"}]}]}].` + "\n",
		"amqp_client.ssl_options.verify = verify_none\nconsumer_timeout = 0\n": "[{rabbit, [{consumer_timeout, undefined}]}, {amqp_client, [{ssl_options, [{verify, verify_none}]}]}].\n",
	} {
		b := testBroker("4.2", "mq.m7g.large", catalog.SingleInstance)
		b.Configuration = []byte(text)
		r := render(t, b, "4.0.5")
		if got := contents(t, r, "advanced.config"); got != want || slices.Contains(r.LeftOut, "amqp_client.ssl_options.verify") {
			t.Errorf("%q: advanced.config\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestNoPasswordInAnyFile(t *testing.T) {
	r := render(t, testBroker("4.2", "mq.m7g.large", catalog.SingleInstance), "4.2.1")
	for _, f := range r.Launch.Files {
		if bytes.Contains(f.Contents, []byte("horse")) {
			t.Errorf("%s has the password", f.Path)
		}
		if f.Mode&0o077 != 0 {
			t.Errorf("%s: mode %v", f.Path, f.Mode)
		}
	}
}

// Names and passwords are inert: what is read back is what was meant.
func FuzzHostileUsers(f *testing.F) {
	for _, s := range []string{"owner", `a"b\c`, "a\nload_definitions = /etc/passwd", "'}]}].", "${HOME}`id`", "ü\x00\x7f", "-n", "#"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, name, password string) {
		b := testBroker("3.13", "mq.m5.large", catalog.SingleInstance)
		plain := render(t, b, "3.10.8")
		b.Name, b.Users[0].Name, b.Users[0].Password = name, name, password
		r := render(t, b, "3.10.8")
		for i, f := range r.Launch.Files {
			if !f.Seed && !bytes.Equal(f.Contents, plain.Launch.Files[i].Contents) {
				t.Errorf("%s depends on the user", f.Path)
			}
		}
		if !slices.Equal(r.Launch.Env, plain.Launch.Env) {
			t.Error("the environment depends on the user")
		}
		var d definitions
		if err := json.Unmarshal([]byte(contents(t, r, "definitions.json")), &d); err != nil {
			t.Fatal(err)
		}
		if got, want := d.Users[0].Name, strings.ToValidUTF8(name, "\ufffd"); len(d.Users) != 1 || len(got) > 3*len(want) {
			t.Errorf("users %v", d.Users)
		}
	})
}

func TestPlacesThatRabbitMQCannotRead(t *testing.T) {
	for _, folder := range []string{"/da#ta", "/da'ta", "/da\nta", "/da\x00ta"} {
		p := testPlace("3.10.8")
		p.Config = folder
		if _, err := (Engine{}).Render(testBroker("3.13", "mq.m5.large", catalog.SingleInstance), 0, p); fault.Of(err) != fault.Invalid {
			t.Errorf("%q: %v", folder, err)
		}
	}
}

func TestSoftwareThatIsTooOldOrUnknown(t *testing.T) {
	for _, v := range []string{"", "3", "latest", "3.9.27", "2.8.1"} {
		if _, err := (Engine{}).Render(testBroker("3.13", "mq.m5.large", catalog.SingleInstance), 0, testPlace(v)); fault.Of(err) != fault.Invalid {
			t.Errorf("%q: %v", v, err)
		}
	}
	if v, err := parseVersion("4.2.0-rc.1"); err != nil || v != (version{4, 2, 0}) {
		t.Errorf("%v %v", v, err)
	}
}

func TestBrokersThatCannotBeRunYet(t *testing.T) {
	outside := testBroker("4.2", "mq.m7g.large", catalog.SingleInstance)
	outside.Configuration = []byte("auth_backends.1 = oauth2\nauth_backends.2 = internal\nauth_oauth2.resource_server_id = rabbitmq\nauth_oauth2.jwks_url = https://idp.example/jwks\n")
	if _, err := (Engine{}).Nodes(outside.Desired); fault.Of(err) != fault.Invalid {
		t.Errorf("OAuth: %v", err)
	}
	for mode, want := range map[catalog.Mode]int{catalog.SingleInstance: 1, catalog.Cluster: 3} {
		if n, err := (Engine{}).Nodes(testBroker("3.13", "mq.m5.large", mode).Desired); n != want || err != nil {
			t.Errorf("%s: %d nodes, %v", mode, n, err)
		}
	}
}

// From RabbitMQ's documentation, "Credentials and Passwords".
func TestHash(t *testing.T) {
	if got := hash([]byte{0x90, 0x8d, 0xc6, 0x0a}, "test12"); got != "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR" {
		t.Errorf("got %s", got)
	}
}

// Erlang listens everywhere unless it is told not to: the broker for other nodes, and each
// command that runs beside it.
func TestErlangListensOnTheMachineOnly(t *testing.T) {
	env := render(t, testBroker("4.2", "mq.m7g.large", catalog.SingleInstance), "3.10.8").Launch.Env
	for _, of := range []string{"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "RABBITMQ_CTL_ERL_ARGS"} {
		if !slices.Contains(env, of+"=-kernel inet_dist_use_interface {127,0,0,1}") {
			t.Errorf("%s does not say so: %q", of, env)
		}
	}
	if !slices.Contains(env, "ERL_EPMD_ADDRESS=127.0.0.1") {
		t.Errorf("the port mapper is not told so: %q", env)
	}
	everywhere := testPlace("3.10.8")
	everywhere.Listen[epmd] = netip.MustParseAddrPort("0.0.0.0:4369")
	r, err := Engine{}.Render(testBroker("4.2", "mq.m7g.large", catalog.SingleInstance), 0, everywhere)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(r.Launch.Env, func(e string) bool { return strings.HasPrefix(e, "ERL_EPMD_ADDRESS=") }) {
		t.Errorf("of all addresses the port mapper is told one, and does not start then: %q", r.Launch.Env)
	}
}
