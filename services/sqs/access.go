package sqs

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
	"millrace/runtime/policy"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// ownerOnlyActions are the actions that nobody but the account that owns the queue may
// call, whatever a policy says
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-overview-of-managing-access.html).
var ownerOnlyActions = map[string]bool{
	"AddPermission": true, "CancelMessageMoveTask": true, "CreateQueue": true, "DeleteQueue": true,
	"ListMessageMoveTasks": true, "ListQueues": true, "ListQueueTags": true, "RemovePermission": true,
	"SetQueueAttributes": true, "StartMessageMoveTask": true, "TagQueue": true, "UntagQueue": true,
}

// rootActions are the actions that the owning account's root may call even if the policy
// denies everything to everyone: otherwise such a policy could never be removed
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-tasks.html).
var rootActions = map[string]bool{"SetQueueAttributes": true, "GetQueueAttributes": true, "RemovePermission": true}

// authorize reports whether the caller may do the action to the queue: the account
// that owns it may unless its policy denies, others may if the policy allows.
// What an account's own identity policies say is not asked.
func (s *Service) authorize(c *identity.Caller, q *jetqueue.Queue, action string) error {
	if s.options.PoliciesOff {
		return nil
	}
	id := q.ID()
	owner := !c.Anonymous && c.Service == "" && c.Account == id.Account
	text := q.Config().Texts[policyAttribute]
	switch {
	case owner && text == "":
		return nil
	case owner && rootActions[action] && (c.Session == nil || c.Session.RoleARN == ""):
		return nil
	case !owner && ownerOnlyActions[action]:
		return s.denied(c, id, action, policy.NoMatch)
	}
	p := s.policies.of(id, text)
	if owner && !p.denies {
		return nil
	}
	decision := policy.NoMatch
	if p.doc != nil {
		decision = p.doc.Evaluate(policy.Request{
			Principal: c.Principal(), Action: "sqs:" + action, Resource: id.ARN().String(), Context: conditions(c, q),
		})
	}
	if decision == policy.Allowed || owner && decision == policy.NoMatch {
		return nil
	}
	return s.denied(c, id, action, decision)
}

// conditions are the condition keys of a call to a queue.
func conditions(c *identity.Caller, q *jetqueue.Queue) map[string][]string {
	keys := c.Conditions(time.Now())
	keys["aws:ResourceAccount"] = []string{q.ID().Account}
	for name, value := range q.Config().Tags {
		keys["aws:ResourceTag/"+name] = []string{value}
	}
	return keys
}

// signed refuses anonymous callers for account-level actions, which no policy can allow.
func (s *Service) signed(c *identity.Caller) error {
	if !c.Anonymous || s.options.PoliciesOff {
		return nil
	}
	return accessDenied("Access to the resource http://%s/ is denied.", c.Host)
}

func (s *Service) denied(c *identity.Caller, id queue.ID, action string, d policy.Decision) error {
	who := c.Principal().ARN
	if who == "" {
		return accessDenied("Access to the resource %s is denied.", s.options.URLs.url(*c, id))
	}
	action = "sqs:" + strings.ToLower(action)
	why := "because no resource-based policy allows the " + action + " action"
	if d == policy.Denied {
		why = "with an explicit deny in a resource-based policy"
	}
	return accessDenied("User: %s is not authorized to perform: %s on resource: %s %s", who, action, id.ARN(), why)
}

func accessDenied(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "AccessDeniedException", QueryCode: "AccessDenied", Status: 403, Message: fmt.Sprintf(format, args...)}
}

// MaySend reports whether an AWS service may send to a queue on behalf of a
// resource of one of its users: a topic, a bucket, a rule. The queue's policy
// must let it, whoever owns the queue. The error is fault.Denied, or
// fault.NotFound when there is no such queue.
func (s *Service) MaySend(to queue.ID, service, sourceARN, sourceAccount string) error {
	q, err := s.queues.Get(to)
	if err != nil {
		return err
	}
	c := identity.Caller{Region: to.Region, Service: service, SourceARN: sourceARN, SourceAccount: sourceAccount}
	if err := s.authorize(&c, q, "SendMessage"); err != nil {
		return fault.Wrap(fault.Denied, err, "%s may not send to %s for %s", service, to.ARN(), sourceARN)
	}
	return nil
}

// MayReceive reports whether a Lambda function of an account, which runs in a role,
// may take messages out of another account's queue: the queue's policy must let the
// role receive and delete messages, and ask for the queue's attributes
// (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-cross-account-example.html).
// The error is fault.Denied, or fault.NotFound when there is no such queue.
func (s *Service) MayReceive(from queue.ID, account, role, function string) error {
	q, err := s.queues.Get(from)
	if err != nil {
		return err
	}
	c := identity.Caller{Account: account, Region: from.Region}
	if a, err := arn.Parse(role); err == nil {
		name := a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]
		c.Session = &identity.Session{
			Account: a.Account, RoleARN: role, ARN: arn.New("sts", "", a.Account, "assumed-role/"+name+"/"+function).String(),
		}
	}
	for _, action := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
		if err := s.authorize(&c, q, action); err != nil {
			return fault.New(fault.Denied, "%v", err) // the words of SQS are not those of who asks
		}
	}
	return nil
}

// policies keep what was understood of queues' policies, since the same one is
// asked at every call.
type policies struct {
	mu   sync.RWMutex
	read map[queue.ID]understood
}

// manyPolicies is how many are kept at most.
const manyPolicies = 4096

type understood struct {
	text   string
	doc    *policy.Document // nil when nothing is said, or nothing that can be read
	denies bool             // it holds a Deny
}

func (p *policies) of(id queue.ID, text string) understood {
	if text == "" {
		return understood{}
	}
	p.mu.RLock()
	u, ok := p.read[id]
	p.mu.RUnlock()
	if ok && u.text == text {
		return u
	}
	u = understood{text: text}
	// One that was stored by an older version may be unreadable: it grants nothing.
	if doc, err := policy.Parse(text); err == nil {
		u.doc, u.denies = doc, doc.HasDeny()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.read == nil || len(p.read) >= manyPolicies {
		p.read = map[queue.ID]understood{}
	}
	p.read[id] = u
	return u
}
