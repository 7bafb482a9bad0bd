package sqs

import (
	"slices"
	"sync"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/kit"
)

// perSecond is how many calls of one API action AWS serves on a FIFO queue, or
// in high-throughput mode for one of its groups
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
const perSecond = 300

// A throttle counts the calls of the second that it is. Batches are one call, as
// on AWS.
type throttle struct {
	mu     sync.Mutex
	second int64             // since 1970
	calls  map[allowance]int // in it
}

// An allowance is what has perSecond calls to itself. group is "" outside the
// high-throughput mode, and for actions that name no group.
type allowance struct {
	queue         queue.ID
	action, group string
}

// hasFIFOQuota reports whether an action has a quota on FIFO queues.
func hasFIFOQuota(action string) bool {
	switch action {
	case "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility":
		return true
	}
	return false
}

// spendGroupQuota spends a call of every group that messages are sent to, on a queue
// in high-throughput mode.
func (s *Service) spendGroupQuota(q *jetqueue.Queue, groups ...*string) error {
	if !s.options.FIFOThroughput || !q.ID().FIFO() || !q.Config().LimitPerGroup {
		return nil
	}
	var named []string
	for _, g := range groups {
		if !slices.Contains(named, kit.Value(g)) {
			named = append(named, kit.Value(g))
		}
	}
	return s.fifoQuota.spend(time.Now(), q.ID(), "SendMessage", named...)
}

// spend spends a call of each group's allowance, or of the queue's if there are
// none: of all, or of none and it is RequestThrottled.
func (t *throttle) spend(now time.Time, id queue.ID, action string, groups ...string) error {
	if len(groups) == 0 {
		groups = []string{""}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if second := now.Unix(); second != t.second || t.calls == nil {
		t.second, t.calls = second, map[allowance]int{}
	}
	for _, g := range groups {
		if t.calls[allowance{id, action, g}] >= perSecond {
			return api.ErrRequestThrottled("Request is throttled.")
		}
	}
	for _, g := range groups {
		t.calls[allowance{id, action, g}]++
	}
	return nil
}
