package crash

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"millrace/test/crash/ledger"
	"millrace/test/needs"
	"millrace/test/patience"
)

// Messages wander: receivers fail them down a chain of dead-letter queues, while
// message move tasks take them back and anywhere else. What was sent and not
// deleted is in one of the queues, once, after every kill; and tasks that were
// acknowledged are known.
func TestMoves(t *testing.T) {
	needs.Long(t)
	for _, suffix := range []string{"", ".fifo", "-encrypted"} {
		t.Run("wander"+suffix, func(t *testing.T) {
			t.Parallel()
			tellSeed(t)
			s := newServer(t, "1s")
			w := newWanderers(t, s, suffix)
			if suffix == "-encrypted" {
				w.encrypt(s)
			}
			survive(t, s, &w.killed, (*rounds+1)/2, w.crowd, func(int) {
				w.census.Restarted()
				w.count()
				w.checkTasks()
			})
			found := w.drain()
			if err := w.census.Err(); err != nil {
				t.Error(err)
			}
			if w.moved == 0 {
				t.Error("no task moved anything")
			}
			t.Logf("%d tasks were started, messages found in the end: %v, ready after %v at most", w.tasks, found, s.starting)
		})
	}
}

// wanderers are clients of a chain of queues: dead letters of work go to dead,
// those of dead to deeper, and those of deeper to deepest.
type wanderers struct {
	*client
	suffix string
	census *ledger.Census
	killed atomic.Bool

	mu     sync.Mutex
	tasks  int                 // acknowledged
	moved  int64               // messages, by tasks that were listed
	latest map[string]*started // by queue: its latest task
}

// A started task was acknowledged, and no other was tried on its queue since.
type started struct {
	handle    string
	cancelled bool // and that was acknowledged too
}

func newWanderers(t *testing.T, s *server, suffix string) *wanderers {
	w := &wanderers{suffix: suffix, census: ledger.NewCensus(), latest: map[string]*started{}}
	w.client = &client{t: t, sdk: sqs.NewFromConfig(s.config()), urls: map[string]*string{}, killed: &w.killed}
	w.create("deepest"+suffix, nil)
	w.create("deeper"+suffix, redrive("deepest"+suffix, 1))
	w.create("dead"+suffix, redrive("deeper"+suffix, 1))
	w.create("work"+suffix, redrive("dead"+suffix, 1))
	return w
}

// encrypt has each queue use a KMS key of its own.
func (w *wanderers) encrypt(s *server) {
	for _, queue := range w.queues() {
		key, err := kms.NewFromConfig(s.config()).CreateKey(w.t.Context(), &kms.CreateKeyInput{})
		if err != nil {
			w.t.Fatalf("CreateKey: %v", err)
		}
		if !w.setAttribute(queue, "KmsMasterKeyId", *key.KeyMetadata.KeyId) {
			w.t.Fatalf("%s cannot be encrypted", queue)
		}
	}
}

func (w *wanderers) queues() []string {
	return []string{"work" + w.suffix, "dead" + w.suffix, "deeper" + w.suffix, "deepest" + w.suffix}
}

func (w *wanderers) crowd(round int) *sync.WaitGroup {
	var all sync.WaitGroup
	for i := range 2 {
		name := fmt.Sprintf("%d-%d", round, i)
		all.Go(func() { w.keepSending(dice(w.t, "send "+name), name) })
		all.Go(func() { w.keepFailing(dice(w.t, "work "+name), "work"+w.suffix) })
		all.Go(func() { w.keepMoving(dice(w.t, "move "+name)) })
	}
	for _, queue := range w.queues()[1:3] {
		all.Go(func() { w.keepFailing(dice(w.t, fmt.Sprintf("%s %d", queue, round)), queue) })
	}
	return &all
}

func (w *wanderers) keepSending(d *rand.Rand, name string) {
	const enough = 30 // batches a round; more would only take long to drain
	for i := range enough {
		var bodies []string
		var sent []func()
		for k := range 10 {
			bodies = append(bodies, fmt.Sprintf("%s-%d-%d %s", name, i, k, strings.Repeat("x", d.IntN(500))))
			sent = append(sent, w.census.Sending(bodies[k]))
		}
		if !w.post("work"+w.suffix, name, bodies...) {
			return
		}
		for _, acknowledged := range sent {
			acknowledged()
		}
	}
}

