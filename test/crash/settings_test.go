package crash

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/test/needs"
)

// A change that was acknowledged is there after the kill, and one that was not
// is there or not: attributes, tags, permissions, policies, queues and secrets themselves.
func TestSettings(t *testing.T) {
	needs.Long(t)
	t.Parallel()
	tellSeed(t)
	s := newServer(t, "1s")
	c := &client{t: t, sdk: sqs.NewFromConfig(s.config()), urls: map[string]*string{}, killed: &atomic.Bool{}}
	settings := append(c.settings(), c.secrets(secretsmanager.NewFromConfig(s.config()))...)
	survive(t, s, c.killed, (*rounds+1)/2, func(round int) *sync.WaitGroup {
		return changing(t, settings, round)
	}, func(int) {
		for _, x := range settings {
			x.check(t)
		}
	})
	changes := 0
	for _, x := range settings {
		if x.changes == 0 {
			t.Errorf("%s was never changed", x.what)
		}
		changes += x.changes
	}
	t.Logf("%d changes, ready after %v at most", changes, s.starting)
}

// settings makes queues, and has something of each kind in them that can be set.
func (c *client) settings() []*setting {
	c.create("set", nil)
	c.create("set.fifo", nil)
	c.create("come-and-go", nil)
	return []*setting{
		{what: "visibility of set", next: number, change: c.setVisibility("set"), read: c.visibility("set"), known: "0"},
		{what: "visibility of set.fifo", next: number, change: c.setVisibility("set.fifo"), read: c.visibility("set.fifo"), known: "0"},
		{what: "tag of set", next: numberOrNone, change: c.tag("set"), read: c.tagged("set")},
		{what: "policy of set", next: numberOrNone, change: c.setPolicy("set"), read: c.policy("set")},
		{what: "permission of set.fifo", next: onOrOff, change: c.permit("set.fifo"), read: c.policy("set.fifo")},
		{what: "queue come-and-go", next: onOrOff, change: c.makeOrUnmake("come-and-go"), read: c.made("come-and-go"), known: "on"},
	}
}

// changing changes them all at once, until it is cut off.
func changing(t *testing.T, settings []*setting, round int) *sync.WaitGroup {
	var all sync.WaitGroup
	for _, x := range settings {
		d := dice(t, fmt.Sprintf("%s %d", x.what, round))
		all.Go(func() { x.keepChanging(d) })
	}
	return &all
}

// A setting is something with a value that one client changes and nobody else.
type setting struct {
	what   string
	next   func(d *rand.Rand, known string) string
	change func(to string) bool // false when it was cut off
	read   func() string

	known   string // what was acknowledged last, "" for not there
	wanted  string // what was asked since, if it was not acknowledged
	asked   bool
	changes int
}

// keepChanging gives the setting one value after the other, none included, until
// it is cut off.
func (x *setting) keepChanging(d *rand.Rand) {
	for {
		x.wanted, x.asked = x.next(d, x.known), true
		if !x.change(x.wanted) {
			return
		}
		x.known, x.asked = x.wanted, false
		x.changes++
	}
}

func number(d *rand.Rand, _ string) string { return strconv.Itoa(1 + d.IntN(40_000)) }

func numberOrNone(d *rand.Rand, known string) string {
	if known != "" && d.IntN(3) == 0 {
		return ""
	}
	return number(d, known)
}

func onOrOff(_ *rand.Rand, known string) string {
	if known != "" {
		return ""
	}
	return "on"
}

func (x *setting) check(t *testing.T) {
	switch got := x.read(); {
	case got == x.known:
	case x.asked && got == x.wanted:
		x.known = got
	case x.asked:
		t.Errorf("%s is %q; %q was acknowledged and then %q asked", x.what, got, x.known, x.wanted)
	default:
		t.Errorf("%s is %q, yet %q was acknowledged", x.what, got, x.known)
	}
	x.asked = false
}

func (c *client) setAttribute(queue, name, value string) bool {
	_, err := c.sdk.SetQueueAttributes(c.t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: c.urls[queue], Attributes: map[string]string{name: value},
	})
	return c.must("SetQueueAttributes", err)
}

