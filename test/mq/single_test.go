package mq

import (
	"bytes"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmq "github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/test/needs"
	"millrace/test/patience"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	hostileUser     = "--.help_-"
	hostilePassword = `' "$(id)` + "`" + `;<<#{}[]|&*?~!^%@+/.-_\n\x00 ` // all that Amazon MQ allows
)

// One broker of one runtime, from its creation to its deletion. What each part needs of
// the parts before it is that the broker runs.
func TestSingleInstance(t *testing.T) {
	needs.Long(t)
	installed(t)
	t.Parallel()
	watch := watchArguments(hostilePassword, "second-"+hostilePassword)
	s := start(t, "--mq-driver", "process", "--mq-live-users", "--log-level", "debug")
	refusesHostileBrokers(s)
	b := s.create("one-broker", "3.13", func(in *awsmq.CreateBrokerInput) {
		in.HostInstanceType = aws.String("mq.m7g.medium")
		in.Users = []types.User{{Username: aws.String(hostileUser), Password: aws.String(hostilePassword)}}
	})
	if _, seen := b.await(types.BrokerStateRunning); !slices.Equal(seen, []types.BrokerState{types.BrokerStateCreationInProgress, types.BrokerStateRunning}) {
		t.Errorf("states of a creation: %v", seen)
	}
	b.inside(t, "what DescribeBroker shows", describes)
	b.inside(t, "TLS", func(b *broker) {
		for _, scheme := range []string{"amqps", "https"} {
			b.speaksTLS(scheme)
		}
	})
	b.inside(t, "the console's headers", headers)
	b.inside(t, "users", users)
	b.inside(t, "what it is born with", func(b *broker) { b.golden("3.13_mq.m7g.medium_on_3.10.8.json") })
	b.inside(t, "pika", pika)
	b.inside(t, "command line", commandLine)
	b.inside(t, "pending changes", pending)
	b.inside(t, "the runtime is killed", killedRuntime)
	b.inside(t, "the broker is killed", killedBroker)
	b.inside(t, "the runtime is stopped", stoppedRuntime)
	b.inside(t, "obstacles", obstacles)

	watch.stop()
	if len(watch.found) > 0 {
		t.Errorf("the password is in the arguments of %v", watch.found)
	}
	b.inside(t, "secrets", secrets)
	b.inside(t, "deletion", func(b *broker) {
		addresses := []string{b.at("amqps"), b.at("https"), b.at("amqp"), b.at("mqtt+ssl"), b.at("stomp+ssl")}
		b.delete()
		b.gone(addresses...)
	})
}

