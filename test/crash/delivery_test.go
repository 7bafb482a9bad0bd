package crash

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/runtime/store/backbone/backbonetest"
	"millrace/test/needs"
	"millrace/test/patience"
)

// What was accepted for a function reaches it or its dead-letter queue, and each
// destination has its record, whenever the runtime is killed: one function succeeds,
// one fails and is tried once, and one has no concurrency.
func TestDeliveries(t *testing.T) {
	needs.Long(t)
	t.Parallel()
	tellSeed(t)
	s := newServer(t, "1s")
	d := newDeliveries(t, s)
	dice := dice(t, "kill")
	for round := 1; round <= (*rounds+1)/2 && !t.Failed(); round++ {
		clients := d.crowd(round)
		time.Sleep(50*time.Millisecond + time.Duration(dice.Int64N(int64(400*time.Millisecond))))
		d.killed.Store(true)
		s.kill()
		clients.Wait()
		d.killed.Store(false)
		s.start()
	}
	d.await()
}

// Of two runtimes on the same servers one is killed while it delivers; the other goes
// on with all that either had accepted.
func TestDeliveriesAreTakenOver(t *testing.T) {
	needs.Long(t)
	tellSeed(t)
	url := backbonetest.NewCluster(t, 3).URL
	var nodes []*server
	for i := range 2 {
		s := &server{t: t, dir: dataFolder(t), address: freeAddress(t), sync: "1s", nats: url(i)}
		s.start()
		t.Cleanup(s.stop)
		nodes = append(nodes, s)
	}
	d := newDeliveries(t, nodes[1])
	stays := lambda.NewFromConfig(nodes[1].patientConfig())
	d.lambda = lambda.NewFromConfig(nodes[0].config())
	clients := d.crowd(0)
	time.Sleep(300 * time.Millisecond)
	d.killed.Store(true)
	nodes[0].kill()
	clients.Wait()
	d.killed.Store(false)
	d.lambda = stays
	d.crowd(1).Wait()
	d.await()
}

// deliveries are what was asked of the functions, and the queues where it must end.
type deliveries struct {
	t      *testing.T
	lambda *lambda.Client
	queue  *client // keeps no books here
	killed *atomic.Bool

	mu       sync.Mutex
	accepted map[string][]string        // ids, by function
	arrived  map[string]map[string]bool // ids, by queue
}

// ends are the queues where an event of each function ends.
var ends = map[string][]string{
	"succeeds": {"success"},
	"fails":    {"dead", "failure"},
	"closed":   {"dead", "failure"},
}

func newDeliveries(t *testing.T, s *server) *deliveries {
	t.Helper()
	d := &deliveries{
		t: t, lambda: lambda.NewFromConfig(s.config()), killed: &atomic.Bool{},
		accepted: map[string][]string{}, arrived: map[string]map[string]bool{},
	}
	d.queue = &client{t: t, sdk: sqs.NewFromConfig(s.config()), killed: d.killed, urls: map[string]*string{}}
	for _, name := range []string{"success", "failure", "dead"} {
		out, err := d.queue.sdk.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
		if err != nil {
			t.Fatalf("CreateQueue: %v", err)
		}
		d.queue.urls[name], d.arrived[name] = out.QueueUrl, map[string]bool{}
	}
	code := zipped(t, filepath.Join(binaries, "bootstrap"))
	arn := func(queue string) *string { return aws.String("arn:aws:sqs:us-east-1:000000000000:" + queue) }
	for name := range ends {
		in := &lambda.CreateFunctionInput{
			FunctionName: &name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Timeout: aws.Int32(60),
			Role: aws.String("arn:aws:iam::000000000000:role/crash"), Code: &types.FunctionCode{ZipFile: code},
			DeadLetterConfig: &types.DeadLetterConfig{TargetArn: arn("dead")},
			Environment:      &types.Environment{Variables: map[string]string{}},
		}
		if name == "fails" { // nobody listens there
			in.Environment.Variables["LEDGER_URL"] = "http://127.0.0.1:1/"
		}
		if _, err := d.lambda.CreateFunction(t.Context(), in); err != nil {
			t.Fatalf("CreateFunction %s: %v", name, err)
		}
		_, err := d.lambda.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{
			FunctionName: &name, MaximumRetryAttempts: aws.Int32(0),
			DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: arn("success")}, OnFailure: &types.OnFailure{Destination: arn("failure")}},
		})
		if err != nil {
			t.Fatalf("PutFunctionEventInvokeConfig %s: %v", name, err)
		}
	}
	if _, err := d.lambda.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("closed"), ReservedConcurrentExecutions: aws.Int32(0)}); err != nil {
		t.Fatalf("PutFunctionConcurrency: %v", err)
	}
	return d
}

// crowd invokes all functions until it is cut off, or has given the machine enough
// to do.
func (d *deliveries) crowd(round int) *sync.WaitGroup {
	const enough = 20
	var all sync.WaitGroup
	for name := range ends {
		all.Go(func() {
			for n := range enough {
				id := fmt.Sprintf("%s-%d-%d", name, round, n)
				_, err := d.lambda.Invoke(d.t.Context(), &lambda.InvokeInput{
					FunctionName: &name, InvocationType: types.InvocationTypeEvent, Payload: fmt.Appendf(nil, `{"id":%q}`, id),
				})
				if !d.queue.must("Invoke", err) {
					return
				}
				d.mu.Lock()
				d.accepted[name] = append(d.accepted[name], id)
				d.mu.Unlock()
			}
		})
	}
	return &all
}

// await waits until each accepted event has arrived where its way ends.
func (d *deliveries) await() {
	d.t.Helper()
	missing := func() (all []string) {
		for function, ids := range d.accepted {
			for _, queue := range ends[function] {
				for _, id := range ids {
					if !d.arrived[queue][id] {
						all = append(all, queue+": "+id)
					}
				}
			}
		}
		return all
	}
	patience.Until(d.t, "all accepted events to end in their queues", func() bool {
		for name := range d.arrived {
			d.receive(name)
		}
		return len(missing()) == 0
	}, func() any { return len(missing()) })
	if all := missing(); len(all) > 0 {
		d.t.Errorf("accepted, and neither delivered nor dead: %v", all)
	}
	d.t.Logf("%d, %d and %d events were accepted", len(d.accepted["succeeds"]), len(d.accepted["fails"]), len(d.accepted["closed"]))
}

// receive takes down what a queue holds: dead letters are the events themselves,
// records hold them.
func (d *deliveries) receive(name string) {
	d.t.Helper()
	out, err := d.queue.sdk.ReceiveMessage(d.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: d.queue.urls[name], MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
	if err != nil {
		d.t.Fatalf("ReceiveMessage: %v", err)
	}
	for _, m := range out.Messages {
		var got struct {
			ID             string
			RequestPayload struct{ ID string }
		}
		if err := json.Unmarshal([]byte(*m.Body), &got); err != nil {
			d.t.Errorf("%s holds %q: %v", name, *m.Body, err)
		}
		if name == "dead" && (m.MessageAttributes["RequestID"].StringValue == nil || m.MessageAttributes["ErrorCode"].StringValue == nil) {
			d.t.Errorf("a dead letter without its attributes: %v", m.MessageAttributes)
		}
		d.arrived[name][got.ID+got.RequestPayload.ID] = true
		if _, err := d.queue.sdk.DeleteMessage(d.t.Context(), &sqs.DeleteMessageInput{QueueUrl: d.queue.urls[name], ReceiptHandle: m.ReceiptHandle}); err != nil {
			d.t.Fatalf("DeleteMessage: %v", err)
		}
	}
}
