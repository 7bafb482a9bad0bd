package crash

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/runtime/store/backbone/backbonetest"
	"millrace/services/admin"
	"millrace/test/crash/ledger"
	"millrace/test/needs"
	"millrace/test/patience"
)

// What was acknowledged by a topic reaches every subscription that it then had and whose
// filter it passes, or that one's dead-letter queue, whenever the runtime is killed. FIFO
// queues get each message once, and each group in order; so does, but for the order, a
// standard queue behind a FIFO topic. Subscriptions are as they were acknowledged.
//
// Endpoints fail at times, and new ones subscribe, confirm and leave all the while.
//
//	MILLRACE_LONG=1 go test ./test/crash -run '^TestTopics$' -crash.rounds 80    forty kills
func TestTopics(t *testing.T) {
	needs.Long(t)
	t.Parallel()
	tellSeed(t)
	s := newServer(t, "1s")
	w := newTopics(t, s)
	d := dice(t, "use")
	survive(t, s, w.killed, (*rounds+1)/2, w.crowd, func(round int) {
		w.check()
		w.repeatPublishes(d.IntN, round)
	})
	w.await()
	t.Logf("%d kills while it started, ready after %v at most", s.starts, s.starting)
}

// Of two runtimes on the same servers one is killed while it delivers: the other goes on
// with what either had acknowledged, and reads the FIFO topics. What is subscribed at one
// gets what is published at the other.
func TestTopicsAreTakenOver(t *testing.T) {
	needs.Long(t)
	t.Parallel()
	tellSeed(t)
	url := backbonetest.NewCluster(t, 3).URL
	var nodes []*server
	for i := range 2 {
		s := &server{t: t, dir: dataFolder(t), address: freeAddress(t), certs: freeAddress(t), sync: "1s", nats: url(i)}
		s.start()
		t.Cleanup(s.stop)
		nodes = append(nodes, s)
	}
	w := newTopics(t, nodes[1])
	stays := sns.NewFromConfig(nodes[1].patientConfig())
	w.sns = sns.NewFromConfig(nodes[0].config())
	for round := 1; round <= 2; round++ {
		clients := w.crowd(round)
		time.Sleep(300 * time.Millisecond)
		w.killed.Store(true)
		nodes[0].kill()
		clients.Wait()
		w.killed.Store(false)
		w.sns, stays = stays, w.sns
		w.repeatPublishes(func(n int) int { return 0 }, round)
		w.crowd(round + 100).Wait()
		nodes[0].start()
		w.sns, stays = stays, w.sns
	}
	w.await()
}

// A topicWorld is some topics, who subscribes to them, and what they were told.
type topicWorld struct {
	t      *testing.T
	server *server     // that stays
	sns    *sns.Client // who publishes and subscribes
	queue  *client     // keeps no books here
	killed *atomic.Bool
	web    *subscribers
	topics []*testedTopic
}

// A testedTopic is a topic and its books.
type testedTopic struct {
	name    string
	arn     *string
	content bool // deduplicates by content
	queues  []queueSubscriber
	books   *ledger.Fanout
}

// A queueSubscriber is a queue that holds messages of a topic in the end.
type queueSubscriber struct {
	ledger.Subscriber
	attributes map[string]string // of the subscription
	denied     string            // the queue that subscribes, and whose dead-letter queue this one is; "" for this one
}

const (
	plain  = "plain"
	urgent = "urgent" // some subscribers want nothing else
	cursed = "cursed" // a web server never takes it
)

func kind(k string) func(ledger.Publication) bool {
	return func(p ledger.Publication) bool { return p.Kind == k }
}

func not(k string) func(ledger.Publication) bool {
	return func(p ledger.Publication) bool { return p.Kind != k }
}

// small is whose body's size is less than 500.
func small(p ledger.Publication) bool { return read(p.Body).Size < 500 }

// onlyUrgent is the filter policy of who wants nothing else.
const onlyUrgent = `{"kind":["urgent"]}`