// refusesHostileBrokers asks for brokers that Amazon MQ refuses, of which nothing is left.
func refusesHostileBrokers(s *server) {
	s.Helper()
	for what, change := range map[string]func(in *awsmq.CreateBrokerInput){
		"a path":      func(in *awsmq.CreateBrokerInput) { in.BrokerName = aws.String("../../../tmp/x") },
		"a shell":     func(in *awsmq.CreateBrokerInput) { in.BrokerName = aws.String("x;touch /tmp/x") },
		"a line":      func(in *awsmq.CreateBrokerInput) { in.Users[0].Username = aws.String("user\nlisteners.tcp.1 = 5672") },
		"an entity":   func(in *awsmq.CreateBrokerInput) { in.Users[0].Username = aws.String("&user;") },
		"guest":       func(in *awsmq.CreateBrokerInput) { in.Users[0].Username = aws.String("guest") },
		"a control":   func(in *awsmq.CreateBrokerInput) { in.Users[0].Password = aws.String("millstones\x00grind") },
		"a term":      func(in *awsmq.CreateBrokerInput) { in.Users[0].Password = aws.String("[{rabbit,[{a,b}]}]:") },
		"two users":   func(in *awsmq.CreateBrokerInput) { in.Users = append(in.Users, in.Users[0]) },
		"a user path": func(in *awsmq.CreateBrokerInput) { in.Users[0].Username = aws.String("../../etc/passwd") },
	} {
		name, user, password := "refused", "admin", "millstones-grind"
		in := &awsmq.CreateBrokerInput{
			BrokerName: &name, EngineType: types.EngineTypeRabbitmq, EngineVersion: aws.String("3.13"), DeploymentMode: types.DeploymentModeSingleInstance,
			HostInstanceType: aws.String("mq.m7g.large"), PubliclyAccessible: aws.Bool(true), AutoMinorVersionUpgrade: aws.Bool(true),
			Users: []types.User{{Username: &user, Password: &password}},
		}
		change(in)
		if _, err := s.api().CreateBroker(s.Context(), in); code(err) != "BadRequestException" {
			s.Errorf("%s: %v", what, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.data, "brokers", "*")); len(left) > 0 {
		s.Errorf("refused brokers left %v", left)
	}
}

// The rows "Endpoint list", "ipAddress", "Console URL", "RabbitMQ user list", "Broker
// identity" and "Engine versions" of what others get wrong.
func describes(b *broker) {
	d := b.describe()
	i := d.BrokerInstances[0]
	if len(d.BrokerInstances) != 1 || len(i.Endpoints) != 1 || !strings.HasPrefix(i.Endpoints[0], "amqps://127.0.0.1:") ||
		!strings.HasPrefix(aws.ToString(i.ConsoleURL), "https://127.0.0.1:") || i.IpAddress != nil {
		b.Errorf("instances %+v", d.BrokerInstances)
	}
	if len(d.Users) != 0 {
		b.Errorf("users %v", d.Users)
	}
	if want := "arn:aws:mq:us-east-1:000000000000:broker:one-broker:" + b.id; aws.ToString(d.BrokerArn) != want {
		b.Errorf("ARN %s", aws.ToString(d.BrokerArn))
	}
	if d.Tags["millrace:engine"] != "rabbitmq 3.10.8 (process)" || !strings.HasPrefix(aws.ToString(d.EngineVersion), "3.13") {
		b.Errorf("version %s, tags %v", aws.ToString(d.EngineVersion), d.Tags)
	}
}

// The example of the Amazon MQ Developer Guide, "Using Python Pika", with verification on.
func pika(b *broker) {
	pem := filepath.Join(b.TempDir(), "ca.pem")
	if err := os.WriteFile(pem, []byte(b.command("ca")), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		_, port, _ := net.SplitHostPort(b.at("amqps"))
		said := b.python("guide.py", "HOST="+host, "PORT="+port, "CA="+pem, "RABBITMQ_USER="+b.owner, "RABBITMQ_PASSWORD="+b.password)
		if want := "got Hello World!\nconsumed Hello again!\n"; said != want {
			b.Errorf("by %s it said %q", host, said)
		}
	}
}

// speaksTLS checks that an endpoint's TLS is Amazon MQ's.
func (b *broker) speaksTLS(scheme string) {
	b.Helper()
	at := b.at(scheme)
	for _, name := range []string{"127.0.0.1", "localhost", b.id + ".mq.us-east-1.amazonaws.com"} {
		config := b.trust.Clone()
		config.ServerName = name
		conn, err := tls.Dial("tcp", at, config)
		if err != nil {
			b.Errorf("%s as %s: %v", scheme, name, err)
			continue
		}
		state := conn.ConnectionState()
		conn.Close()
		if state.Version != tls.VersionTLS12 || !strings.HasPrefix(tls.CipherSuiteName(state.CipherSuite), "TLS_ECDHE_RSA_WITH_AES_") {
			b.Errorf("%s speaks %s with %s", scheme, tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
		}
	}
	config := b.trust.Clone()
	config.MinVersion = tls.VersionTLS13
	if conn, err := tls.Dial("tcp", at, config); err == nil {
		conn.Close()
		b.Errorf("%s speaks TLS 1.3", scheme)
	}
}

func headers(b *broker) {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: b.trust.Clone(), DisableKeepAlives: true}}
	resp, err := client.Get("https://" + b.at("https"))
	if err != nil {
		b.Fatal(err)
	}
	resp.Body.Close()
	if h := resp.Header; resp.StatusCode != 200 || h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Strict-Transport-Security") == "" {
		b.Errorf("%d, headers %v", resp.StatusCode, h)
	}
}

