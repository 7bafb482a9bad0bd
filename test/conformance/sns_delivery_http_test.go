package conformance

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"millrace/test/patience"
	"millrace/test/testenv"
)

// A site is a web server that subscribes. It confirms nothing by itself.
type site struct {
	t   *testing.T
	url string
	got chan posted

	mu     sync.Mutex
	status []int // of the next answers; 200 when there is none left
}

// posted is what one request brought.
type posted struct {
	header http.Header
	body   string
}

func openSite(t *testing.T) *site {
	s := &site{t: t, got: make(chan posted, 100)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	status := http.StatusOK
	if len(s.status) > 0 {
		status, s.status = s.status[0], s.status[1:]
	}
	s.mu.Unlock()
	if status == http.StatusFound {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(status)
	s.got <- posted{r.Header, r.Method + " " + r.URL.Path + "\n" + string(body)}
}

// answer says how the next requests are answered.
func (s *site) answer(status ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

func (s *site) next(what string) (p posted, n notification) {
	s.t.Helper()
	p = patience.For(s.t, what, s.got, nil)
	line, body, _ := strings.Cut(p.body, "\n")
	wantEqual(s.t, "request", line, "POST /hook")
	p.body = body
	if strings.HasPrefix(body, "{") {
		n = readNotification(s.t, body)
	}
	return p, n
}

// visit follows a link as a subscriber does, without a signature.
func visit(t *testing.T, link string) string {
	t.Helper()
	r, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s\n%s", link, r.Status, body)
	}
	return string(body)
}

// soon is a delivery policy whose retries do not take long.
const soon = `{"healthyRetryPolicy":{"numRetries":3,"minDelayTarget":1,"maxDelayTarget":1,"numNoDelayRetries":3},"requestPolicy":{"headerContentType":"application/json"}}`

// An HTTP endpoint is asked to confirm, gets messages from then on, is tried again while
// it fails, and leaves by the link in a message, which it is told.
func TestTopicToHTTP(t *testing.T) {
	env := testenv.Start(t)
	p := createTopic(t, env, "orders", nil)
	s := openSite(t)
	subscription := p.subscribe("http", s.url+"/hook")
	post, n := s.next("the confirmation")
	wantHeaders(t, post.header, map[string]string{"X-Amz-Sns-Message-Type": "SubscriptionConfirmation", "X-Amz-Sns-Message-Id": n.MessageId, "X-Amz-Sns-Topic-Arn": p.arn,
		"X-Amz-Sns-Subscription-Arn": "", "Content-Type": "text/plain; charset=UTF-8", "User-Agent": "Amazon Simple Notification Service Agent"})
	wantEqual(t, "type", n.Type, "SubscriptionConfirmation")
	wantEqual(t, "link", n.SubscribeURL, env.Endpoint+"/?Action=ConfirmSubscription&TopicArn="+p.arn+"&Token="+n.Token)
	list, err := p.sdk.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &p.arn})
	if err != nil || len(list.Subscriptions) != 1 {
		t.Fatalf("ListSubscriptionsByTopic: %v, %v", list, err)
	}
	wantEqual(t, "in the list", *list.Subscriptions[0].SubscriptionArn, "PendingConfirmation")

	p.publish("too early")
	if body := visit(t, n.SubscribeURL); !strings.Contains(body, "<SubscriptionArn>"+subscription+"</SubscriptionArn>") {
		t.Errorf("the link answered %s", body)
	}
	p.setSubscription(subscription, "DeliveryPolicy", soon)
	sent := p.publish("hello", withSubject("s"), withText("a", "String", "v"))
	post, n = s.next("a message")
	wantEqual(t, "message", n.Type+" "+n.Message+" "+n.Subject+" "+n.MessageAttributes["a"].Value, "Notification hello s v")
	wantHeaders(t, post.header, map[string]string{"X-Amz-Sns-Message-Type": "Notification", "X-Amz-Sns-Message-Id": *sent.MessageId, "X-Amz-Sns-Topic-Arn": p.arn,
		"X-Amz-Sns-Subscription-Arn": subscription, "X-Amz-Sns-Rawdelivery": "", "Content-Type": "application/json"})

	s.answer(500, 429)
	p.publish("again and again")
	for range 3 {
		_, n = s.next("a message that was refused before")
		wantEqual(t, "message", n.Message, "again and again")
	}

	visit(t, n.UnsubscribeURL)
	_, n = s.next("the farewell")
	wantEqual(t, "type", n.Type, "UnsubscribeConfirmation")
	wantEqual(t, "message", n.Message, "You have chosen to deactivate subscription "+subscription+".\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message.")
	p.publish("after the end")
	visit(t, n.SubscribeURL)
	p.publish("restored")
	_, n = s.next("a message of the restored subscription")
	wantEqual(t, "message", n.Message, "restored")
}

