package crash

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/test/needs"
	"millrace/test/patience"
)

// An event that was accepted runs at least once, a message sent to a mapped
// queue reaches its function, and both functions and the mapping are there
// after each kill, while no process of theirs outlives the runtime.
func TestFunctions(t *testing.T) {
	needs.Long(t)
	t.Parallel()
	tellSeed(t)
	ran := newObserver(t)
	s := newServer(t, "1s")
	f := deploy(t, s, ran)
	d := dice(t, "kill")
	for round := 1; round <= (*rounds+2)/3 && !t.Failed(); round++ {
		ran.setHolding(true)
		clients := f.crowd(round)
		time.Sleep(100*time.Millisecond + time.Duration(d.Int64N(int64(400*time.Millisecond))))
		f.killed.Store(true)
		ran.setHolding(false)
		s.kill()
		clients.Wait()
		f.killed.Store(false)
		ran.awaitNobody()
		s.start()
		f.check()
	}
	ran.await(f.accepted, f.attempted)
	t.Logf("%d events and messages were accepted, ready after %v at most", len(f.accepted), s.starting)
}

// functions are two that run the same code: "async" for asynchronous
// invocations, "mapped" behind a queue.
type functions struct {
	t       *testing.T
	lambda  *lambda.Client
	queue   *client // keeps no books here
	mapping *string
	sha     *string // of the code
	killed  *atomic.Bool

	mu        sync.Mutex
	attempted []string // ids of all events
	accepted  []string // of those that must run
}

func deploy(t *testing.T, s *server, ran *observer) *functions {
	t.Helper()
	f := &functions{t: t, lambda: lambda.NewFromConfig(s.config()), killed: &atomic.Bool{}}
	f.queue = &client{t: t, sdk: sqs.NewFromConfig(s.config()), killed: f.killed}
	code := zipped(t, filepath.Join(binaries, "bootstrap"))
	// A mapped queue hides messages for as long as its function may run.
	for name, timeout := range map[string]int32{"async": 60, "mapped": 3} {
		out, err := f.lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: &name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Timeout: &timeout,
			Role: aws.String("arn:aws:iam::000000000000:role/crash"), Code: &types.FunctionCode{ZipFile: code},
			Environment: &types.Environment{Variables: map[string]string{"LEDGER_URL": ran.URL}},
		})
		if err != nil {
			t.Fatalf("CreateFunction %s: %v", name, err)
		}
		f.sha = out.CodeSha256
	}
	queue, err := f.queue.sdk.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("mapped"), Attributes: map[string]string{"VisibilityTimeout": "3"},
	})
	if err != nil {
		t.Fatalf("CreateQueue: %v", err)
	}
	f.queue.urls = map[string]*string{"mapped": queue.QueueUrl}
	mapping, err := f.lambda.CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{
		FunctionName: aws.String("mapped"), EventSourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:mapped"),
	})
	if err != nil {
		t.Fatalf("CreateEventSourceMapping: %v", err)
	}
	f.mapping = mapping.UUID
	return f
}