// users change at once, since the runtime was started so, and never show.
func users(b *broker) {
	refused := func(user, password string) {
		b.Helper()
		if conn, err := b.dial(user, password); !errors.Is(err, amqp.ErrCredentials) {
			b.Errorf("%s: %v", user, err)
			if err == nil {
				conn.Close()
			}
		}
	}
	accepted := func(user, password string) {
		b.Helper()
		conn, err := b.dial(user, password)
		if err != nil {
			b.Fatalf("%s: %v", user, err)
		}
		conn.Close()
	}
	name, password, second := "-another.user", hostilePassword, "second-"+hostilePassword
	refused("guest", "guest")
	refused(name, password)
	if _, err := b.api().CreateUser(b.Context(), &awsmq.CreateUserInput{BrokerId: &b.id, Username: &name, Password: &password}); err != nil {
		b.Fatal(err)
	}
	accepted(name, password)
	if _, err := b.api().UpdateUser(b.Context(), &awsmq.UpdateUserInput{BrokerId: &b.id, Username: &name, Password: &second}); err != nil {
		b.Fatal(err)
	}
	refused(name, password)
	accepted(name, second)
	open, err := b.dial(name, second)
	if err != nil {
		b.Fatal(err)
	}
	defer open.Close()
	closed := open.NotifyClose(make(chan *amqp.Error, 1))
	if _, err := b.api().DeleteUser(b.Context(), &awsmq.DeleteUserInput{BrokerId: &b.id, Username: &name}); err != nil {
		b.Fatal(err)
	}
	refused(name, second)
	patience.For(b, "the end of a deleted user's connection", closed, nil)
	for what, user := range map[string][2]string{"guest": {"guest", "millstones-grind"}, "a short password": {"somebody", "short"}} {
		if _, err := b.api().CreateUser(b.Context(), &awsmq.CreateUserInput{BrokerId: &b.id, Username: &user[0], Password: &user[1]}); code(err) != "BadRequestException" {
			b.Errorf("%s: %v", what, err)
		}
	}
	var inside []struct{ Name string }
	if b.get("/api/users", &inside); len(inside) != 1 || inside[0].Name != b.owner {
		b.Errorf("users %v", inside)
	}
	if d := b.describe(); len(d.Users) != 0 {
		b.Errorf("DescribeBroker shows %v", d.Users)
	}
}

func commandLine(b *broker) {
	for command, want := range map[string][]string{
		"mq ls":              {"one-broker", b.id, "RUNNING", "RabbitMQ 3.13", "rabbitmq 3.10.8 (process)", "amqps://" + b.at("amqps")},
		"mq open one-broker": {"https://" + b.at("https"), b.owner},
		"doctor":             {"3.10.8", b.id + "-1, running: process"},
	} {
		said := b.command(strings.Fields(command)...)
		for _, w := range want {
			if !strings.Contains(said, w) {
				b.Errorf("runtime %s does not say %q:\n%s", command, w, said)
			}
		}
	}
}

