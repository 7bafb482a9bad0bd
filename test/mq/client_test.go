package mq

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsmq "github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
	"github.com/aws/smithy-go"
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/test/patience"
)

// api is a client of the runtime's Amazon MQ.
func (s *server) api() *awsmq.Client { return s.client }

// connect makes that client, whose connections are to this start of the runtime.
func (s *server) connect() {
	s.client = awsmq.New(awsmq.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.endpoint), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// A broker is one of a runtime, as its owner sees it.
type broker struct {
	*server
	id, owner, password string
	trust               *tls.Config
}

// create asks for a RabbitMQ of a name and version, and changes what is asked for.
func (s *server) create(name, version string, change ...func(*awsmq.CreateBrokerInput)) *broker {
	s.Helper()
	b := &broker{server: s, owner: "admin", password: "millstones-grind"}
	in := &awsmq.CreateBrokerInput{
		BrokerName: &name, EngineType: types.EngineTypeRabbitmq, EngineVersion: &version, DeploymentMode: types.DeploymentModeSingleInstance,
		HostInstanceType: aws.String("mq.m7g.large"), PubliclyAccessible: aws.Bool(true), AutoMinorVersionUpgrade: aws.Bool(true),
		Users: []types.User{{Username: &b.owner, Password: &b.password}},
	}
	for _, f := range change {
		f(in)
	}
	if len(in.Users) > 0 {
		b.owner, b.password = *in.Users[0].Username, *in.Users[0].Password
	}
	out, err := s.api().CreateBroker(s.Context(), in)
	if err != nil {
		s.Fatal(err)
	}
	b.id = *out.BrokerId
	pem, err := exec.Command(binary, "ca", "--data", s.data).Output()
	if err != nil {
		s.Fatal(err)
	}
	b.trust = &tls.Config{RootCAs: x509.NewCertPool()}
	b.trust.RootCAs.AppendCertsFromPEM(pem)
	return b
}

func (b *broker) describe() *awsmq.DescribeBrokerOutput {
	b.Helper()
	out, err := b.api().DescribeBroker(b.Context(), &awsmq.DescribeBrokerInput{BrokerId: &b.id})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// await polls until the broker is in one of the states, and returns all that were seen.
func (b *broker) await(states ...types.BrokerState) (last *awsmq.DescribeBrokerOutput, seen []types.BrokerState) {
	b.Helper()
	patience.Until(b, fmt.Sprint("the states ", states), func() bool {
		last = b.describe()
		if len(seen) == 0 || seen[len(seen)-1] != last.BrokerState {
			seen = append(seen, last.BrokerState)
		}
		for _, s := range states {
			if s == last.BrokerState {
				return true
			}
		}
		if last.BrokerState == types.BrokerStateCreationFailed {
			b.Fatalf("the creation failed: %s", reason(last))
		}
		return false
	}, func() any { return len(b.said.String()) })
	return last, seen
}

func reason(d *awsmq.DescribeBrokerOutput) string {
	var all []string
	for _, a := range d.ActionsRequired {
		all = append(all, aws.ToString(a.ActionRequiredCode)+": "+aws.ToString(a.ActionRequiredInfo))
	}
	return strings.Join(all, "\n")
}

// reboot asks for one and waits for its end.
func (b *broker) reboot() {
	b.Helper()
	if _, err := b.api().RebootBroker(b.Context(), &awsmq.RebootBrokerInput{BrokerId: &b.id}); err != nil {
		b.Fatal(err)
	}
	if _, seen := b.await(types.BrokerStateRunning); len(seen) != 2 || seen[0] != types.BrokerStateRebootInProgress {
		b.Errorf("states of a reboot: %v", seen)
	}
}

// delete asks for the end of the broker and waits for it.
func (b *broker) delete() {
	b.Helper()
	if _, err := b.api().DeleteBroker(b.Context(), &awsmq.DeleteBrokerInput{BrokerId: &b.id}); err != nil {
		b.Fatal(err)
	}
	b.awaitGone()
}

func (b *broker) awaitGone() {
	b.Helper()
	patience.Until(b, "the end of the broker", func() bool {
		d, err := b.api().DescribeBroker(b.Context(), &awsmq.DescribeBrokerInput{BrokerId: &b.id})
		if err == nil && d.BrokerState != types.BrokerStateDeletionInProgress {
			b.Fatalf("a broker that is being deleted is %s", d.BrokerState)
		}
		var gone *types.NotFoundException
		if err != nil && !errors.As(err, &gone) {
			b.Fatal(err)
		}
		return err != nil
	}, func() any { return len(b.said.String()) })
}

// at returns host and port of an endpoint by its scheme; "https" is the console.
func (b *broker) at(scheme string) string {
	b.Helper()
	i := b.describe().BrokerInstances
	if len(i) != 1 {
		b.Fatalf("instances %v", i)
	}
	for _, e := range append(i[0].Endpoints, aws.ToString(i[0].ConsoleURL)) {
		if u, err := url.Parse(e); err == nil && u.Scheme == scheme {
			return u.Host
		}
	}
	b.Fatalf("no %s endpoint in %v", scheme, i[0])
	return ""
}

// dial connects as a user.
func (b *broker) dial(user, password string) (*amqp.Connection, error) {
	return amqp.DialConfig("amqps://"+b.at("amqps")+"/", amqp.Config{
		SASL: []amqp.Authentication{&amqp.PlainAuth{Username: user, Password: password}}, TLSClientConfig: b.trust,
		Dial: amqp.DefaultDial(time.Minute),
	})
}

// channel opens a channel of the owner's, to be closed with the test.
func (b *broker) channel() *amqp.Channel {
	b.Helper()
	conn, err := b.dial(b.owner, b.password)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		b.Fatal(err)
	}
	return ch
}

// publish stores a message, confirmed, in a durable queue.
func (b *broker) publish(queue, body string) {
	b.Helper()
	ch := b.channel()
	if _, err := ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
		b.Fatal(err)
	}
	if err := ch.Confirm(false); err != nil {
		b.Fatal(err)
	}
	c, err := ch.PublishWithDeferredConfirm("", queue, false, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(body)})
	if err != nil || !c.Wait() {
		b.Fatalf("%s was not confirmed: %v", body, err)
	}
}