func zipped(t *testing.T, bootstrap string) []byte {
	t.Helper()
	code, err := os.ReadFile(bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	h.SetMode(0o755)
	w, err := z.CreateHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(code)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// crowd invokes and sends until it is cut off, or has given the machine enough
// to do.
func (f *functions) crowd(round int) *sync.WaitGroup {
	const enough = 25
	var all sync.WaitGroup
	all.Go(func() {
		for n := range enough {
			if !f.invokeAsync(fmt.Sprintf("event-%d-%d", round, n), n%10 == 3) {
				return
			}
		}
	})
	all.Go(func() {
		for n := range enough {
			if !f.send(fmt.Sprintf("message-%d-%d", round, n)) {
				return
			}
		}
	})
	return &all
}

// An event is what both functions are given, directly or as a message's body.
type event struct {
	ID   string `json:"id"`
	Hold bool   `json:"hold"` // its first run ends only with its process
}

func (f *functions) invokeAsync(id string, hold bool) bool {
	payload, _ := json.Marshal(event{id, hold})
	f.note(&f.attempted, id)
	out, err := f.lambda.Invoke(f.t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("async"), InvocationType: types.InvocationTypeEvent, Payload: payload,
	})
	if !f.queue.must("Invoke", err) {
		return false
	}
	if out.StatusCode != 202 {
		f.t.Errorf("an asynchronous Invoke was answered with %d", out.StatusCode)
	}
	f.note(&f.accepted, id)
	return true
}

func (f *functions) send(id string) bool {
	body, _ := json.Marshal(event{ID: id})
	f.note(&f.attempted, id)
	_, err := f.queue.sdk.SendMessage(f.t.Context(), &sqs.SendMessageInput{QueueUrl: f.queue.urls["mapped"], MessageBody: aws.String(string(body))})
	if !f.queue.must("SendMessage", err) {
		return false
	}
	f.note(&f.accepted, id)
	return true
}

func (f *functions) note(where *[]string, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*where = append(*where, id)
}

// check finds the functions, their code and the mapping as they were.
func (f *functions) check() {
	f.t.Helper()
	for _, name := range []string{"async", "mapped"} {
		got, err := f.lambda.GetFunction(f.t.Context(), &lambda.GetFunctionInput{FunctionName: &name})
		if err != nil {
			f.t.Errorf("GetFunction %s: %v", name, err)
		} else if *got.Configuration.CodeSha256 != *f.sha {
			f.t.Errorf("the code of %s is %s and was %s", name, *got.Configuration.CodeSha256, *f.sha)
		}
	}
	if m, err := f.lambda.GetEventSourceMapping(f.t.Context(), &lambda.GetEventSourceMappingInput{UUID: f.mapping}); err != nil {
		f.t.Errorf("GetEventSourceMapping: %v", err)
	} else if *m.State != "Enabled" {
		f.t.Errorf("the mapping is %s", *m.State)
	}
	const ping = `{"id":"ping"}`
	out, err := f.lambda.Invoke(f.t.Context(), &lambda.InvokeInput{FunctionName: aws.String("async"), Payload: []byte(ping)})
	if err != nil || out.FunctionError != nil || string(out.Payload) != ping {
		f.t.Errorf("after a restart the function answers %+v, %v", out, err)
	}
}

// An observer is told of every run of a function.
type observer struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	holding bool            // events that ask for it are held
	begun   map[string]bool // events that were held once
	held    int             // runs that wait for their process to die
	ran     map[string]bool
}

func newObserver(t *testing.T) *observer {
	o := &observer{t: t, begun: map[string]bool{}, ran: map[string]bool{}}
	o.Server = httptest.NewServer(o)
	t.Cleanup(o.Close)
	return o
}

// ServeHTTP takes an event or a batch of messages down. The first run of an
// event that asks for it is held until the function's process is gone.
func (o *observer) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // its process died while it reported
	}
	var got struct {
		event
		Records []struct{ Body string }
	}
	if err := json.Unmarshal(body, &got); err != nil {
		o.t.Errorf("a function reported %q: %v", body, err)
	}
	events := []event{got.event}
	for _, m := range got.Records {
		var e event
		if err := json.Unmarshal([]byte(m.Body), &e); err != nil {
			o.t.Errorf("a function was given the message %q: %v", m.Body, err)
		}
		events = append(events, e)
	}
	if got.Hold && o.hold(got.ID) {
		<-r.Context().Done()
		o.change(func() { o.held-- })
		return
	}
	o.change(func() {
		for _, e := range events {
			o.ran[e.ID] = true
		}
	})
}

// hold reports whether a run is to be held, and counts it if so.
func (o *observer) hold(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.holding || o.begun[id] {
		return false
	}
	o.begun[id] = true
	o.held++
	return true
}

func (o *observer) setHolding(on bool) { o.change(func() { o.holding = on }) }

// change changes what is known.
func (o *observer) change(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}

// until waits until done, called under the lock, says that it is over.
func (o *observer) until(what string, done func() bool) {
	o.t.Helper()
	patience.Until(o.t, what, func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return done()
	}, func() any {
		o.mu.Lock()
		defer o.mu.Unlock()
		return fmt.Sprintf("%d events ran, %d runs are held", len(o.ran), o.held)
	})
}

// awaitNobody waits until every process that was held is gone, as it must be
// once the runtime is.
func (o *observer) awaitNobody() {
	o.t.Helper()
	o.until("a function's processes to end with the runtime", func() bool { return o.held == 0 })
}

// await waits until all accepted events have run, and finds none that nobody
// asked for.
func (o *observer) await(accepted, attempted []string) {
	o.t.Helper()
	missing := func() (ids []string) {
		for _, id := range accepted {
			if !o.ran[id] {
				ids = append(ids, id)
			}
		}
		return ids
	}
	o.t.Cleanup(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if ids := missing(); len(ids) > 0 {
			o.t.Errorf("accepted and never run: %v", ids)
		}
	})
	o.until("all accepted events to run", func() bool { return len(missing()) == 0 })
	o.mu.Lock()
	defer o.mu.Unlock()
	for id := range o.ran {
		if id != "" && id != "ping" && !slices.Contains(attempted, id) {
			o.t.Errorf("%s ran and nobody asked for it", id)
		}
	}
}