// pending changes have no effect before a reboot, and then inside the broker.
func pending(b *broker) {
	environment := func() string {
		return b.eval(`{ok,M} = application:get_env(rabbit, connection_max), {ok,T} = application:get_env(rabbit, consumer_timeout), io_lib:format("~p ~p", [M, T]).`)
	}
	before := environment()
	c := b.configure("stones", "3.13", "consumer_timeout = 60000\n")
	for n := int32(3); n <= 13; n++ { // 12 updates give revisions 2 to 13
		if c = b.revise(c.Id, fmt.Sprintf("consumer_timeout = %d\nsecure.management.http.headers.enabled = false\n", 60000+n)); *c.Revision != n {
			b.Errorf("revision %d, want %d", *c.Revision, n)
		}
	}
	for what, text := range map[string]string{
		"a key that is not the customer's": "loopback_users = none\n",
		"a term":                           "consumer_timeout = 1}, {rabbit, [{a, b\n",
		"a line in a value":                "heartbeat = 60\r\nlisteners.tcp.1 = 5672\n",
		"an include":                       "include /etc/passwd\n",
	} {
		_, err := b.api().UpdateConfiguration(b.Context(), &awsmq.UpdateConfigurationInput{ConfigurationId: c.Id, Data: encoded(text)})
		if code(err) != "BadRequestException" {
			b.Errorf("%s: %v", what, err)
		}
	}
	if _, err := b.api().UpdateBroker(b.Context(), &awsmq.UpdateBrokerInput{BrokerId: &b.id, HostInstanceType: aws.String("mq.m7g.large"), Configuration: c}); err != nil {
		b.Fatal(err)
	}
	d := b.describe()
	if aws.ToString(d.HostInstanceType) != "mq.m7g.medium" || aws.ToString(d.PendingHostInstanceType) != "mq.m7g.large" || d.Configurations == nil || d.Configurations.Pending == nil || *d.Configurations.Pending.Revision != 13 {
		b.Errorf("pending: %+v, %+v", d.PendingHostInstanceType, d.Configurations)
	}
	if now := environment(); now != before {
		b.Errorf("before the reboot the broker has %s, not %s", now, before)
	}
	b.reboot()
	d = b.describe()
	if aws.ToString(d.HostInstanceType) != "mq.m7g.large" || d.PendingHostInstanceType != nil || d.Configurations.Pending != nil || *d.Configurations.Current.Revision != 13 {
		b.Errorf("after the reboot: %+v, %+v", d.HostInstanceType, d.Configurations)
	}
	if now := environment(); now == before || !strings.Contains(now, "60013") || strings.Fields(now)[0] == strings.Fields(before)[0] {
		b.Errorf("connection_max and consumer_timeout are %s after the reboot, %s before", now, before)
	}
	resp, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: b.trust.Clone(), DisableKeepAlives: true}}).Get("https://" + b.at("https"))
	if err != nil {
		b.Fatal(err)
	}
	resp.Body.Close()
	if resp.Header.Get("X-Frame-Options") != "" {
		b.Errorf("headers that were switched off: %v", resp.Header)
	}
}

// A broker outlives a runtime that is killed, and the next one adopts it.
func killedRuntime(b *broker) {
	b.publish("kept", "before the kill of the runtime")
	pid, at, console := b.pid(), b.at("amqps"), b.at("https")
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
	if now := b.pid(); now != pid || b.at("amqps") != at || b.at("https") != console {
		b.Errorf("process %d at %s and %s was followed by %d at %s and %s", pid, at, console, now, b.at("amqps"), b.at("https"))
	}
	if got := b.stored("kept"); !slices.Equal(got, []string{"before the kill of the runtime"}) {
		b.Errorf("stored: %q", got)
	}
}

// A broker that is killed is run again, with what was confirmed.
func killedBroker(b *broker) {
	b.publish("kept", "before the kill of the broker")
	b.awaitDurable("kept")
	pid, at := b.pid(), b.at("amqps")
	b.kill()
	b.await(types.BrokerStateRebootInProgress)
	b.await(types.BrokerStateRunning)
	if now := b.pid(); now == pid || b.at("amqps") != at {
		b.Errorf("process %d at %s was followed by %d at %s", pid, at, now, b.at("amqps"))
	}
	if got := b.stored("kept"); !slices.Equal(got, []string{"before the kill of the runtime", "before the kill of the broker"}) {
		b.Errorf("stored: %q", got)
	}
}