func testedTopics() []*testedTopic {
	return []*testedTopic{
		{name: "news", queues: []queueSubscriber{
			{Subscriber: ledger.Subscriber{Name: "news-all"}},
			{Subscriber: ledger.Subscriber{Name: "news-urgent", Wants: kind(urgent)}, attributes: map[string]string{"RawMessageDelivery": "true", "FilterPolicy": onlyUrgent}},
			{Subscriber: ledger.Subscriber{Name: "news-small", Wants: small}, attributes: map[string]string{
				"RawMessageDelivery": "true", "FilterPolicy": `{"size":[{"numeric":["<",500]}]}`, "FilterPolicyScope": "MessageBody",
			}},
		}},
		{name: "line.fifo", queues: []queueSubscriber{
			{Subscriber: ledger.Subscriber{Name: "line-all.fifo", Once: true, Ordered: true}, attributes: map[string]string{"RawMessageDelivery": "true"}},
			{Subscriber: ledger.Subscriber{Name: "line-urgent.fifo", Once: true, Ordered: true, Wants: kind(urgent)}, attributes: map[string]string{"FilterPolicy": onlyUrgent}},
			{Subscriber: ledger.Subscriber{Name: "line-loose", Once: true}, attributes: map[string]string{"RawMessageDelivery": "true"}},
			{Subscriber: ledger.Subscriber{Name: "line-dead.fifo", Once: true}, denied: "line-denied.fifo"},
		}},
		{name: "content.fifo", content: true, queues: []queueSubscriber{
			{Subscriber: ledger.Subscriber{Name: "content-all.fifo", Once: true, Ordered: true}},
		}},
	}
}

// newTopics makes the topics, and who subscribes to them for good.
func newTopics(t *testing.T, s *server) *topicWorld {
	t.Helper()
	w := &topicWorld{t: t, server: s, sns: sns.NewFromConfig(s.config()), killed: &atomic.Bool{}, topics: testedTopics()}
	w.queue = &client{t: t, sdk: sqs.NewFromConfig(s.config()), killed: w.killed, urls: map[string]*string{}}
	for _, topic := range w.topics {
		topic.books = ledger.NewFanout()
		attributes := map[string]string{}
		if fifo(topic.name) {
			attributes["FifoTopic"] = "true"
		}
		if topic.content {
			attributes["ContentBasedDeduplication"], attributes["FifoThroughputScope"] = "true", "MessageGroup"
		}
		out, err := w.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &topic.name, Attributes: attributes})
		if err != nil {
			t.Fatalf("CreateTopic: %v", err)
		}
		topic.arn = out.TopicArn
		for _, q := range topic.queues {
			w.subscribeQueue(topic, q)
		}
	}
	w.web = newSubscribers(t, w.topics[0])
	w.subscribeFunction(lambda.NewFromConfig(s.config()))
	w.createQueue("web-dead")
	w.web.add(w, "web", map[string]string{
		"DeliveryPolicy": `{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":3,"numNoDelayRetries":2}}`,
		"RedrivePolicy":  redriveTo("web-dead"),
	}, not(cursed))
	w.topics[0].books.Subscribing(ledger.Subscriber{Name: "web-dead", Wants: kind(cursed)})
	w.topics[0].queues = append(w.topics[0].queues, queueSubscriber{Subscriber: ledger.Subscriber{Name: "web-dead"}})
	patience.Until(t, "the confirmation of the web server", func() bool { w.web.confirm(w); return w.web.isConfirmed("web") }, nil)
	w.topics[0].books.Subscribing(ledger.Subscriber{Name: "web-dead"})()
	return w
}

func redriveTo(queue string) string { return fmt.Sprintf(`{"deadLetterTargetArn":%q}`, *arnOf(queue)) }

// createQueue makes a queue that topics may send to.
func (w *topicWorld) createQueue(name string) {
	w.t.Helper()
	w.queue.create(name, map[string]string{"VisibilityTimeout": "60", "Policy": `{"Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`})
}

func (w *topicWorld) subscribeQueue(topic *testedTopic, q queueSubscriber) {
	w.t.Helper()
	w.createQueue(q.Name)
	in := &sns.SubscribeInput{TopicArn: topic.arn, Protocol: aws.String("sqs"), Endpoint: arnOf(q.Name), Attributes: q.attributes}
	if q.denied != "" {
		w.queue.create(q.denied, nil)
		in.Endpoint, in.Attributes = arnOf(q.denied), map[string]string{"RedrivePolicy": redriveTo(q.Name)}
	}
	subscribed := topic.books.Subscribing(q.Subscriber)
	if _, err := w.sns.Subscribe(w.t.Context(), in); err != nil {
		w.t.Fatalf("Subscribe %s: %v", q.Name, err)
	}
	subscribed()
}