// stored returns the messages of a queue, and leaves them there.
func (b *broker) stored(queue string) (all []string) {
	b.Helper()
	ch := b.channel()
	for {
		m, ok, err := ch.Get(queue, false)
		if err != nil {
			b.Fatal(err)
		}
		if !ok {
			break
		}
		all = append(all, string(m.Body))
	}
	ch.Nack(0, true, true)
	ch.Close()
	return all
}

// call asks the management API as a user, and returns the status and the answer.
func (b *broker) call(user, password, method, path string, in any) (int, []byte) {
	b.Helper()
	var body io.Reader
	if in != nil {
		text, _ := json.Marshal(in)
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(b.Context(), method, "https://"+b.at("https")+path, body)
	if err != nil {
		b.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: b.trust.Clone(), DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return resp.StatusCode, text
}

// get reads something of the management API as the owner.
func (b *broker) get(path string, out any) {
	b.Helper()
	code, text := b.call(b.owner, b.password, "GET", path, nil)
	if code != 200 {
		b.Fatalf("GET %s: %d %s", path, code, text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		b.Fatal(err)
	}
}

// configure makes a configuration of a text, and returns its latest revision.
func (s *server) configure(name, version, text string) *types.ConfigurationId {
	s.Helper()
	c, err := s.api().CreateConfiguration(s.Context(), &awsmq.CreateConfigurationInput{Name: &name, EngineType: types.EngineTypeRabbitmq, EngineVersion: &version})
	if err != nil {
		s.Fatal(err)
	}
	return s.revise(c.Id, text)
}

func (s *server) revise(id *string, text string) *types.ConfigurationId {
	s.Helper()
	out, err := s.api().UpdateConfiguration(s.Context(), &awsmq.UpdateConfigurationInput{ConfigurationId: id, Data: encoded(text)})
	if err != nil {
		s.Fatal(err)
	}
	return &types.ConfigurationId{Id: id, Revision: out.LatestRevision.Revision}
}

func encoded(text string) *string { return aws.String(base64.StdEncoding.EncodeToString([]byte(text))) }

// code is what an API error is called.
func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

// command runs the runtime's own command line over the server's data folder.
func (s *server) command(args ...string) string {
	s.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(s.Context()), binary, append(args, "--data", s.data)...).CombinedOutput()
	if err != nil {
		s.Fatalf("runtime %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// inside runs a part of a test, which may end and start the runtime.
func (b *broker) inside(t *testing.T, name string, f func(b *broker)) {
	t.Run(name, func(t *testing.T) {
		whole := b.T
		b.T = t
		defer func() { b.T = whole }()
		f(b)
	})
}
