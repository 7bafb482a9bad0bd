package deliverypolicy

import (
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/topic/envelope"
)

// jitter is the share of a pause that chance may take off. SNS has jitter, and does not say
// how much.
const jitter = 0.1

// longest is how long the retries of an HTTP delivery may take in all.
const longest = 3600 * time.Second

// defaultRetry is the retry policy of HTTP endpoints unless somebody says otherwise.
func defaultRetry() *Retry {
	return &Retry{
		MinDelay: new(20), MaxDelay: new(20), Retries: new(3),
		MaxDelayRetries: new(0), NoDelayRetries: new(0), MinDelayRetries: new(0), Function: new("linear"),
	}
}

// whole is a retry policy with the members that it lacks.
func (r *Retry) whole() *Retry {
	w := defaultRetry()
	if r == nil {
		return w
	}
	for _, m := range []struct{ to, from **int }{
		{&w.MinDelay, &r.MinDelay}, {&w.MaxDelay, &r.MaxDelay}, {&w.Retries, &r.Retries},
		{&w.MaxDelayRetries, &r.MaxDelayRetries}, {&w.NoDelayRetries, &r.NoDelayRetries}, {&w.MinDelayRetries, &r.MinDelayRetries},
	} {
		if *m.from != nil {
			*m.to = *m.from
		}
	}
	if r.Function != nil {
		w.Function = r.Function
	}
	return w
}

func (r *Request) whole() *Request {
	if r == nil || r.ContentType == nil {
		return &Request{ContentType: new(envelope.DefaultContentType)}
	}
	return r
}

func (t Topic) http() HTTP {
	if t.HTTP == nil {
		return HTTP{}
	}
	return *t.HTTP
}

// Effective is what holds for endpoints that have no policy of their own. Its String is
// the attribute EffectiveDeliveryPolicy of the topic.
func (t Topic) Effective() Topic {
	h := t.http()
	h.Retry, h.Request = h.Retry.whole(), h.Request.whole()
	if h.DisableOverrides == nil {
		h.DisableOverrides = new(false)
	}
	return Topic{HTTP: &h}
}

// Effective is what holds for an endpoint: of each part, what the subscription says, or
// else the topic, or else SNS. Its String is the attribute EffectiveDeliveryPolicy of the
// subscription. Nothing of a subscription counts when its topic disables overrides.
func Effective(t Topic, s Subscription) Subscription {
	h := t.http()
	if h.DisableOverrides != nil && *h.DisableOverrides {
		s = Subscription{}
	}
	if s.Retry == nil {
		s.Retry = h.Retry
	}
	if s.Throttle == nil {
		s.Throttle = h.Throttle
	}
	if s.Request == nil {
		s.Request = h.Request
	}
	s.Retry, s.Request = s.Retry.whole(), s.Request.whole()
	return s
}

// PerSecond is how many messages an endpoint gets in a second, on average; 0 for no bound.
func (s Subscription) PerSecond() int {
	if s.Throttle == nil || s.Throttle.PerSecond == nil {
		return 0
	}
	return *s.Throttle.PerSecond
}

// ContentType is the Content-Type of requests to the endpoint. Messages that are not raw
// are JSON or plain text, whatever the policy says.
func (s Subscription) ContentType(raw bool) string {
	return contentType(s.Request.whole().ContentType, raw)
}

// Backoff is the pauses between attempts at an endpoint. They end after an hour.
func (s Subscription) Backoff() delivery.Backoff {
	r := s.Retry.whole()
	least, most := time.Duration(*r.MinDelay)*time.Second, time.Duration(*r.MaxDelay)*time.Second
	growing := *r.Retries - *r.NoDelayRetries - *r.MinDelayRetries - *r.MaxDelayRetries
	phases := delivery.Backoff{
		{Times: *r.NoDelayRetries},
		{Times: *r.MinDelayRetries, First: least, Last: least},
		{Times: growing, First: least, Last: most, Curve: delivery.Curve(*r.Function)},
		{Times: *r.MaxDelayRetries, First: most, Last: most},
	}
	b := delivery.Backoff{} // and not nil: that would be the sender's own
	for _, p := range phases {
		if p.Times > 0 {
			p.Jitter = jitter
			if p.First == 0 {
				p.Jitter = 0
			}
			b = append(b, p)
		}
	}
	return within(b, longest)
}

// within ends pauses before they take longer than a time.
func within(b delivery.Backoff, longest time.Duration) delivery.Backoff {
	n, total := 1, time.Duration(0)
	for i, p := range b {
		for k := range p.Times {
			pause, _ := b.Pause(n, 0)
			if total += pause; total > longest {
				return cut(b[:i], p, k)
			}
			n++
		}
	}
	return b
}

// cut ends a back-off after some pauses of its last phase.
func cut(before delivery.Backoff, last delivery.Phase, times int) delivery.Backoff {
	b := before[:len(before):len(before)]
	whole := delivery.Backoff{last}
	for n := 1; n <= times; n++ { // one by one: fewer pauses would grow faster
		pause, _ := whole.Pause(n, 0)
		b = append(b, delivery.Phase{Times: 1, First: pause, Last: pause, Jitter: last.Jitter})
	}
	return b
}

// Managed is the pauses between attempts at what AWS runs: queues and functions. 100,015
// retries take 23 days.
func Managed() delivery.Backoff {
	return delivery.Backoff{
		{Times: 3},
		{Times: 2, First: time.Second, Last: time.Second, Jitter: jitter},
		{Times: 10, First: time.Second, Last: 20 * time.Second, Curve: delivery.Exponential, Jitter: jitter},
		{Times: 100_000, First: 20 * time.Second, Last: 20 * time.Second, Jitter: jitter},
	}
}

// Customer is the pauses between attempts at mailboxes, telephones and apps. 50 retries
// take six hours.
func Customer() delivery.Backoff {
	return delivery.Backoff{
		{Times: 2, First: 10 * time.Second, Last: 10 * time.Second, Jitter: jitter},
		{Times: 10, First: 10 * time.Second, Last: 10 * time.Minute, Curve: delivery.Exponential, Jitter: jitter},
		{Times: 38, First: 10 * time.Minute, Last: 10 * time.Minute, Jitter: jitter},
	}
}