// runtime stop ends the broker, and the next start brings it back as it was: here with
// the endpoints that Amazon MQ does not have besides.
func stoppedRuntime(b *broker) {
	at, console := b.at("amqps"), b.at("https")
	b.command("stop")
	<-b.over
	if left := b.processes(); len(left) > 0 {
		b.Errorf("after the stop run %v", left)
	}
	b.args = append(b.args, "--mq-plain-endpoints")
	b.up()
	if d := b.describe(); d.BrokerState == types.BrokerStateRunning {
		if conn, err := net.Dial("tcp", at); err != nil {
			b.Errorf("it is RUNNING before it serves: %v", err)
		} else {
			conn.Close()
		}
	}
	b.await(types.BrokerStateRunning)
	if b.at("amqps") != at || b.at("https") != console {
		b.Errorf("endpoints %s and %s were followed by %s and %s", at, console, b.at("amqps"), b.at("https"))
	}
	if got := b.stored("kept"); len(got) != 2 {
		b.Errorf("stored: %q", got)
	}
	for _, scheme := range []string{"amqps", "mqtt+ssl", "stomp+ssl", "https"} {
		b.speaksTLS(scheme)
	}
	conn, err := amqp.DialConfig("amqp://"+b.at("amqp")+"/", amqp.Config{SASL: []amqp.Authentication{&amqp.PlainAuth{Username: b.owner, Password: b.password}}})
	if err != nil {
		b.Errorf("plain AMQP: %v", err)
	} else {
		conn.Close()
	}
	connect := "\x00\x04MQTT\x04\xc2\x00\x3c\x00\x01m" + mqttText(b.owner) + mqttText(b.password)
	if got := b.says("mqtt+ssl", "\x10"+string(rune(len(connect)))+connect, 4); got != "\x20\x02\x00\x00" {
		b.Errorf("MQTT answers %q", got)
	}
	stomp := "CONNECT\naccept-version:1.2\nhost:/\nlogin:" + b.owner + "\npasscode:" + strings.ReplaceAll(b.password, `\`, `\\`) + "\n\n\x00"
	if got := b.says("stomp+ssl", stomp, len("CONNECTED")); got != "CONNECTED" {
		b.Errorf("STOMP answers %q", got)
	}
}

func mqttText(s string) string { return string([]byte{0, byte(len(s))}) + s }

// says sends to an endpoint through TLS and returns the first bytes of its answer.
func (b *broker) says(scheme, what string, n int) string {
	b.Helper()
	conn, err := tls.Dial("tcp", b.at(scheme), b.trust)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, what); err != nil {
		b.Fatal(err)
	}
	answer := make([]byte, n)
	got, _ := io.ReadFull(conn, answer)
	return string(answer[:got])
}

// Somebody has a port of the broker when the runtime starts, and then its data is
// damaged: the runtime says so, and the broker comes up as soon as all is well.
func obstacles(b *broker) {
	at := b.at("amqps")
	b.command("stop")
	<-b.over
	l, err := net.Listen("tcp", at)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	b.up()
	var d *awsmq.DescribeBrokerOutput
	patience.Until(b, "the reason", func() bool { d = b.describe(); return len(d.ActionsRequired) > 0 }, nil)
	if d.BrokerState != types.BrokerStateRebootInProgress || !strings.Contains(reason(d), at) {
		b.Errorf("%s: %s", d.BrokerState, reason(d))
	}
	if said := b.command("mq", "ls"); !strings.Contains(said, at+" (amqps)") {
		b.Errorf("mq ls does not say why:\n%s", said)
	}
	members := filepath.Join(b.folder(), "data", "mnesia", "cluster_nodes.config")
	whole, err := os.ReadFile(members)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(members, []byte("{["), 0o600); err != nil {
		b.Fatal(err)
	}
	l.Close()
	patience.Until(b, "another reason", func() bool { d = b.describe(); return !strings.Contains(reason(d), at) }, func() any { return len(b.said.String()) })
	if d.BrokerState != types.BrokerStateRebootInProgress || !strings.Contains(reason(d), "ended while it started") {
		b.Errorf("%s: %s", d.BrokerState, reason(d))
	}
	if err := os.WriteFile(members, whole, 0o600); err != nil {
		b.Fatal(err)
	}
	if d, _ := b.await(types.BrokerStateRunning); len(d.ActionsRequired) > 0 || b.at("amqps") != at {
		b.Errorf("afterwards: %s, at %s", reason(d), b.at("amqps"))
	}
	if got := b.stored("kept"); len(got) != 2 {
		b.Errorf("stored: %q", got)
	}
}

// No secret is in what the runtime has said, at the level debug, or where others can read.
func secrets(b *broker) {
	cookie, err := os.ReadFile(filepath.Join(b.folder(), "home", ".erlang.cookie"))
	if err != nil {
		b.Fatal(err)
	}
	all := []string{b.password, string(cookie), "PRIVATE KEY-----\n"}
	for _, s := range all {
		if strings.Contains(b.past+b.said.String(), s) {
			b.Errorf("the runtime has logged a secret of %d bytes", len(s))
		}
		if output, err := os.ReadFile(filepath.Join(b.folder(), "output.log")); err != nil || bytes.Contains(output, []byte(s)) {
			b.Errorf("the broker has logged a secret of %d bytes (%v)", len(s), err)
		}
	}
	if found := readable(b.data, all...); len(found) > 0 {
		b.Errorf("everybody can read the secrets in %v", found)
	}
}