// subscribeFunction subscribes a function that reports to the web server.
func (w *topicWorld) subscribeFunction(sdk *lambda.Client) {
	w.t.Helper()
	f, err := sdk.CreateFunction(w.t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("reader"), Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Timeout: aws.Int32(60),
		Role: aws.String("arn:aws:iam::000000000000:role/crash"), Code: &lambdatypes.FunctionCode{ZipFile: zipped(w.t, filepath.Join(binaries, "bootstrap"))},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"LEDGER_URL": w.web.URL + functionPath}},
	})
	if err != nil {
		w.t.Fatalf("CreateFunction: %v", err)
	}
	if _, err := sdk.AddPermission(w.t.Context(), &lambda.AddPermissionInput{
		FunctionName: f.FunctionName, StatementId: aws.String("topic"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("sns.amazonaws.com"),
	}); err != nil {
		w.t.Fatalf("AddPermission: %v", err)
	}
	news := w.topics[0]
	subscribed := news.books.Subscribing(ledger.Subscriber{Name: functionPath, Wants: kind(urgent)})
	if _, err := w.sns.Subscribe(w.t.Context(), &sns.SubscribeInput{
		TopicArn: news.arn, Protocol: aws.String("lambda"), Endpoint: f.FunctionArn, Attributes: map[string]string{"FilterPolicy": onlyUrgent},
	}); err != nil {
		w.t.Fatalf("Subscribe: %v", err)
	}
	subscribed()
}

// content is what the bodies of messages say.
type content struct {
	ID   string `json:"id"`
	Size int    `json:"size"`
	Kind string `json:"kind"`
}

func read(body string) (c content) {
	_ = json.Unmarshal([]byte(body), &c) // what it is not, nobody published
	return c
}

// crowd publishes to all topics, and has web servers subscribe, confirm and leave, until it
// is cut off, or has given the machine enough to do.
func (w *topicWorld) crowd(round int) *sync.WaitGroup {
	var all sync.WaitGroup
	for _, topic := range w.topics {
		for i := range 2 {
			all.Go(func() { w.keepPublishing(topic, fmt.Sprintf("%s-%d-%d", topic.name, round, i)) })
		}
	}
	all.Go(func() { w.web.comeAndGo(w, round) })
	return &all
}

// keepPublishing publishes, alone and in batches; to FIFO topics in groups that nobody
// else publishes to.
func (w *topicWorld) keepPublishing(topic *testedTopic, name string) {
	const enough = 60
	d := dice(w.t, "publish "+name)
	next := func(n int) ledger.Publication {
		size := d.IntN(1000)
		m := ledger.Publication{Kind: []string{plain, plain, plain, urgent}[d.IntN(4)]}
		if !fifo(topic.name) && d.IntN(20) == 0 {
			m.Kind = cursed
		}
		m.Body = fmt.Sprintf(`{"id":"%s-%d", "size":%d, "kind":%q, "pad":%q}`, name, n, size, m.Kind, strings.Repeat("x", size))
		if fifo(topic.name) {
			m.Group = fmt.Sprintf("%s-%d", name, d.IntN(3))
		}
		return m
	}
	for n := 0; n < enough; {
		batch := make([]ledger.Publication, 1)
		if d.IntN(3) == 0 {
			batch = make([]ledger.Publication, 1+d.IntN(10))
		}
		for i := range batch {
			batch[i], n = next(n), n+1
		}
		if !w.publish(topic, batch...) {
			return
		}
	}
}

func (w *topicWorld) publish(topic *testedTopic, batch ...ledger.Publication) bool {
	attributes := func(m ledger.Publication) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{"kind": {DataType: aws.String("String"), StringValue: &m.Kind}}
	}
	dedup := func(m ledger.Publication) *string {
		if m.Group == "" || topic.content {
			return nil
		}
		return aws.String(read(m.Body).ID)
	}
	published := make([]func(id, seq string), len(batch))
	for i, m := range batch {
		published[i] = topic.books.Publishing(m)
	}
	if len(batch) == 1 {
		m := batch[0]
		out, err := w.sns.Publish(w.t.Context(), &sns.PublishInput{
			TopicArn: topic.arn, Message: &m.Body, MessageAttributes: attributes(m), MessageGroupId: optional(m.Group), MessageDeduplicationId: dedup(m),
		})
		if !w.queue.must("Publish", err) {
			return false
		}
		published[0](*out.MessageId, aws.ToString(out.SequenceNumber))
		return true
	}
	entries := make([]types.PublishBatchRequestEntry, len(batch))
	for i, m := range batch {
		entries[i] = types.PublishBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), Message: &m.Body, MessageAttributes: attributes(m), MessageGroupId: optional(m.Group), MessageDeduplicationId: dedup(m),
		}
	}
	out, err := w.sns.PublishBatch(w.t.Context(), &sns.PublishBatchInput{TopicArn: topic.arn, PublishBatchRequestEntries: entries})
	if !w.queue.must("PublishBatch", err) {
		return false
	}
	for _, e := range out.Failed {
		w.t.Errorf("PublishBatch refused an entry: %s %s", *e.Code, aws.ToString(e.Message))
	}
	for _, e := range out.Successful {
		published[index(e.Id)](*e.MessageId, aws.ToString(e.SequenceNumber))
	}
	return true
}