func (c *client) attribute(queue string, name types.QueueAttributeName) string {
	out, err := c.sdk.GetQueueAttributes(c.t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: c.urls[queue], AttributeNames: []types.QueueAttributeName{name},
	})
	if err != nil {
		c.t.Errorf("GetQueueAttributes: %v", err)
		return ""
	}
	return out.Attributes[string(name)]
}

func (c *client) setVisibility(queue string) func(string) bool {
	return func(to string) bool { return c.setAttribute(queue, "VisibilityTimeout", to) }
}

func (c *client) visibility(queue string) func() string {
	return func() string { return c.attribute(queue, types.QueueAttributeNameVisibilityTimeout) }
}

func (c *client) tag(queue string) func(string) bool {
	return func(to string) bool {
		if to == "" {
			_, err := c.sdk.UntagQueue(c.t.Context(), &sqs.UntagQueueInput{QueueUrl: c.urls[queue], TagKeys: []string{"owner"}})
			return c.must("UntagQueue", err)
		}
		_, err := c.sdk.TagQueue(c.t.Context(), &sqs.TagQueueInput{QueueUrl: c.urls[queue], Tags: map[string]string{"owner": to}})
		return c.must("TagQueue", err)
	}
}

func (c *client) tagged(queue string) func() string {
	return func() string {
		out, err := c.sdk.ListQueueTags(c.t.Context(), &sqs.ListQueueTagsInput{QueueUrl: c.urls[queue]})
		if err != nil {
			c.t.Errorf("ListQueueTags: %v", err)
			return ""
		}
		return out.Tags["owner"]
	}
}

// setPolicy sets a policy whose only statement has the value as its Sid.
func (c *client) setPolicy(queue string) func(string) bool {
	return func(to string) bool {
		if to == "" {
			return c.setAttribute(queue, "Policy", "")
		}
		return c.setAttribute(queue, "Policy", fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":%q,"Effect":"Deny",`+
			`"Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"SQS:SendMessage","Resource":%q}]}`, to, *arnOf(queue)))
	}
}

// permit adds a permission whose label, and so the Sid of its statement, is the
// value, or takes it away.
func (c *client) permit(queue string) func(string) bool {
	return func(to string) bool {
		if to == "" {
			_, err := c.sdk.RemovePermission(c.t.Context(), &sqs.RemovePermissionInput{QueueUrl: c.urls[queue], Label: aws.String("on")})
			return c.must("RemovePermission", err)
		}
		_, err := c.sdk.AddPermission(c.t.Context(), &sqs.AddPermissionInput{
			QueueUrl: c.urls[queue], Label: &to, AWSAccountIds: []string{"111111111111"}, Actions: []string{"SendMessage"},
		})
		return c.must("AddPermission", err)
	}
}

// policy reads the Sid of the only statement of a queue's policy.
func (c *client) policy(queue string) func() string {
	return func() string {
		text := c.attribute(queue, types.QueueAttributeNamePolicy)
		if text == "" {
			return ""
		}
		var policy struct{ Statement []struct{ Sid string } }
		if err := json.Unmarshal([]byte(text), &policy); err != nil || len(policy.Statement) != 1 {
			c.t.Errorf("the policy of %s is %s", queue, text)
			return ""
		}
		return policy.Statement[0].Sid
	}
}

func (c *client) makeOrUnmake(queue string) func(string) bool {
	return func(to string) bool {
		if to == "" {
			_, err := c.sdk.DeleteQueue(c.t.Context(), &sqs.DeleteQueueInput{QueueUrl: c.urls[queue]})
			return c.must("DeleteQueue", err)
		}
		_, err := c.sdk.CreateQueue(c.t.Context(), &sqs.CreateQueueInput{QueueName: &queue})
		return c.must("CreateQueue", err)
	}
}

func (c *client) made(queue string) func() string {
	return func() string {
		_, err := c.sdk.GetQueueUrl(c.t.Context(), &sqs.GetQueueUrlInput{QueueName: &queue})
		if none := (*types.QueueDoesNotExist)(nil); errors.As(err, &none) {
			return ""
		}
		if err != nil {
			c.t.Errorf("GetQueueUrl: %v", err)
			return ""
		}
		return "on"
	}
}
