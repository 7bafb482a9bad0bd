//go:build unix

package limits

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/test/wholebody"
)

// topics is a client for SNS.
func (s *server) topics() *sns.Client {
	return sns.New(sns.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.endpoint), Retryer: aws.NopRetryer{}, HTTPClient: wholebody.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// startWithTopics is start with a port of its own for certificates.
func startWithTopics(t *testing.T, prefix, data string) *server {
	t.Helper()
	return start(t, prefix, data, "--sns-cert-listen", "127.0.0.1:0")
}

func createTopic(t *testing.T, c *sns.Client, name string) (arn *string) {
	t.Helper()
	in := &sns.CreateTopicInput{Name: &name}
	if strings.HasSuffix(name, ".fifo") {
		in.Attributes = map[string]string{"FifoTopic": "true", "ContentBasedDeduplication": "true"}
	}
	out, err := c.CreateTopic(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out.TopicArn
}

// subscribeQueue makes a queue of its own for the messages of a topic as they are, and
// returns its URL.
func subscribeQueue(t *testing.T, s *server, topic *string, name string) (url string) {
	t.Helper()
	attributes := map[string]string{
		"Policy": `{"Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`,
	}
	if strings.HasSuffix(name, ".fifo") {
		attributes["FifoQueue"] = "true"
	}
	q, err := s.client().CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.topics().Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: topic, Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:000000000000:" + name),
		Attributes: map[string]string{"RawMessageDelivery": "true"},
	}); err != nil {
		t.Fatal(err)
	}
	return *q.QueueUrl
}

// publish publishes one message of so many bytes, and accounts for it.
func publish(t *testing.T, c *sns.Client, l *ledger, topic *string, size int) error {
	in := &sns.PublishInput{TopicArn: topic, Message: aws.String(body(size))}
	if strings.HasSuffix(*topic, ".fifo") {
		in.MessageGroupId = aws.String("g")
	}
	began := time.Now()
	_, err := c.Publish(t.Context(), in)
	l.sent([]string{*in.Message}, err)
	if took := time.Since(began); err != nil && took > 5*time.Second {
		t.Errorf("a refusal took %v", took)
	}
	return err
}

// Publishers fill a disk through topics, whose messages wait for web servers that do not
// answer, for a FIFO queue, or in a queue. They are refused clearly; and what was
// acknowledged arrives when there is room.
func TestFullDiskOfTopics(t *testing.T) {
	long(t)
	for _, name := range []string{"news", "line.fifo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait a good deal
			dir := disk(t, 60<<20)
			data := filepath.Join(dir, "data")
			s := startWithTopics(t, "", data)
			c, l := s.topics(), newLedger(t)
			topic := createTopic(t, c, name)
			url := subscribeQueue(t, s, topic, "all-"+name)
			web := newWebServers(t)
			standard := createTopic(t, c, "slow")
			web.subscribe(c, standard, 1)
			serve := web.hang()
			for range 5 { // these wait in the outbox
				if err := publish(t, c, newLedger(t), standard, 100<<10); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			for err == nil {
				err = publish(t, c, l, topic, 100<<10)
			}
			wantUnavailable(t, err)
			wantUnavailable(t, publish(t, c, newLedger(t), standard, 100<<10))
			s.wantFull(t)
			_, err = c.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("another")})
			wantUnavailable(t, err)

			if name == "line.fifo" { // what the queue has not got is found in the log
				s.kill()
				s = startWithTopics(t, "", data)
				c = s.topics()
				url = s.endpoint + url[strings.Index(url, "/000000000000/"):]
			}
			serve()
			eventually(t, "all that was published", func() bool { drain(t, s.client(), l, url); return l.left() == 0 })
			eventually(t, "what waits for the web server", func() bool { return web.got.Load() >= 5 })
			if name == "news" { // a FIFO topic's log is kept for as long as duplicates are known
				eventually(t, "a publish", func() bool { return publish(t, c, l, topic, 1000) == nil })
				eventually(t, "it", func() bool { drain(t, s.client(), l, url); return l.left() == 0 })
			}
			t.Logf("%d acknowledged", l.acks)
		})
	}
}

// left is how many messages are owed.
func (l *ledger) left() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.owed)
}

