package deliverypolicy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
)

const (
	fullRetry = `{"minDelayTarget":1,"maxDelayTarget":60,"numRetries":50,"numMaxDelayRetries":35,"numNoDelayRetries":3,"numMinDelayRetries":2,"backoffFunction":"exponential"}`
	fullTopic = `{"http":{"defaultHealthyRetryPolicy":` + fullRetry + `,"disableSubscriptionOverrides":false,"defaultThrottlePolicy":{"maxReceivesPerSecond":10},"defaultRequestPolicy":{"headerContentType":"application/json"}}}`
	fullSub   = `{"healthyRetryPolicy":` + fullRetry + `,"sicklyRetryPolicy":null,"throttlePolicy":{"maxReceivesPerSecond":10},"requestPolicy":{"headerContentType":"application/json"},"guaranteed":false}`
)

func topic(t testing.TB, text string) Topic {
	t.Helper()
	got, err := ParseTopic(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return got
}

func subscription(t testing.TB, text string) Subscription {
	t.Helper()
	got, err := ParseSubscription(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return got
}

func TestTopicsShowWhatWasGiven(t *testing.T) {
	for text, want := range map[string]string{
		fullTopic: fullTopic,
		`{ "http" : { "defaultRequestPolicy" : { "headerContentType" : "text/plain; charset=UTF-8" },
			"disableSubscriptionOverrides" : true } }`: `{"http":{"disableSubscriptionOverrides":true,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`,
		`{"http":{"defaultThrottlePolicy":null}}`: `{"http":{}}`,
		`{"http":null}`: `{}`,
		`{}`:            `{}`,
	} {
		if got := topic(t, text).String(); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestSubscriptionsShowNullForWhatIsMissing(t *testing.T) {
	for text, want := range map[string]string{
		fullSub: fullSub,
		`{"healthyRetryPolicy":{"maxDelayTarget":20,"minDelayTarget":5,"numRetries":5}}`: `{"healthyRetryPolicy":{"minDelayTarget":5,"maxDelayTarget":20,"numRetries":5,"numMaxDelayRetries":null,"numNoDelayRetries":null,"numMinDelayRetries":null,"backoffFunction":null},"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":null,"guaranteed":false}`,
		`{"throttlePolicy":{"maxReceivesPerSecond":2},"guaranteed":true}`:                `{"healthyRetryPolicy":null,"sicklyRetryPolicy":null,"throttlePolicy":{"maxReceivesPerSecond":2},"requestPolicy":null,"guaranteed":true}`,
		`{"requestPolicy":{"headerContentType":"text/csv"}}`:                             `{"healthyRetryPolicy":null,"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":{"headerContentType":"text/csv"},"guaranteed":false}`,
	} {
		if got := subscription(t, text).String(); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

// The sentences of SNS, as far as they are known.
func TestRefusals(t *testing.T) {
	retry := func(more string) string {
		return `{"minDelayTarget":1,"maxDelayTarget":2,"numRetries":3` + more + `}`
	}
	for text, want := range map[string]string{
		`{"minDelayTarget":0,"maxDelayTarget":0,"numRetries":0}`:                                   "minDelayTarget must be greater than or equal to 1",
		`{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":101}`:                                 "numRetries must be less than or equal to 100",
		`{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":-1}`:                                  "numRetries must be greater than or equal to 0",
		`{"minDelayTarget":1,"maxDelayTarget":3601,"numRetries":1}`:                                "maxDelayTarget must be less than or equal to 3600",
		`{"minDelayTarget":3,"maxDelayTarget":2,"numRetries":1}`:                                   "maxDelayTarget must be greater than or equal to minDelayTarget",
		`{"minDelayTarget":1,"numRetries":1}`:                                                      "maxDelayTarget must be specified",
		`{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":null}`:                                "numRetries must be specified",
		`{"minDelayTarget":1.5,"maxDelayTarget":2,"numRetries":1}`:                                 "minDelayTarget must be an integer",
		`{"minDelayTarget":"1","maxDelayTarget":2,"numRetries":1}`:                                 "minDelayTarget must be an integer",
		retry(`,"numNoDelayRetries":-1`):                                                           "numNoDelayRetries must be greater than or equal to 0",
		retry(`,"numNoDelayRetries":2,"numMinDelayRetries":2`):                                     "numRetries must be greater than or equal to total of numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries",
		retry(`,"numNoDelayRetries":9223372036854775807,"numMinDelayRetries":9223372036854775807`): "numRetries must be greater than or equal to total of numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries",
		retry(`,"backoffFunction":"random"`):                                                       "backoffFunction must be one of: linear, arithmetic, geometric, exponential",
		retry(`,"backoffFunction":7`):                                                              "backoffFunction must be a string",
		`7`:                                                                                        " must be a JSON object",
	} {
		for parse, path := range map[string]string{"topic": "http.defaultHealthyRetryPolicy", "subscription": "healthyRetryPolicy"} {
			var err error
			if parse == "topic" {
				_, err = ParseTopic(`{"http":{"defaultHealthyRetryPolicy":` + text + `}}`)
			} else {
				_, err = ParseSubscription(`{"healthyRetryPolicy":` + text + `}`)
			}
			dot := "."
			if strings.HasPrefix(want, " ") {
				dot = ""
			}
			if full := "DeliveryPolicy: " + path + dot + want; !errors.Is(err, fault.Invalid) || err.Error() != full {
				t.Errorf("%s: %s is refused with %v, want %s", parse, text, err, full)
			}
		}
	}
	for text, want := range map[string]string{
		``:                 "failed to parse JSON.",
		`{`:                "failed to parse JSON.",
		`[]`:               "failed to parse JSON.",
		`null`:             "failed to parse JSON.",
		`{} {}`:            "failed to parse JSON.",
		`{"throttle":1}`:   "Unexpected JSON member: throttle",
		`{"http":{}}`:      "Unexpected JSON member: http",
		`{"guaranteed":1}`: "guaranteed must be true or false",
		`{"throttlePolicy":{"maxReceivesPerSecond":0}}`:    "throttlePolicy.maxReceivesPerSecond must be greater than or equal to 1",
		`{"throttlePolicy":{"max":0}}`:                     "Unexpected JSON member: throttlePolicy.max",
		`{"requestPolicy":{"headerContentType":"text/x"}}`: "requestPolicy.headerContentType must be one of: " + strings.Join(subscriptionTypes, ", "),
	} {
		if _, err := ParseSubscription(text); !errors.Is(err, fault.Invalid) || err.Error() != "DeliveryPolicy: "+want {
			t.Errorf("%s is refused with %v, want %s", text, err, want)
		}
	}
	if _, err := ParseTopic(`{"throttlePolicy":{"maxReceivesPerSecond":1}}`); err == nil || err.Error() != "DeliveryPolicy: Unexpected JSON member: throttlePolicy" {
		t.Error(err)
	}
	if _, err := ParseTopic(`{"http":{"defaultRequestPolicy":{"headerContentType":"text/csv"}}}`); err == nil {
		t.Error("a topic takes a content type that is for raw messages")
	}
}

const defaults = `{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"}`

func TestEffectiveOfTopics(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:      `{"http":{"defaultHealthyRetryPolicy":` + defaults + `,"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`,
		fullTopic: fullTopic,
		`{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":5},"disableSubscriptionOverrides":true}}`: `{"http":{"defaultHealthyRetryPolicy":` + defaults + `,"disableSubscriptionOverrides":true,"defaultThrottlePolicy":{"maxReceivesPerSecond":5},"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`,
	} {
		given := topic(t, text)
		before := given.String()
		if got := given.Effective().String(); got != want {
			t.Errorf("%s has the effect %s, want %s", text, got, want)
		}
		if given.String() != before {
			t.Errorf("%s has become %s", before, given)
		}
	}
}

func TestEffectiveOfSubscriptions(t *testing.T) {
	plain := `{"healthyRetryPolicy":` + defaults + `,"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":{"headerContentType":"text/plain; charset=UTF-8"},"guaranteed":false}`
	locked := strings.Replace(fullTopic, "Overrides\":false", "Overrides\":true", 1)
	own := `{"healthyRetryPolicy":{"minDelayTarget":5,"maxDelayTarget":6,"numRetries":7},"requestPolicy":{"headerContentType":"text/csv"}}`
	for _, c := range []struct{ topic, sub, want string }{
		{`{}`, `{}`, plain},
		{fullTopic, `{}`, fullSub},
		{`{}`, fullSub, fullSub},
		{locked, own, fullSub},
		{fullTopic, own, `{"healthyRetryPolicy":{"minDelayTarget":5,"maxDelayTarget":6,"numRetries":7,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"sicklyRetryPolicy":null,"throttlePolicy":{"maxReceivesPerSecond":10},"requestPolicy":{"headerContentType":"text/csv"},"guaranteed":false}`},
	} {
		if got := Effective(topic(t, c.topic), subscription(t, c.sub)).String(); got != c.want {
			t.Errorf("%s under %s has the effect %s, want %s", c.sub, c.topic, got, c.want)
		}
	}
}

func TestContentTypes(t *testing.T) {
	const plain = "text/plain; charset=UTF-8"
	for header, want := range map[string]struct{ raw, envelope string }{
		"":                                {plain, plain},
		"text/plain":                      {"text/plain", "text/plain"},
		"application/json; charset=UTF-8": {"application/json; charset=UTF-8", "application/json; charset=UTF-8"},
		"text/plain; application/json":    {"text/plain; application/json", "text/plain; application/json"},
		"text/csv":                        {"text/csv", plain},
	} {
		var s Subscription
		if header != "" {
			s = subscription(t, `{"requestPolicy":{"headerContentType":"`+header+`"}}`)
		}
		if got := s.ContentType(true); got != want.raw {
			t.Errorf("%q of raw messages is %q", header, got)
		}
		if got := s.ContentType(false); got != want.envelope {
			t.Errorf("%q is %q", header, got)
		}
	}
	for _, bad := range []string{"", "text/plain\\r\\nX: y", "text/plain; \\u00e4", "text", "application/json,text/plain", strings.Repeat(" ", 300) + "text/css"} {
		if _, err := ParseSubscription(`{"requestPolicy":{"headerContentType":"` + bad + `"}}`); err == nil {
			t.Errorf("the content type %q is taken", bad)
		}
	}
}

// pauses are those between attempts, without jitter.
func pauses(b delivery.Backoff) (all []time.Duration, total time.Duration) {
	for n := 1; ; n++ {
		p, ok := b.Pause(n, 0)
		if !ok {
			return all, total
		}
		all, total = append(all, p), total+p
	}
}

func TestBackoff(t *testing.T) {
	all, total := pauses(subscription(t, fullSub).Backoff())
	if len(all) != 50 || all[0] != 0 || all[2] != 0 || all[3] != time.Second || all[5] != time.Second || all[14] != time.Minute || all[49] != time.Minute {
		t.Errorf("%d pauses: %v", len(all), all)
	}
	if total > time.Hour {
		t.Errorf("they take %v", total)
	}
	if all, total := pauses(Subscription{}.Backoff()); len(all) != 3 || total != time.Minute {
		t.Errorf("by default %v", all)
	}
	none := subscription(t, `{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":0}}`).Backoff()
	if all, _ := pauses(none); len(all) != 0 || none == nil {
		t.Errorf("no retries are %v", none)
	}
}

func TestBackoffEndsAfterAnHour(t *testing.T) {
	for _, c := range []struct {
		text string
		want int // pauses
	}{
		{`{"minDelayTarget":3600,"maxDelayTarget":3600,"numRetries":100}`, 1},
		{`{"minDelayTarget":60,"maxDelayTarget":60,"numRetries":100}`, 60},
		{`{"minDelayTarget":60,"maxDelayTarget":60,"numRetries":100,"numNoDelayRetries":10,"numMinDelayRetries":90}`, 70},
		{`{"minDelayTarget":1,"maxDelayTarget":3600,"numRetries":5,"backoffFunction":"linear"}`, 3},
		{`{"minDelayTarget":1,"maxDelayTarget":100,"numRetries":100,"numMaxDelayRetries":100}`, 36},
	} {
		all, total := pauses(subscription(t, `{"healthyRetryPolicy":`+c.text+`}`).Backoff())
		if len(all) != c.want || total > time.Hour {
			t.Errorf("%s pauses %d times, %v in all", c.text, len(all), total)
		}
	}
	// What is cut does not grow faster for it.
	all, _ := pauses(subscription(t, `{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":3600,"numRetries":5}}`).Backoff())
	if all[1].Round(time.Second) != 901*time.Second {
		t.Errorf("the second pause is %v", all[1])
	}
}

func TestFixedBackoffs(t *testing.T) {
	all, total := pauses(Managed())
	if len(all) != 100_015 || total < 23*24*time.Hour || total > 24*24*time.Hour {
		t.Errorf("queues and functions: %d pauses, %v", len(all), total)
	}
	if all, total = pauses(Customer()); len(all) != 50 || total < 6*time.Hour || total > 8*time.Hour {
		t.Errorf("mailboxes: %d pauses, %v", len(all), total)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{fullTopic, fullSub, `{}`, `{"http":{}}`, `{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":3600,"numRetries":100,"backoffFunction":"geometric"}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := ParseTopic(text); err == nil {
			if again := topic(t, p.String()); again.String() != p.String() {
				t.Errorf("%s becomes %s", p, again)
			}
			topic(t, p.Effective().String())
		}
		if p, err := ParseSubscription(text); err == nil {
			if again := subscription(t, p.String()); again.String() != p.String() {
				t.Errorf("%s becomes %s", p, again)
			}
			if all, total := pauses(p.Backoff()); len(all) > 100 || total > time.Hour {
				t.Errorf("%s: %d pauses, %v", p, len(all), total)
			}
		}
	})
}