// keepFailing receives and lets go at once, so that dead letters come of it;
// sometimes it deletes instead.
func (w *wanderers) keepFailing(d *rand.Rand, queue string) {
	for {
		hide := time.Duration(d.IntN(2)) * briefly
		began := time.Now()
		got, ok := w.take(queue, hide, 0)
		if !ok {
			return
		}
		for _, m := range got {
			switch {
			case hide > 0 && d.IntN(4) == 0:
				deleted := w.census.Deleting(*m.Body)
				done, ok := w.remove(queue, m)
				if !ok {
					return
				}
				deleted(done && time.Since(began) < hide)
			case hide > 0:
				if !w.release(queue, m) {
					return
				}
			}
		}
		if len(got) == 0 {
			time.Sleep(time.Duration(d.IntN(5)) * time.Millisecond) // leave the tasks something
		}
	}
}

// keepMoving starts tasks, and cancels some.
func (w *wanderers) keepMoving(d *rand.Rand) {
	for {
		source := w.queues()[1+d.IntN(3)]
		in := &sqs.StartMessageMoveTaskInput{SourceArn: arnOf(source)}
		// Tasks that take from each other keep busy until the kill; the others take
		// messages back to where they came from.
		if to := w.queues()[1+d.IntN(3)]; to != source {
			in.DestinationArn = arnOf(to)
		}
		slow := d.IntN(4) == 0
		if slow {
			in.MaxNumberOfMessagesPerSecond = aws.Int32(int32(100 + d.IntN(401)))
		}
		task, ok := w.startTask(source, in)
		if !ok {
			return
		}
		time.Sleep(time.Duration(d.IntN(20)) * time.Millisecond)
		if task != nil && (slow || d.IntN(10) == 0) && !w.cancelTask(task) { // a slow one would keep others away
			return
		}
	}
}

// startTask returns a nil task when another one is active.
func (w *wanderers) startTask(source string, in *sqs.StartMessageMoveTaskInput) (*started, bool) {
	w.mu.Lock() // so that the latest answer is of the latest task
	defer w.mu.Unlock()
	was := w.latest[source]
	delete(w.latest, source)
	out, err := w.sdk.StartMessageMoveTask(w.t.Context(), in)
	refused, ok := w.served("StartMessageMoveTask", err)
	if refused != nil {
		if !strings.Contains(refused.Error(), "There is already a task running.") {
			w.t.Errorf("StartMessageMoveTask was refused: %v", refused)
		}
		w.latest[source] = was
	}
	if refused != nil || !ok {
		return nil, ok
	}
	w.tasks++
	task := &started{handle: *out.TaskHandle}
	w.latest[source] = task
	return task, true
}

func (w *wanderers) cancelTask(task *started) bool {
	_, err := w.sdk.CancelMessageMoveTask(w.t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: &task.handle})
	refused, ok := w.served("CancelMessageMoveTask", err)
	if refused != nil {
		w.known(refused)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	task.cancelled = ok && refused == nil
	return ok
}

// known holds an error against the rule that an acknowledged task is not
// forgotten: it may have ended, no more.
func (w *wanderers) known(refused error) {
	var none *types.ResourceNotFoundException
	if errors.As(refused, &none) {
		w.t.Errorf("a task that was acknowledged is not known: %v", refused)
	}
}

// count waits until the queues hold together what they must: a message on its
// way from one to another is in neither for a moment.
func (w *wanderers) count() {
	least, most := w.census.Size()
	total := 0
	patience.Until(w.t, fmt.Sprintf("%d to %d messages, which were sent and not deleted", least, most), func() bool {
		n := w.counts(w.queues()...)
		total = n.Visible + n.InFlight + n.Delayed
		return total >= least && total <= most
	}, func() any { return total })
}

// checkTasks holds the tasks against what was acknowledged before the kill.
func (w *wanderers) checkTasks() {
	for source, task := range w.latest {
		if task == nil {
			continue
		}
		listed := w.list(source)
		if len(listed) == 0 {
			w.t.Errorf("%s has no tasks, though one was acknowledged", source)
		}
		if task.cancelled && slices.ContainsFunc(listed, func(e types.ListMessageMoveTasksResultEntry) bool {
			return aws.ToString(e.TaskHandle) == task.handle && aws.ToString(e.Status) == "RUNNING"
		}) {
			w.t.Errorf("a task of %s runs, though its cancelling was acknowledged", source)
		}
		_, err := w.sdk.CancelMessageMoveTask(w.t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: &task.handle})
		var answer smithy.APIError
		switch {
		case err == nil && task.cancelled:
			w.t.Errorf("a task of %s could be cancelled twice", source)
		case err != nil && !errors.As(err, &answer):
			w.t.Errorf("CancelMessageMoveTask: %v", err)
		case err != nil:
			w.known(err)
		}
	}
	clear(w.latest)
}

func (w *wanderers) list(source string) []types.ListMessageMoveTasksResultEntry {
	out, err := w.sdk.ListMessageMoveTasks(w.t.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: arnOf(source), MaxResults: aws.Int32(10)})
	if err != nil {
		w.t.Errorf("ListMessageMoveTasks of %s: %v", source, err)
		return nil
	}
	return out.Results
}

