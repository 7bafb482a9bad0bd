package target_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/delivery/deliverytest"
	"millrace/runtime/delivery/target"
	"millrace/runtime/fault"
	"millrace/runtime/policy"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

var (
	owner = delivery.Source{Principal: policy.Principal{Account: "000000000000"}}
	topic = delivery.Source{Principal: policy.Principal{Service: "sns.amazonaws.com"}, ARN: "arn:aws:sns:us-east-1:000000000000:t", Account: "000000000000"}
)

// arrived keeps events.
type arrived struct {
	mu     sync.Mutex
	events []delivery.Event
}

func (a *arrived) add(e delivery.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, e)
}

func (a *arrived) all() []delivery.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.events
}

func TestFunc(t *testing.T) {
	deliverytest.Exercise(t, func(*testing.T) deliverytest.Kit {
		var got arrived
		refusing, hanging := false, false
		f := target.Func(func(ctx context.Context, e delivery.Event) (delivery.Reply, error) {
			switch {
			case hanging:
				<-ctx.Done()
				return delivery.Reply{}, ctx.Err()
			case refusing:
				return delivery.Reply{}, fault.New(fault.Throttled, "not now")
			}
			e.Body = append([]byte(nil), e.Body...)
			got.add(e)
			return delivery.Reply{}, nil
		})
		return deliverytest.Kit{
			Resolve: func(string) (delivery.Target, error) { return f, nil }, Arrived: got.all, Attributes: true,
			Refuse: func() { refusing = true }, Heal: func() { refusing = false }, Hang: func() { hanging = true },
		}
	})
}

