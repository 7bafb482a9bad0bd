package deliverypolicy

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"millrace/runtime/fault"
	"millrace/runtime/topic/envelope"
)

const (
	maxDelay   = 3600 // seconds
	maxRetries = 100
)

// ParseTopic reads and checks the delivery policy of a topic.
func ParseTopic(text string) (Topic, error) {
	var t Topic
	p := parser{types: topicTypes}
	o := p.document(text)
	o.allow("http")
	if h := o.object("http"); h != nil {
		h.allow("defaultHealthyRetryPolicy", "disableSubscriptionOverrides", "defaultThrottlePolicy", "defaultRequestPolicy")
		t.HTTP = &HTTP{
			Retry:            h.retry("defaultHealthyRetryPolicy"),
			DisableOverrides: h.boolean("disableSubscriptionOverrides"),
			Throttle:         h.throttle("defaultThrottlePolicy"),
			Request:          h.request("defaultRequestPolicy"),
		}
	}
	return t, p.err
}

// ParseSubscription reads and checks the delivery policy of a subscription. All content
// types are allowed: whether its messages are raw may change later, see
// Subscription.ContentType.
func ParseSubscription(text string) (Subscription, error) {
	p := parser{types: subscriptionTypes}
	o := p.document(text)
	o.allow("healthyRetryPolicy", "sicklyRetryPolicy", "throttlePolicy", "requestPolicy", "guaranteed")
	s := Subscription{
		Retry:    o.retry("healthyRetryPolicy"),
		Sickly:   o.retry("sicklyRetryPolicy"),
		Throttle: o.throttle("throttlePolicy"),
		Request:  o.request("requestPolicy"),
	}
	if g := o.boolean("guaranteed"); g != nil {
		s.Guaranteed = *g
	}
	return s, p.err
}

// A parser keeps the first thing that is wrong. What it is asked for after that is
// missing.
type parser struct {
	types []string // content types that are allowed
	err   error
}

func (p *parser) refuse(format string, args ...any) {
	if p.err == nil {
		p.err = fault.New(fault.Invalid, "DeliveryPolicy: "+format, args...)
	}
}

// An object is a JSON object of a policy.
type object struct {
	p       *parser
	path    string // "http.", "" for the whole
	members map[string]json.RawMessage
}

func (p *parser) document(text string) *object {
	o := &object{p: p}
	d := json.NewDecoder(strings.NewReader(text))
	if err := d.Decode(&o.members); err != nil || o.members == nil {
		p.refuse("failed to parse JSON.")
	} else if _, err := d.Token(); err != io.EOF {
		p.refuse("failed to parse JSON.")
	}
	return o
}

// allow refuses members that do not belong to an object.
func (o *object) allow(names ...string) {
	for _, name := range slices.Sorted(maps.Keys(o.members)) {
		if !slices.Contains(names, name) {
			o.p.refuse("Unexpected JSON member: %s", o.path+name)
		}
	}
}

// get returns a member; nil for one that is missing or null.
func (o *object) get(name string) json.RawMessage {
	if raw := o.members[name]; o.p.err == nil && !bytes.Equal(raw, []byte("null")) {
		return raw
	}
	return nil
}

func (o *object) object(name string) *object {
	raw := o.get(name)
	if raw == nil {
		return nil
	}
	in := &object{p: o.p, path: o.path + name + "."}
	if err := json.Unmarshal(raw, &in.members); err != nil {
		o.p.refuse("%s must be a JSON object", o.path+name)
		return nil
	}
	return in
}

func (o *object) boolean(name string) *bool {
	raw := o.get(name)
	if raw == nil {
		return nil
	}
	var b bool
	if err := json.Unmarshal(raw, &b); err != nil {
		o.p.refuse("%s must be true or false", o.path+name)
		return nil
	}
	return &b
}

func (o *object) text(name string) *string {
	raw := o.get(name)
	if raw == nil {
		return nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		o.p.refuse("%s must be a string", o.path+name)
		return nil
	}
	return &s
}