// Large messages that many publish are memory, in the log, at its readers and in queues.
func TestMemoryOutlivesPublishers(t *testing.T) {
	long(t)
	s := startWithTopics(t, cgroup(t, 128<<20), t.TempDir())
	c := s.topics()
	ledgers, urls := map[string]*ledger{}, map[string]string{}
	for _, name := range []string{"flood", "flood.fifo"} {
		topic := createTopic(t, c, name)
		ledgers[name], urls[name] = newLedger(t), subscribeQueue(t, s, topic, "all-"+name)
		end := time.Now().Add(2 * time.Second)
		together(50, func() bool {
			var api interface{ ErrorCode() string }
			err := publish(t, c, ledgers[name], topic, 250<<10)
			if err != nil && (!errors.As(err, &api) || api.ErrorCode() != "ServiceUnavailable") {
				t.Errorf("neither served nor refused: %v", err)
				return false
			}
			return time.Now().Before(end)
		})
	}
	for name, l := range ledgers {
		eventually(t, "all of "+name, func() bool { drain(t, s.client(), l, urls[name]); return l.left() == 0 })
		t.Logf("%s: %d acknowledged, %d not", name, l.acks, len(l.unsure))
	}
}

// A hundred web servers that hang keep nobody from publishing, nor a queue beside them
// from getting its messages at once.
func TestSubscribersThatHang(t *testing.T) {
	long(t)
	const servers, messages = 100, 30
	s := startWithTopics(t, "", t.TempDir())
	c, l := s.topics(), newLedger(t)
	topic := createTopic(t, c, "news")
	web := newWebServers(t)
	web.subscribe(c, topic, servers)
	url := subscribeQueue(t, s, topic, "beside")
	serve := web.hang()
	for range messages {
		began := time.Now()
		if err := publish(t, c, l, topic, 100); err != nil {
			t.Fatal(err)
		}
		drain(t, s.client(), l, url)
		if n := l.left(); n > 0 {
			t.Errorf("%d messages are not in the queue when their publish is answered", n)
		}
		if took := time.Since(began); took > 5*time.Second { // an attempt at a web server takes longer
			t.Errorf("a publish took %v", took)
		}
	}
	eventually(t, "attempts at all web servers", func() bool { return web.hanging.Load() >= servers })
	serve()
	eventually(t, "all messages at all web servers", func() bool { return web.got.Load() >= servers*messages })
}

// webServers are endpoints of subscriptions, each at a path of its own.
type webServers struct {
	*httptest.Server
	t       *testing.T
	got     atomic.Int64
	hanging atomic.Int64 // how many requests hung
	tokens  sync.Map     // by path

	mu     sync.Mutex
	served chan struct{} // closed while they serve
}

func newWebServers(t *testing.T) *webServers {
	w := &webServers{t: t, served: make(chan struct{})}
	close(w.served)
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

// hang has them hang until serve is called.
func (w *webServers) hang() (serve func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	served := make(chan struct{})
	w.served = served
	serve = sync.OnceFunc(func() { close(served) })
	w.t.Cleanup(serve)
	return serve
}

// ServeHTTP keeps tokens, and counts messages or hangs.
func (w *webServers) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var document struct{ Token string }
	if r.Header.Get("x-amz-sns-message-type") == "SubscriptionConfirmation" && json.Unmarshal(body, &document) == nil {
		w.tokens.Store(r.URL.Path, document.Token)
		return
	}
	w.mu.Lock()
	served := w.served
	w.mu.Unlock()
	select {
	case <-served:
		w.got.Add(1)
		return
	default:
	}
	w.hanging.Add(1)
	select {
	case <-r.Context().Done():
	case <-served:
		answer.WriteHeader(http.StatusServiceUnavailable)
	}
}

// subscribe subscribes so many of them, and confirms. They are tried again soon and often.
func (w *webServers) subscribe(c *sns.Client, topic *string, n int) {
	w.t.Helper()
	for i := range n {
		if _, err := c.Subscribe(w.t.Context(), &sns.SubscribeInput{
			TopicArn: topic, Protocol: aws.String("http"), Endpoint: aws.String(fmt.Sprintf("%s/%d", w.URL, i)),
			Attributes: map[string]string{"DeliveryPolicy": `{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":100}}`},
		}); err != nil {
			w.t.Fatal(err)
		}
	}
	for i := range n {
		var token any
		eventually(w.t, "the request to confirm", func() (ok bool) { token, ok = w.tokens.Load(fmt.Sprintf("/%d", i)); return ok })
		if _, err := c.ConfirmSubscription(w.t.Context(), &sns.ConfirmSubscriptionInput{TopicArn: topic, Token: aws.String(token.(string))}); err != nil {
			w.t.Fatal(err)
		}
	}
}
