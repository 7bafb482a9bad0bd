package mq

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"millrace/runtime/sandbox/gobuild"
	"millrace/test/patience"
)

// ledger is the zip of a function that hands each event to the test.
var ledger = sync.OnceValues(func() ([]byte, error) {
	bootstrap := filepath.Join(filepath.Dir(binary), "bootstrap")
	if err := gobuild.Build(context.Background(), "../../functions/ledger", bootstrap); err != nil {
		return nil, err
	}
	return gobuild.Zip(bootstrap)
})

// A handler is a function of a runtime, whose batches the test sees, and answers.
type handler struct {
	*server
	name string

	mu      sync.Mutex
	batches [][]events.RabbitMQMessage
	raw     []string
	answer  func(bodies []string) error // nil: all are good
}

func (s *server) lambda() *lambda.Client {
	return lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: &s.endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// deploy makes a function.
func (s *server) deploy(name string) *handler {
	s.Helper()
	h := &handler{server: s, name: name}
	listener := httptest.NewServer(h)
	s.Cleanup(listener.Close)
	code, err := ledger()
	if err != nil {
		s.Fatal(err)
	}
	if _, err = s.lambda().CreateFunction(s.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Timeout: aws.Int32(60),
		Role: aws.String("arn:aws:iam::000000000000:role/lambda"), Code: &lambdatypes.FunctionCode{ZipFile: code},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"LEDGER_URL": listener.URL}},
	}); err != nil {
		s.Fatal(err)
	}
	return h
}

// ServeHTTP is what the function does.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return // the function was killed
	}
	var e events.RabbitMQEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		h.Errorf("%v in %s", err, raw)
	}
	var batch []events.RabbitMQMessage
	for _, m := range e.MessagesByQueue {
		batch = append(batch, m...)
	}
	h.mu.Lock()
	h.batches, h.raw = append(h.batches, batch), append(h.raw, string(raw))
	answer := h.answer
	h.mu.Unlock()
	if answer != nil {
		if err := answer(bodies(batch)); err != nil {
			http.Error(w, err.Error(), http.StatusTeapot)
		}
	}
}

// will sets what the function does from now on.
func (h *handler) will(answer func(bodies []string) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = answer
}

func (h *handler) seen() [][]events.RabbitMQMessage {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.batches)
}

// await waits until the function has seen batches that satisfy a test.
func (h *handler) await(what string, enough func([][]events.RabbitMQMessage) bool) [][]events.RabbitMQMessage {
	h.Helper()
	patience.Until(h, what, func() bool { return enough(h.seen()) }, func() any { return len(h.seen()) })
	return h.seen()
}

// awaitBody waits until the function was given a message, and returns it as it was last.
func (h *handler) awaitBody(body string) (m events.RabbitMQMessage) {
	h.Helper()
	h.await("the message "+body, func(all [][]events.RabbitMQMessage) bool {
		for _, b := range slices.Backward(all) {
			if i := slices.Index(bodies(b), body); i >= 0 {
				m = b[i]
				return true
			}
		}
		return false
	})
	return m
}

func bodies(batch []events.RabbitMQMessage) (all []string) {
	for _, m := range batch {
		data, err := base64.StdEncoding.DecodeString(m.Data)
		if err != nil {
			all = append(all, err.Error())
		}
		all = append(all, string(data))
	}
	return all
}

// A mapping joins a queue of a broker and a function.
type mapping struct {
	*broker
	uuid string
}

// secret keeps a text in Secrets Manager, anew or again, and returns its ARN.
func (s *server) secret(name, text string) string {
	s.Helper()
	client := secretsmanager.New(secretsmanager.Options{
		Region: "us-east-1", BaseEndpoint: &s.endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	if out, err := client.PutSecretValue(s.Context(), &secretsmanager.PutSecretValueInput{SecretId: &name, SecretString: &text}); err == nil {
		return *out.ARN
	}
	out, err := client.CreateSecret(s.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: &text})
	if err != nil {
		s.Fatal(err)
	}
	return *out.ARN
}

func login(user, password string) string {
	text, _ := json.Marshal(map[string]string{"username": user, "password": password})
	return string(text)
}

// feed maps a queue to a function, with the owner's login unless change says otherwise.
func (b *broker) feed(h *handler, queue string, change ...func(*lambda.CreateEventSourceMappingInput)) *mapping {
	b.Helper()
	in := &lambda.CreateEventSourceMappingInput{
		EventSourceArn: b.describe().BrokerArn, FunctionName: &h.name, Queues: []string{queue},
		SourceAccessConfigurations: []lambdatypes.SourceAccessConfiguration{
			{Type: lambdatypes.SourceAccessTypeBasicAuth, URI: aws.String(b.secret("owner", login(b.owner, b.password)))},
		},
	}
	for _, f := range change {
		f(in)
	}
	out, err := b.lambda().CreateEventSourceMapping(b.Context(), in)
	if err != nil {
		b.Fatal(err)
	}
	m := &mapping{b, *out.UUID}
	b.Cleanup(func() { m.end() })
	return m
}

// end deletes the mapping and waits until it is gone.
func (m *mapping) end() {
	m.Helper()
	m.lambda().DeleteEventSourceMapping(context.Background(), &lambda.DeleteEventSourceMappingInput{UUID: &m.uuid})
	patience.Until(m, "the end of the mapping", func() bool {
		_, err := m.lambda().GetEventSourceMapping(context.Background(), &lambda.GetEventSourceMappingInput{UUID: &m.uuid})
		return err != nil
	}, nil)
}

func (m *mapping) get() *lambda.GetEventSourceMappingOutput {
	m.Helper()
	out, err := m.lambda().GetEventSourceMapping(m.Context(), &lambda.GetEventSourceMappingInput{UUID: &m.uuid})
	if err != nil {
		m.Fatal(err)
	}
	return out
}

// shows waits until the mapping has a reason and a result, of which a part is enough.
func (m *mapping) shows(reason, result string) {
	m.Helper()
	out := m.get()
	patience.Until(m, fmt.Sprintf("%s, %s", reason, result), func() bool {
		out = m.get()
		return *out.StateTransitionReason == reason && strings.Contains(*out.LastProcessingResult, result)
	}, func() any { return *out.StateTransitionReason + *out.LastProcessingResult })
	if out.State == nil || *out.State != "Enabled" {
		m.Errorf("state %s", aws.ToString(out.State))
	}
}