// repeatPublishes publishes some of the round's messages to FIFO topics again: those of
// which nothing was heard, as a client would, and some that were acknowledged.
func (w *topicWorld) repeatPublishes(choose func(int) int, round int) {
	for _, topic := range w.topics {
		if !fifo(topic.name) {
			continue
		}
		known, unknown := topic.books.Published()
		for _, m := range unknown {
			w.publish(topic, m)
		}
		for _, m := range known {
			if strings.HasPrefix(m.Group, fmt.Sprintf("%s-%d-", topic.name, round)) && choose(20) == 0 {
				w.publish(topic, m)
			}
		}
	}
}

// check takes what queues hold, and holds what the runtime says of its subscriptions
// against the books.
func (w *topicWorld) check() {
	w.t.Helper()
	w.drain()
	w.web.check(w)
	for _, topic := range w.topics {
		if err := topic.books.Err(); err != nil {
			w.t.Errorf("%s: %v", topic.name, err)
		}
	}
}

// drain receives all that the queues hold now.
func (w *topicWorld) drain() {
	for _, topic := range w.topics {
		for _, q := range topic.queues {
			for w.receive(topic, q.Name) {
			}
		}
	}
}

// receive reports whether it got anything.
func (w *topicWorld) receive(topic *testedTopic, name string) bool {
	w.t.Helper()
	out, err := w.queue.sdk.ReceiveMessage(w.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: w.queue.urls[name], MaxNumberOfMessages: 10})
	if err != nil {
		w.t.Fatalf("ReceiveMessage: %v", err)
	}
	for _, m := range out.Messages {
		topic.books.Got(name, messageOf(w.t, *m.Body), *m.MessageId)
		if _, err := w.queue.sdk.DeleteMessage(w.t.Context(), &sqs.DeleteMessageInput{QueueUrl: w.queue.urls[name], ReceiptHandle: m.ReceiptHandle}); err != nil {
			w.t.Fatalf("DeleteMessage: %v", err)
		}
	}
	return len(out.Messages) > 0
}

// messageOf is what was published: body itself, or what its envelope holds.
func messageOf(t *testing.T, body string) string {
	var envelope struct{ Type, Message, Signature, SequenceNumber string }
	if err := json.Unmarshal([]byte(body), &envelope); err != nil {
		t.Errorf("a subscriber got %q: %v", body, err)
	}
	if envelope.Type == "" {
		return body
	}
	if envelope.Signature == "" && envelope.SequenceNumber == "" {
		t.Errorf("an envelope has no signature: %s", body)
	}
	return envelope.Message
}

// status is what the runtime says of itself.
func (w *topicWorld) status() (s admin.Status) {
	w.t.Helper()
	answer, err := http.Get("http://" + w.server.address + "/_runtime/status")
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// await waits until everything has arrived, and holds it against the books.
func (w *topicWorld) await() {
	w.t.Helper()
	missing := func() (all []string) {
		for _, topic := range w.topics {
			all = append(all, topic.books.Missing()...)
		}
		return all
	}
	deliveries := func() (n int) {
		for _, topic := range w.topics {
			n += topic.books.Deliveries()
		}
		return n
	}
	w.t.Cleanup(func() {
		if all := missing(); len(all) > 0 {
			w.t.Errorf("%d acknowledged and not delivered: %v", len(all), all[:min(len(all), 20)])
		}
	})
	patience.Until(w.t, "all published messages to arrive", func() bool {
		w.check()
		w.web.confirm(w)
		return w.t.Failed() || len(missing()) == 0 && w.web.settled() && w.status().Stored.N("pendingDeliveries") == 0
	}, func() any { return fmt.Sprint(deliveries(), len(missing()), w.status().Stored.N("pendingDeliveries")) })
	w.check()
	if losses := w.status().Losses; len(losses) > 0 {
		w.t.Errorf("losses are reported: %v", losses)
	}
	known := 0
	for _, topic := range w.topics {
		published, _ := topic.books.Published()
		known += len(published)
	}
	w.t.Logf("%d messages were published, and %d delivered to %d subscribers that came and went, and others", known, deliveries(), w.web.count())
}