// integer reads a number that is at least least and, unless that is 0, at most most.
func (o *object) integer(name string, least, most int) *int {
	raw := o.get(name)
	if raw == nil {
		return nil
	}
	n, err := strconv.Atoi(string(raw))
	switch {
	case err != nil:
		o.p.refuse("%s must be an integer", o.path+name)
	case n < least:
		o.p.refuse("%s must be greater than or equal to %d", o.path+name, least)
	case most > 0 && n > most:
		o.p.refuse("%s must be less than or equal to %d", o.path+name, most)
	}
	return &n
}

func (o *object) retry(name string) *Retry {
	in := o.object(name)
	if in == nil {
		return nil
	}
	in.allow("minDelayTarget", "maxDelayTarget", "numRetries", "numMaxDelayRetries", "numNoDelayRetries", "numMinDelayRetries", "backoffFunction")
	for _, needed := range []string{"minDelayTarget", "maxDelayTarget", "numRetries"} {
		if in.get(needed) == nil {
			o.p.refuse("%s must be specified", in.path+needed)
		}
	}
	r := &Retry{
		MinDelay:        in.integer("minDelayTarget", 1, maxDelay),
		MaxDelay:        in.integer("maxDelayTarget", 1, maxDelay),
		Retries:         in.integer("numRetries", 0, maxRetries),
		MaxDelayRetries: in.integer("numMaxDelayRetries", 0, 0),
		NoDelayRetries:  in.integer("numNoDelayRetries", 0, 0),
		MinDelayRetries: in.integer("numMinDelayRetries", 0, 0),
		Function:        in.text("backoffFunction"),
	}
	if o.p.err != nil {
		return nil
	}
	if *r.MinDelay > *r.MaxDelay {
		o.p.refuse("%smaxDelayTarget must be greater than or equal to minDelayTarget", in.path)
	}
	left := *r.Retries // one after the other: sums may overflow
	for _, n := range []*int{r.MinDelayRetries, r.NoDelayRetries, r.MaxDelayRetries} {
		if n != nil && *n > left {
			o.p.refuse("%snumRetries must be greater than or equal to total of numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries", in.path)
			break
		} else if n != nil {
			left -= *n
		}
	}
	if r.Function != nil && !slices.Contains(functions, *r.Function) {
		o.p.refuse("%sbackoffFunction must be one of: %s", in.path, strings.Join(functions, ", "))
	}
	return r
}

var functions = []string{"linear", "arithmetic", "geometric", "exponential"}

func (o *object) throttle(name string) *Throttle {
	in := o.object(name)
	if in == nil {
		return nil
	}
	in.allow("maxReceivesPerSecond")
	return &Throttle{PerSecond: in.integer("maxReceivesPerSecond", 1, 0)}
}

func (o *object) request(name string) *Request {
	in := o.object(name)
	if in == nil {
		return nil
	}
	in.allow("headerContentType")
	r := &Request{ContentType: in.text("headerContentType")}
	if r.ContentType != nil && !isContentType(*r.ContentType, o.p.types) {
		o.p.refuse("%sheaderContentType must be one of: %s", in.path, strings.Join(o.p.types, ", "))
	}
	return r
}

// Content types that a policy may have, without their parameters. Amazon SNS Developer
// Guide, "Creating an HTTP/S delivery policy".
var (
	topicTypes        = []string{"application/json", "text/plain"}
	subscriptionTypes = []string{
		"application/atom+xml", "application/json", "application/octet-stream", "application/soap+xml",
		"application/x-www-form-urlencoded", "application/xhtml+xml", "application/xml",
		"text/css", "text/csv", "text/html", "text/plain", "text/xml",
	}
)

const maxContentType = 256 // bytes

// isContentType reports whether a header has one of some types. Parameters may follow.
func isContentType(header string, types []string) bool {
	kind, _, _ := strings.Cut(header, ";")
	visible := func(r rune) bool { return r < ' ' || r > '~' }
	return len(header) <= maxContentType && !strings.ContainsFunc(header, visible) &&
		slices.Contains(types, strings.ToLower(strings.TrimSpace(kind)))
}

// contentType is a content type for messages that are raw, or are not.
func contentType(header *string, raw bool) string {
	types := topicTypes
	if raw {
		types = subscriptionTypes
	}
	if header == nil || !isContentType(*header, types) {
		return envelope.DefaultContentType
	}
	return *header
}
