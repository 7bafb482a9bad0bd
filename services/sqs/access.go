package sqs

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/policy"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
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

// authorize returns nil if the caller may perform the action on the queue: the account
// that owns it may unless its policy denies, others may if the policy allows. What an
// account's own identity policies say is not evaluated.
func (s *Service) authorize(c *identity.Caller, q *jetqueue.Queue, action string) error {
	if s.options.PoliciesOff {
		return nil
	}
	id, cfg := q.ID(), q.Config()
	owner := !c.Anonymous && c.Account == id.Account
	switch {
	case owner && cfg.Texts[queue.PolicyText] == "":
		return nil
	case owner && rootActions[action] && (c.Session == nil || c.Session.RoleARN == ""):
		return nil
	case !owner && ownerOnlyActions[action]:
		return s.denied(c, id, action, false)
	}
	err := s.access.Authorize(id, cfg, c.Principal(), "sqs:"+action, c.Context(time.Now))
	var d *policy.DeniedError
	if !errors.As(err, &d) {
		return err
	}
	return s.denied(c, id, action, d.Explicit)
}

// signed refuses anonymous callers for account-level actions, which no policy can allow.
func (s *Service) signed(c *identity.Caller) error {
	if !c.Anonymous || s.options.PoliciesOff {
		return nil
	}
	return accessDenied("Access to the resource http://%s/ is denied.", c.Host)
}

func (s *Service) denied(c *identity.Caller, id queue.ID, action string, explicit bool) error {
	who := c.Principal().ARN
	if who == "" {
		return accessDenied("Access to the resource %s is denied.", s.options.URLs.url(*c, id))
	}
	return accessDenied("%s", kit.Unauthorized(who, "sqs:"+strings.ToLower(action), id.ARN().String(), explicit))
}

func accessDenied(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "AccessDeniedException", QueryCode: "AccessDenied", Status: 403, Message: fmt.Sprintf(format, args...)}
}

// MayReceive returns nil if a Lambda function of an account, which runs in a role, may
// take messages from another account's queue: the queue's policy must allow the role to
// receive and delete messages, and to read the queue's attributes
// (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-cross-account-example.html).
// The error is fault.Denied, or fault.NotFound when there is no such queue.
func (s *Service) MayReceive(from queue.ID, account, role, function string) error {
	q, err := s.queues.Get(from)
	if err != nil {
		return err
	}
	c := identity.Caller{Account: account, Region: from.Region}
	if p, ok := policy.RolePrincipal(role, function); ok {
		c.Session = &identity.Session{Account: p.Account, RoleARN: role, ARN: p.ARN}
	}
	for _, action := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
		if err := s.authorize(&c, q, action); err != nil {
			return fault.New(fault.Denied, "%v", err) // the code of SQS's error is not Lambda's
		}
	}
	return nil
}