// drain ends the tasks and takes everything out of the queues, the first of the
// chain first: what is spent there goes down it. It counts what it found where.
func (w *wanderers) drain() map[string]int {
	found := map[string]int{}
	for _, source := range w.queues()[1:] {
		patience.Until(w.t, "the tasks of "+source+" to end", func() bool { return !w.running(source) }, func() any { return w.list(source) })
	}
	var left ledger.Counts // what unanswered receives hid comes back
	patience.Until(w.t, "empty queues", func() bool {
		for _, queue := range w.queues() {
			w.empty(queue, func(body string) {
				w.census.Found(body)
				found[queue]++
			})
		}
		left = w.counts(w.queues()...)
		return left == ledger.Counts{}
	}, func() any { return fmt.Sprintf("%+v", left) })
	return found
}

// running tells that a task has not ended, and cancels it; one that has, ended in
// a lawful way.
func (w *wanderers) running(source string) bool {
	for i, e := range w.list(source) {
		w.moved += e.ApproximateNumberOfMessagesMoved
		reason := aws.ToString(e.FailureReason)
		switch status := aws.ToString(e.Status); status {
		case "RUNNING", "CANCELLING":
			if i > 0 {
				w.t.Errorf("an older task of %s is %s", source, status)
			}
			if e.TaskHandle != nil {
				w.cancelTask(&started{handle: *e.TaskHandle})
			}
			return true
		case "COMPLETED", "CANCELLED":
		case "FAILED": // what a task has taken somewhere came from nowhere
			if reason != "CouldNotDetermineMessageSource" {
				w.t.Errorf("a task of %s failed because of %s", source, reason)
			}
		default:
			w.t.Errorf("a task of %s is %q", source, status)
		}
	}
	return false
}

// One task goes on over all kills until it has moved everything, once, and keeps
// its name, its start and its count.
func TestATaskGoesOn(t *testing.T) {
	needs.Long(t)
	t.Parallel()
	tellSeed(t)
	s := newServer(t, "1s")
	w := newWanderers(t, s, "")
	const rate = 500
	total := 0
	for i := range 30 * (*rounds + 1) {
		var bodies []string
		var sent []func()
		for k := range 10 {
			bodies = append(bodies, fmt.Sprintf("%d-%d", i, k))
			sent = append(sent, w.census.Sending(bodies[k]))
		}
		if !w.post("deepest", "", bodies...) {
			return
		}
		for _, acknowledged := range sent {
			acknowledged()
		}
		total += len(bodies)
	}
	task, ok := w.startTask("deepest", &sqs.StartMessageMoveTaskInput{
		SourceArn: arnOf("deepest"), DestinationArn: arnOf("work"), MaxNumberOfMessagesPerSecond: aws.Int32(rate),
	})
	if !ok || task == nil {
		t.Fatal("the task was not started")
	}
	first := w.list("deepest")[0]
	if first.ApproximateNumberOfMessagesToMove == nil || *first.ApproximateNumberOfMessagesToMove != int64(total) {
		t.Errorf("the task is to move %v messages, want %d", first.ApproximateNumberOfMessagesToMove, total)
	}
	kills := 0
	nobody := func(int) *sync.WaitGroup { return &sync.WaitGroup{} }
	survive(t, s, &w.killed, *rounds, nobody, func(int) {
		kills++
		now := w.list("deepest")[0]
		if now.StartedTimestamp != first.StartedTimestamp || now.ApproximateNumberOfMessagesMoved < first.ApproximateNumberOfMessagesMoved {
			t.Errorf("the task was %+v and is %+v", first, now)
		}
		if aws.ToString(now.Status) == "RUNNING" && aws.ToString(now.TaskHandle) != task.handle {
			t.Errorf("the handle was %s and is %s", task.handle, aws.ToString(now.TaskHandle))
		}
		first = now
	})
	patience.Until(t, "the task to end", func() bool {
		first = w.list("deepest")[0]
		return aws.ToString(first.Status) != "RUNNING"
	}, func() any { return first.ApproximateNumberOfMessagesMoved })
	// A kill takes the count of the batch that was under way, a tenth of a second's.
	moved := int(first.ApproximateNumberOfMessagesMoved)
	if aws.ToString(first.Status) != "COMPLETED" || moved > total || moved < total-kills*rate/10 {
		t.Errorf("after %d kills: %+v, of %d messages", kills, first, total)
	}
	if n := w.counts("work"); n.Visible != total {
		t.Errorf("%d messages are in the destination, want %d", n.Visible, total)
	}
	w.empty("work", w.census.Found)
	if err := w.census.Err(); err != nil {
		t.Error(err)
	}
	t.Logf("%d of %d messages were counted over %d kills", moved, total, kills)
}
