package crash

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/runtime/store/backbone/backbonetest"
	"millrace/test/needs"
	"millrace/test/patience"
)

// TestNodeKilled has two runtimes share queues on three NATS servers, kills one
// with SIGKILL while clients of the other send, and wants every queue served
// again, all that was acknowledged received, and each FIFO group in order.
func TestNodeKilled(t *testing.T) {
	needs.Long(t)
	nodes, flows := shared(t, backbonetest.NewCluster(t, 3).URL)
	nodes[0].kill()
	goesOn(t, flows)
	settle(t, flows)
}

// TestNodeHangs stops a node in its tracks instead, until others have taken over,
// and lets it go on: it must not believe that it still owns anything.
func TestNodeHangs(t *testing.T) {
	needs.Long(t)
	nodes, flows := shared(t, backbonetest.NewCluster(t, 3).URL)
	nodes[0].signal(syscall.SIGSTOP)
	goesOn(t, flows)
	nodes[0].signal(syscall.SIGCONT)
	goesOn(t, flows)
	settle(t, flows)
}

// shared are two runtimes on the servers that url names, and queues that both of
// them own some of, with a client of the second node that sends to each.
func shared(t *testing.T, url func(node int) string) (nodes []*server, flows []*flow) {
	t.Helper()
	for i := range 2 {
		s := &server{t: t, dir: dataFolder(t), address: freeAddress(t), sync: "1s", nats: url(i)}
		s.start()
		t.Cleanup(s.stop)
		nodes = append(nodes, s)
	}
	sdk := sqs.NewFromConfig(nodes[1].patientConfig())
	for i := range 8 { // hashing gives each node some of so many
		name, attributes := fmt.Sprint("q", i), map[string]string{"VisibilityTimeout": "2"}
		if i%2 == 1 {
			name += ".fifo"
			attributes["FifoQueue"] = "true"
		}
		through := sqs.NewFromConfig(nodes[i%4/2].config())
		q, err := through.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
		if err != nil {
			t.Fatal(err)
		}
		url := strings.Replace(*q.QueueUrl, nodes[0].address, nodes[1].address, 1)
		f := &flow{T: t, sdk: sdk, name: name, url: url, fifo: i%2 == 1, changed: make(chan struct{})}
		sending, stop := context.WithCancel(context.Background())
		f.stop = stop
		f.work.Go(func() { f.send(sending) })
		t.Cleanup(func() { stop(); f.work.Wait() })
		flows = append(flows, f)
	}
	for _, f := range flows {
		f.await(30)
	}
	return nodes, flows
}

// goesOn wants more sends to each queue to be acknowledged.
func goesOn(t *testing.T, flows []*flow) {
	t.Helper()
	began := time.Now()
	for _, f := range flows {
		f.await(f.mark() + 30)
	}
	t.Logf("30 more sends to each queue were acknowledged after %v", time.Since(began))
}

// settle ends the sending and receives everything.
func settle(t *testing.T, flows []*flow) {
	t.Helper()
	var worst time.Duration
	for _, f := range flows {
		f.stop()
	}
	for _, f := range flows {
		f.work.Wait()
		worst = max(worst, f.pause)
	}
	t.Logf("the longest that a sender waited for an answer: %v", worst)
	for _, f := range flows {
		f.drain()
	}
}

// A flow is what one client sends to a queue: 0, 1, 2 ... in one group, each until
// it is acknowledged.
type flow struct {
	*testing.T
	sdk       *sqs.Client
	name, url string
	fifo      bool
	stop      context.CancelFunc
	work      sync.WaitGroup

	mu      sync.Mutex // guards the rest
	changed chan struct{}
	sent    int
	pause   time.Duration
}

func (f *flow) send(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		in := &sqs.SendMessageInput{QueueUrl: &f.url, MessageBody: aws.String(fmt.Sprint(i))}
		if f.fifo {
			in.MessageGroupId, in.MessageDeduplicationId = aws.String("g"), in.MessageBody
		}
		began := time.Now()
		for {
			_, err := f.sdk.SendMessage(context.WithoutCancel(ctx), in)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return
			}
		}
		f.mu.Lock()
		f.sent, f.pause = i+1, max(f.pause, time.Since(began))
		close(f.changed)
		f.changed = make(chan struct{})
		f.mu.Unlock()
	}
}

func (f *flow) mark() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent
}

// await waits until so many were acknowledged.
func (f *flow) await(n int) {
	f.Helper()
	limit := patience.New(fmt.Sprintf("%d acknowledged sends to %s", n, f.name), func() any { return f.mark() })
	for {
		f.mu.Lock()
		sent, changed := f.sent, f.changed
		f.mu.Unlock()
		if sent >= n {
			return
		}
		select {
		case <-changed:
		case <-limit.Turn():
			if err := limit.Struck(); err != nil {
				f.Fatal(err)
			}
		}
	}
}

// drain receives all that was sent, once.
func (f *flow) drain() {
	f.Helper()
	seen, next := map[string]bool{}, 0
	for len(seen) < f.sent {
		out, err := f.sdk.ReceiveMessage(f.Context(), &sqs.ReceiveMessageInput{QueueUrl: &f.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 5})
		if err != nil {
			f.Fatal(err)
		}
		if len(out.Messages) == 0 {
			f.Fatalf("%s: %d of %d messages that were acknowledged came back", f.name, len(seen), f.sent)
		}
		var done []types.DeleteMessageBatchRequestEntry
		for i, m := range out.Messages {
			if f.fifo && *m.Body != fmt.Sprint(next) {
				f.Fatalf("%s: received %s, want %d", f.name, *m.Body, next)
			}
			next++
			seen[*m.Body] = true
			done = append(done, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
		}
		if out, err := f.sdk.DeleteMessageBatch(f.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &f.url, Entries: done}); err != nil || len(out.Failed) > 0 {
			f.Fatal(out, err)
		}
	}
}
