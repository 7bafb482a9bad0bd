package jetqueue

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"millrace/runtime/queue"
)

// finishBodies completes the bodies of messages that were sent unfinished. That may
// take a millisecond of computing for each, so as many goroutines as can run do it.
func (q *Queue) finishBodies(messages []queue.ReceivedMessage) {
	if q.queues.finish == nil {
		return
	}
	var unfinished []*queue.ReceivedMessage
	for i := range messages {
		if messages[i].Unfinished {
			unfinished = append(unfinished, &messages[i])
		}
	}
	var taken atomic.Int64
	work := func() {
		for n := int(taken.Add(1)); n <= len(unfinished); n = int(taken.Add(1)) {
			q.finishBody(unfinished[n-1])
		}
	}
	var helpers sync.WaitGroup
	for range min(len(unfinished), runtime.GOMAXPROCS(0)) - 1 {
		helpers.Go(work)
	}
	work()
	helpers.Wait()
}

// finishBody completes one body. It stays as it is after a panic: a message that
// cannot be received would block those behind it.
func (q *Queue) finishBody(m *queue.ReceivedMessage) {
	defer func() {
		if p := recover(); p != nil {
			q.queues.log.Error("completing a message panicked; it is handed out as it was stored", "queue", q.id.Name, "message", m.MessageID, "value", fmt.Sprint(p))
		}
	}()
	m.Body, m.Unfinished = q.queues.finish(m.Body), false
}
