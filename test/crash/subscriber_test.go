package crash

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"millrace/test/crash/ledger"
)

// functionPath is where a function reports what it was given.
const functionPath = "/function"

// subscribers are web servers, one at each path, that subscribe to a topic. They fail with
// the first attempts of some messages, and with all of those that are cursed.
type subscribers struct {
	*httptest.Server
	t     *testing.T
	topic *testedTopic

	mu       sync.Mutex
	attempts map[string]int // by path and message
	all      map[string]*webSubscriber
}

type webSubscriber struct {
	name, arn  string // arn is "" until Subscribe was answered
	attributes map[string]string
	wants      func(ledger.Publication) bool
	token      string // "" until it came
	stays      bool   // pending: it does not confirm

	confirming, confirmed, leaving, left bool
}

func newSubscribers(t *testing.T, topic *testedTopic) *subscribers {
	s := &subscribers{t: t, topic: topic, attempts: map[string]int{}, all: map[string]*webSubscriber{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP takes what a topic or a function sends.
func (s *subscribers) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // its sender was killed
	}
	if r.URL.Path == functionPath {
		var event struct {
			Records []struct{ Sns struct{ Message string } }
		}
		if err := json.Unmarshal(body, &event); err != nil || len(event.Records) != 1 {
			s.t.Errorf("the function was given %q: %v", body, err)
			return
		}
		s.topic.books.Got(functionPath, event.Records[0].Sns.Message, "")
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if s.fails(name, r.Header.Get("x-amz-sns-message-id")) {
		rw.WriteHeader(http.StatusInternalServerError)
		return
	}
	switch what := r.Header.Get("x-amz-sns-message-type"); what {
	case "SubscriptionConfirmation":
		var document struct{ Token string }
		if err := json.Unmarshal(body, &document); err != nil || document.Token == "" {
			s.t.Errorf("%s was asked to confirm by %q: %v", name, body, err)
		}
		s.change(func() {
			if one := s.all[name]; one != nil {
				one.token = document.Token
			} else {
				s.t.Errorf("%s is asked to confirm what it did not subscribe to", name)
			}
		})
	case "Notification":
		message := messageOf(s.t, string(body))
		if read(message).Kind == cursed && name == "web" {
			rw.WriteHeader(http.StatusInternalServerError)
			return
		}
		s.topic.books.Got(name, message, "")
	case "UnsubscribeConfirmation":
	default:
		s.t.Errorf("%s got a message of the type %q", name, what)
	}
}

// fails reports whether an attempt is to fail: the first one or two of every third message.
// Then there are attempts left, whatever the runtime has counted.
func (s *subscribers) fails(name, message string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := name + " " + message
	s.attempts[key]++
	return message != "" && message[0]%3 == 0 && s.attempts[key] <= 1+int(message[1]%2)
}

func (s *subscribers) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// add subscribes a web server, again if it did; it reports whether that was answered.
func (s *subscribers) add(w *topicWorld, name string, attributes map[string]string, wants func(ledger.Publication) bool) bool {
	s.change(func() {
		if s.all[name] == nil {
			s.all[name] = &webSubscriber{name: name, attributes: attributes, wants: wants}
		}
	})
	out, err := w.sns.Subscribe(s.t.Context(), &sns.SubscribeInput{
		TopicArn: s.topic.arn, Protocol: aws.String("http"), Endpoint: aws.String(s.URL + "/" + name), Attributes: attributes, ReturnSubscriptionArn: true,
	})
	if !w.queue.must("Subscribe", err) {
		return false
	}
	s.change(func() { s.all[name].arn = *out.SubscriptionArn })
	return true
}

// comeAndGo has new web servers subscribe, who has a token confirm, and some of those that
// are confirmed leave. One in three only subscribes.
func (s *subscribers) comeAndGo(w *topicWorld, round int) {
	retry := map[string]string{
		"FilterPolicy":   onlyUrgent,
		"DeliveryPolicy": `{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":10,"numNoDelayRetries":2}}`,
	}
	for i := range 3 {
		name := fmt.Sprintf("web-%d-%d", round, i)
		if !s.add(w, name, retry, kind(urgent)) {
			return
		}
		s.change(func() { s.all[name].stays = i == 2 })
		if !s.confirm(w) || !s.leave(w, i == 1) {
			return
		}
	}
}

// confirm confirms what has a token and is to be confirmed. It returns false once a
// request was cut off.
func (s *subscribers) confirm(w *topicWorld) bool {
	for _, one := range s.choose(func(one *webSubscriber) bool { return one.token != "" && !one.stays && !one.confirmed }) {
		subscribed := s.topic.books.Subscribing(ledger.Subscriber{Name: one.name, Wants: one.wants})
		s.change(func() { s.all[one.name].confirming = true })
		out, err := w.sns.ConfirmSubscription(s.t.Context(), &sns.ConfirmSubscriptionInput{TopicArn: s.topic.arn, Token: &one.token})
		if !w.queue.must("ConfirmSubscription", err) {
			return false
		}
		subscribed()
		s.change(func() { s.all[one.name].confirmed, s.all[one.name].arn = true, *out.SubscriptionArn })
	}
	return true
}

// leave unsubscribes one that is confirmed, if it should, and those of whose leaving nothing
// was heard.
func (s *subscribers) leave(w *topicWorld, one bool) bool {
	for _, who := range s.choose(func(one *webSubscriber) bool { return one.confirmed && !one.left && one.name != "web" }) {
		if !who.leaving && !one {
			continue
		}
		if !who.leaving {
			one = false
		}
		left := s.topic.books.Leaving(who.name)
		s.change(func() { s.all[who.name].leaving = true })
		_, err := w.sns.Unsubscribe(s.t.Context(), &sns.UnsubscribeInput{SubscriptionArn: &who.arn})
		if !w.queue.must("Unsubscribe", err) {
			return false
		}
		left()
		s.change(func() { s.all[who.name].left = true })
	}
	return true
}

// choose returns what is known of those of whom so is true.
func (s *subscribers) choose(so func(*webSubscriber) bool) (all []webSubscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		if so(one) {
			all = append(all, *one)
		}
	}
	return all
}

func (s *subscribers) is(name string, so func(*webSubscriber) bool) bool {
	return len(s.choose(func(one *webSubscriber) bool { return one.name == name && so(one) })) > 0
}

func (s *subscribers) isConfirmed(name string) bool {
	return s.is(name, func(one *webSubscriber) bool { return one.confirmed })
}

// settled reports whether all that were subscribed for sure have their tokens, and are
// confirmed unless they stay pending.
func (s *subscribers) settled() bool {
	return len(s.choose(func(one *webSubscriber) bool {
		return one.arn != "" && (one.token == "" || !one.stays && !one.confirmed)
	})) == 0
}

func (s *subscribers) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// check finds the subscriptions as they were acknowledged. Nobody asks for anything
// meanwhile.
func (s *subscribers) check(w *topicWorld) {
	s.t.Helper()
	said := map[string]string{} // ARNs, by path
	pages := sns.NewListSubscriptionsByTopicPaginator(w.sns, &sns.ListSubscriptionsByTopicInput{TopicArn: s.topic.arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatalf("ListSubscriptionsByTopic: %v", err)
		}
		for _, sub := range page.Subscriptions {
			said[strings.TrimPrefix(*sub.Endpoint, s.URL+"/")] = *sub.SubscriptionArn
		}
	}
	for _, one := range s.choose(func(one *webSubscriber) bool { return one.arn != "" }) {
		got, there := said[one.name]
		switch {
		case one.left:
			if there {
				s.t.Errorf("%s has left, and is listed as %s", one.name, got)
			}
		case one.leaving:
		case !there:
			s.t.Errorf("the subscription of %s is gone", one.name)
		case one.confirmed && got != one.arn:
			s.t.Errorf("%s is confirmed as %s, and listed as %s", one.name, one.arn, got)
		case !one.confirming && got != "PendingConfirmation":
			s.t.Errorf("%s has not confirmed, and is listed as %s", one.name, got)
		}
	}
}