func openQueues(t testing.TB) (*jetqueue.Queues, delivery.Resolver) {
	t.Helper()
	b := backbonetest.Start(t, t.TempDir())
	records := record.New(b.JetStream(), nil)
	if err := records.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	queues := jetqueue.New(b, records, jetqueue.Options{})
	if err := queues.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(queues.Stop(context.Background()), records.Stop(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return queues, target.Queues(func(id queue.ID) (target.Queue, error) { return queues.Get(id) }, false)
}

func TestQueues(t *testing.T) {
	deliverytest.Exercise(t, func(t *testing.T) deliverytest.Kit {
		queues, resolve := openQueues(t)
		id := queue.ID{Account: "000000000000", Region: "us-east-1", Name: "q"}
		q, err := queues.Create(t.Context(), id, queue.Config{Visibility: time.Minute, MaxBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		return deliverytest.Kit{
			Resolve: resolve, Name: id.ARN().String(), Allowed: owner, Denied: &topic, Attributes: true, Numbers: true,
			Wrong: []string{"", "arn:aws:sqs:us-east-1:000000000000:none", "arn:aws:sqs:us-east-1:000000000000:q:x", "arn:aws:sns:us-east-1:000000000000:q", "\x00", strings.Repeat("x", 5000)},
			Arrived: func() (all []delivery.Event) {
				got, err := q.Peek(t.Context(), queue.PeekRequest{})
				if err != nil {
					t.Error(err)
				}
				for _, m := range got {
					all = append(all, delivery.Event{Body: []byte(m.Body), Attributes: m.Attributes, TraceHeader: m.TraceHeader})
				}
				return all
			},
			Gone: func() {
				if err := queues.Delete(t.Context(), id); err != nil {
					t.Error(err)
				}
			},
		}
	})
}

// Messages say who sent them, by ids as IAM has them.
func TestQueuesKnowSenders(t *testing.T) {
	queues, resolve := openQueues(t)
	id := queue.ID{Account: "000000000000", Region: "us-east-1", Name: "q"}
	q, err := queues.Create(t.Context(), id, queue.Config{Visibility: time.Minute, MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	to, err := resolve(id.ARN().String())
	if err != nil {
		t.Fatal(err)
	}
	function := func(name string) delivery.Source {
		p, _ := policy.RolePrincipal("arn:aws:iam::000000000000:role/worker", name)
		return delivery.Source{Principal: p}
	}
	for _, s := range []delivery.Source{topic, topic, function("a"), function("b")} {
		if _, err := to.Deliver(t.Context(), delivery.Event{Body: []byte("x"), Source: s}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := q.Peek(t.Context(), queue.PeekRequest{})
	if err != nil || len(got) != 4 {
		t.Fatal(got, err)
	}
	if a, again := got[0].SenderID, got[1].SenderID; !regexp.MustCompile("^AIDA[A-Z2-7]{17}$").MatchString(a) || again != a {
		t.Errorf("a topic is %q, then %q", a, again)
	}
	a, okA := strings.CutSuffix(got[2].SenderID, ":a")
	b, okB := strings.CutSuffix(got[3].SenderID, ":b")
	if !okA || !okB || a != b || !regexp.MustCompile("^AROA[A-Z2-7]{17}$").MatchString(a) {
		t.Errorf("functions of one role are %q and %q", got[2].SenderID, got[3].SenderID)
	}
}

// The owner may send unless the policy denies it, services and others if it allows.
func TestQueuePoliciesAreAsked(t *testing.T) {
	queues, resolve := openQueues(t)
	const allow = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:000000000000:t"},"StringEquals":{"aws:SourceAccount":"000000000000"}}}]}`
	const deny = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}]}`
	other := topic
	other.ARN += "2"
	stranger := delivery.Source{Principal: policy.Principal{Account: "111111111111", ARN: "arn:aws:iam::111111111111:root"}}
	for i, c := range []struct {
		rule, policy string
		source       delivery.Source
		allowed      bool
	}{
		{"no policy, the owner", "", owner, true},
		{"no policy, a service", "", topic, false},
		{"no policy, another account", "", stranger, false},
		{"a policy for others, the owner", allow, owner, true},
		{"a policy for a topic", allow, topic, true},
		{"a policy for another topic", allow, other, false},
		{"a policy for a service, another account", allow, stranger, false},
		{"denied to everybody, the owner too", deny, owner, false},
		{"a policy that cannot be read", "{", topic, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			id := queue.ID{Account: "000000000000", Region: "us-east-1", Name: fmt.Sprint("q", i)}
			if _, err := queues.Create(t.Context(), id, queue.Config{MaxBytes: 1 << 20, Texts: map[string]string{"Policy": c.policy}}); err != nil {
				t.Fatal(err)
			}
			q, err := resolve(id.ARN().String())
			if err != nil {
				t.Fatal(err)
			}
			if err := q.Allows(c.source); c.allowed && err != nil || !c.allowed && !errors.Is(err, fault.Denied) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAnEventThatAQueueDoesNotTakeIsFinal(t *testing.T) {
	queues, resolve := openQueues(t)
	id := queue.ID{Account: "000000000000", Region: "us-east-1", Name: "small"}
	if _, err := queues.Create(t.Context(), id, queue.Config{MaxBytes: 1024}); err != nil {
		t.Fatal(err)
	}
	q, err := resolve(id.ARN().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Deliver(t.Context(), delivery.Event{Body: make([]byte, 1025)}); !errors.Is(err, fault.TooLarge) {
		t.Errorf("got %v", err)
	}
	if _, err := q.Deliver(t.Context(), delivery.Event{Body: make([]byte, 1025), Unlimited: true}); err != nil {
		t.Errorf("of any size: %v", err)
	}
	if _, err := q.Deliver(t.Context(), delivery.Event{Body: make([]byte, 9<<20), Unlimited: true}); !errors.Is(err, fault.TooLarge) {
		t.Errorf("more than a log entry holds: %v", err)
	}
}

// A body that is unfinished is one for the queue too.
func TestAQueueIsToldThatABodyIsUnfinished(t *testing.T) {
	queues, resolve := openQueues(t)
	id := queue.ID{Account: "000000000000", Region: "us-east-1", Name: "q"}
	made, err := queues.Create(t.Context(), id, queue.Config{MaxBytes: 1024})
	if err != nil {
		t.Fatal(err)
	}
	q, err := resolve(id.ARN().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Deliver(t.Context(), delivery.Event{Body: []byte("b"), Unfinished: true}); err != nil {
		t.Fatal(err)
	}
	if got, err := made.Peek(t.Context(), queue.PeekRequest{}); err != nil || len(got) != 1 || !got[0].Unfinished {
		t.Errorf("it has %+v, %v", got, err)
	}
}

// What the runtime keeps for itself, as the outbox's own queue, is no target, whatever
// policies say: a message there could pass for an event that was accepted.
func TestQueuesOfTheRuntimeAreNoTargets(t *testing.T) {
	queues, _ := openQueues(t)
	resolve := target.Queues(func(id queue.ID) (target.Queue, error) { return queues.Get(id) }, true)
	id := queue.ID{Account: delivery.Reserved, Region: "local", Name: "q"}
	if _, err := queues.Create(t.Context(), id, queue.Config{MaxBytes: 1024}); err != nil {
		t.Fatal(err)
	}
	if _, err := resolve(id.ARN().String()); !delivery.IsFinal(err) {
		t.Errorf("got %v", err)
	}
}

// A server is an endpoint that answers as it is told to.
type server struct {
	arrived
	url string

	answer http.HandlerFunc // nil takes the event
}

func serve(t *testing.T) *server {
	s := &server{}
	hs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if s.answer != nil {
			s.answer(w, r)
			return
		}
		s.add(delivery.Event{Body: body, Headers: map[string]string{"Content-Type": r.Header.Get("Content-Type")}})
	}))
	t.Cleanup(func() {
		hs.CloseClientConnections()
		hs.Close()
	})
	s.url = hs.URL + "/events?secret=x"
	return s
}

func resolveEndpoint(name string) (delivery.Target, error) { return endpoints.Resolve(name) }

var endpoints = target.Endpoints(nil)

func TestEndpoints(t *testing.T) {
	deliverytest.Exercise(t, func(t *testing.T) deliverytest.Kit {
		s := serve(t)
		status := func(n int) func() {
			return func() { s.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(n) } }
		}
		return deliverytest.Kit{
			Resolve: resolveEndpoint, Name: s.url, Allowed: topic, Arrived: s.all,
			Wrong: []string{"", "http://", "http:///path", "ftp://localhost/", "http://[::1", "http://localhost:99999999999/", "https://user@:80/"},
			Gone:  status(404), Refuse: status(503), Heal: func() { s.answer = nil },
			Hang: func() { s.answer = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() } },
		}
	})
}

func TestEndpointStatuses(t *testing.T) {
	s := serve(t)
	e, err := endpoints.Resolve(s.url)
	if err != nil {
		t.Fatal(err)
	}
	for status, want := range map[int]string{
		200: "delivered", 204: "delivered", 299: "delivered", 301: "final", 307: "final", 400: "final", 403: "final", 404: "final",
		410: "final", 429: "again", 500: "again", 502: "again", 599: "again",
	} {
		s.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", s.url)
			w.WriteHeader(status)
		}
		reply, err := e.Deliver(t.Context(), delivery.Event{Body: []byte("{}")})
		got := "delivered"
		switch {
		case delivery.IsFinal(err):
			got = "final"
		case err != nil:
			got = "again"
		}
		if got != want || reply.Status != status {
			t.Errorf("status %d: %s, %v; want %s", status, got, err, want)
		}
	}
	if len(s.all()) > 0 {
		t.Error("a redirect was followed")
	}
}

// Whatever the way to it is called, the administration of a runtime is not posted to.
func TestTheRuntimesOwnPathsAreNoEndpoints(t *testing.T) {
	for _, path := range []string{
		"/_runtime", "/_runtime/", "/_runtime/reset", "//_runtime/reset", "/x/../_runtime/reset", "/%5Fruntime/reset", "/_runtime%2Freset", "/_runtime%2freset",
		"/.//_runtime/reset", "/%2e%2e/_runtime/reset", "/x/%2E%2E/%5f%72untime/reset", "/_runtime/?x=1", "/_runtime/#x", "/_runtime/../_runtime/x", "///%2F_runtime/",
	} {
		for _, host := range []string{
			"http://localhost:4566", "https://127.0.0.1", "http://other.example:80", "HTTP://LOCALHOST:4566", "http://user:password@localhost:4566",
			"http://a@b@localhost:4566", "http://[::1]:4566", "http://[::ffff:127.0.0.1]:4566", "http://[fe80::1%25lo]:4566", "http://0:4566", "http://2130706433:4566",
		} {
			if _, err := endpoints.Resolve(host + path); !errors.Is(err, fault.Denied) {
				t.Errorf("%s: %v", host+path, err)
			}
		}
	}
	for _, name := range []string{ // of which no host can be told
		"http:localhost:4566/_runtime/reset", "http:/localhost/_runtime/", "http:\\\\localhost:4566\\_runtime\\reset", "http://localhost:4566\\_runtime/reset",
	} {
		if _, err := endpoints.Resolve(name); !delivery.IsFinal(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := endpoints.Resolve("http://localhost:4566/_runtimes/x"); err != nil {
		t.Errorf("another path: %v", err)
	}
}

// An endless answer is read as far as it may go; endless headers are a failure.
func TestEndpointAnswersAreBounded(t *testing.T) {
	s := serve(t)
	e, err := endpoints.Resolve(s.url)
	if err != nil {
		t.Fatal(err)
	}
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}
	reply, err := e.Deliver(t.Context(), delivery.Event{})
	if err != nil || len(reply.Body) != 64<<10 {
		t.Errorf("an endless body: %d bytes, %v", len(reply.Body), err)
	}
	s.answer = func(w http.ResponseWriter, _ *http.Request) {
		for i := range 5000 {
			w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 100))
		}
	}
	if _, err := e.Deliver(t.Context(), delivery.Event{}); err == nil || delivery.IsFinal(err) {
		t.Errorf("endless headers: %v", err)
	}
}

// A status says all: an answer whose body never ends, or breaks off, is no reason to
// deliver again what the endpoint has.
func TestAnEndpointHasWhatItAnsweredFor(t *testing.T) {
	s := serve(t)
	e, err := endpoints.Resolve(s.url)
	if err != nil {
		t.Fatal(err)
	}
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "taken")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if reply, err := e.Deliver(ctx, delivery.Event{}); err != nil || reply.Status != 200 || string(reply.Body) != "taken" {
		t.Errorf("got %d, %q, %v", reply.Status, reply.Body, err)
	}
}

// A URL may hold a password, so no error does.
func TestErrorsDoNotHoldTheURL(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	e, err := endpoints.Resolve("http://user:password@" + l.Addr().String() + "/path?token=secret")
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Deliver(t.Context(), delivery.Event{})
	if err == nil || strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// No attempt makes a header out of what cannot be one.
func TestHeadersThatCannotBeSentAreFinal(t *testing.T) {
	s := serve(t)
	e, err := endpoints.Resolve(s.url)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"": "x", "X Y": "x", "X:": "x", "X-A": "x\r\nX-B: y", "X-C": "\x00", "X-Ü": "x"} {
		if _, err := e.Deliver(t.Context(), delivery.Event{Headers: map[string]string{name: value}}); !delivery.IsFinal(err) || strings.Contains(err.Error(), s.url) {
			t.Errorf("%q: %q: %v", name, value, err)
		}
	}
	if len(s.all()) > 0 {
		t.Error("one was sent")
	}
}