// A raw message is the body alone; its headers say what it is.
func TestRawDeliveryToHTTP(t *testing.T) {
	env := testenv.Start(t)
	p := createTopic(t, env, "orders", nil)
	s := openSite(t)
	subscription := p.subscribe("http", s.url+"/hook", "RawMessageDelivery", "true", "DeliveryPolicy", soon)
	_, n := s.next("the confirmation")
	visit(t, n.SubscribeURL)
	sent := p.publish("<hello>", withTexts(11))
	post, _ := s.next("a message")
	wantEqual(t, "body", post.body, "<hello>")
	wantHeaders(t, post.header, map[string]string{"X-Amz-Sns-Rawdelivery": "true", "X-Amz-Sns-Message-Id": *sent.MessageId, "X-Amz-Sns-Subscription-Arn": subscription, "Content-Type": "application/json"})
}

// What an endpoint refuses for good, or too often, goes to the dead-letter queue: the body
// that it was sent. Nobody else waits for it.
func TestDeadLettersOfHTTP(t *testing.T) {
	env := testenv.Start(t)
	p := createTopic(t, env, "orders", nil)
	dead := create(t, env, "dead", nil)
	dead.set("Policy", fromTopic(queueARNs+"dead", p.arn))
	s := openSite(t)
	p.subscribe("http", s.url+"/hook", "DeliveryPolicy", soon, "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARNs+`dead"}`)
	_, n := s.next("the confirmation")
	visit(t, n.SubscribeURL)
	q, _ := p.feed("q")

	for _, c := range []struct {
		rule   string
		status []int
		tries  int
	}{
		{"not found", []int{404}, 1},
		{"moved", []int{302}, 1},
		{"broken", []int{500, 503, 429, 500}, 4},
	} {
		s.answer(c.status...)
		p.publish(c.rule)
		var post posted
		for range c.tries {
			post, n = s.next(c.rule)
			wantEqual(t, "message", n.Message, c.rule)
		}
		m := dead.receive(1, 20)
		if len(m) != 1 || *m[0].Body != post.body {
			t.Fatalf("%s: dead letters %v, want %s", c.rule, m, post.body)
		}
		if err := dead.delete(m[0]); err != nil {
			t.Fatal(err)
		}
	}
	wantEqual(t, "the queue beside it", q.messages(), "not found moved broken")
	s.answer()
	p.publish("well again")
	_, n = s.next("a message after failures")
	wantEqual(t, "message", n.Message, "well again")
}

// Who confirms with AuthenticateOnUnsubscribe keeps strangers from the link.
func TestAuthenticateOnUnsubscribe(t *testing.T) {
	env := testenv.Start(t)
	p := createTopic(t, env, "orders", nil)
	s := openSite(t)
	p.subscribe("http", s.url+"/hook")
	_, n := s.next("the confirmation")
	_, err := p.sdk.ConfirmSubscription(t.Context(), &sns.ConfirmSubscriptionInput{TopicArn: &p.arn, Token: &n.Token, AuthenticateOnUnsubscribe: aws.String("true")})
	if err != nil {
		t.Fatal(err)
	}
	p.publish("hello")
	_, n = s.next("a message")
	r, err := http.Get(n.UnsubscribeURL)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	wantEqual(t, "status of the link", r.StatusCode, 403)
	p.publish("still there")
	_, n = s.next("another message")
	wantEqual(t, "message", n.Message, "still there")
}

func wantHeaders(t *testing.T, got http.Header, want map[string]string) {
	t.Helper()
	for name, value := range want {
		wantEqual(t, "header "+name, got.Get(name), value)
	}
}

// Endpoints that hang keep nobody else waiting: neither publishers nor other subscribers.
func TestEndpointsThatHang(t *testing.T) {
	env := testenv.Start(t)
	p := createTopic(t, env, "orders", nil)
	release := make(chan struct{})
	hanging := make(chan struct{}, 100)
	var confirmed sync.Once
	link := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		first := false
		confirmed.Do(func() { first = true })
		if first {
			link <- readNotification(t, string(body)).SubscribeURL
			return
		}
		hanging <- struct{}{}
		<-release
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	p.subscribe("http", server.URL+"/hang")
	visit(t, patience.For(t, "the confirmation of the one that will hang", link, nil))

	s := openSite(t)
	p.subscribe("http", s.url+"/hook")
	_, n := s.next("the confirmation")
	visit(t, n.SubscribeURL)
	q, _ := p.feed("q")
	got := map[string]bool{}
	for i := range 10 {
		p.publish(string(rune('a' + i)))
	}
	for range 10 {
		_, n := s.next("a message beside one that hangs")
		got[n.Message] = true
	}
	wantEqual(t, "messages of the endpoint beside it", len(got), 10)
	wantEqual(t, "messages of the queue beside it", q.messages(), "a b c d e f g h i j")
	patience.For(t, "a request that hangs", hanging, nil)
}
