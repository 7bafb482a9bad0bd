package conformance

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/test/testenv"
)

const arnPrefix = "arn:aws:sqs:us-east-1:000000000000:"

// move starts a move task; to and rate may be left out.
func (q queue) move(from, to string, rate int32) (string, error) {
	in := &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arnPrefix + from)}
	if to != "" {
		in.DestinationArn = aws.String(arnPrefix + to)
	}
	if rate != 0 {
		in.MaxNumberOfMessagesPerSecond = &rate
	}
	out, err := q.sdk.StartMessageMoveTask(q.t.Context(), in)
	if err != nil {
		return "", err
	}
	return *out.TaskHandle, nil
}

func (q queue) moves(from string, max int32) []types.ListMessageMoveTasksResultEntry {
	q.t.Helper()
	in := &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(arnPrefix + from)}
	if max != 0 {
		in.MaxResults = &max
	}
	out, err := q.sdk.ListMessageMoveTasks(q.t.Context(), in)
	q.must(err)
	return out.Results
}

func (q queue) cancelMove(handle string) (int64, error) {
	out, err := q.sdk.CancelMessageMoveTask(q.t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
	if err != nil {
		return 0, err
	}
	return out.ApproximateNumberOfMessagesMoved, nil
}

// deadLetter sends n messages and receives them once too often.
func (q queue) deadLetter(n int) {
	q.t.Helper()
	for i := range n {
		q.send(fmt.Sprint(i))
	}
	for range 2 {
		for left := n; left > 0; left -= 10 {
			q.receive(10, 0)
		}
		time.Sleep(31 * time.Second)
	}
	q.receive(10, 0)
}

func TestSQSMoveTasks(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		dead := create(t, env, "dead", nil)
		source := create(t, env, "source", map[string]string{"RedrivePolicy": redriveTo("dead", 1)})
		other := create(t, env, "other", nil)
		source.deadLetter(4)
		wantEqual(t, "dead letters", dead.counts(), "4/0/0")

		began := time.Now()
		handle, err := dead.move("dead", "", 1)
		dead.must(err)
		decoded, err := base64.StdEncoding.DecodeString(handle)
		dead.must(err)
		var parts map[string]string
		dead.must(json.Unmarshal(decoded, &parts))
		if len(parts) != 2 || parts["sourceArn"] != arnPrefix+"dead" || len(parts["taskId"]) != 36 {
			t.Errorf("the task handle holds %v", parts)
		}
		time.Sleep(1500 * time.Millisecond)
		running := dead.moves("dead", 0)
		if len(running) != 1 {
			t.Fatalf("%d tasks, want one", len(running))
		}
		e := running[0]
		wantEqual(t, "status", *e.Status, "RUNNING")
		wantEqual(t, "source", *e.SourceArn, arnPrefix+"dead")
		wantEqual(t, "handle", *e.TaskHandle, handle)
		wantEqual(t, "rate", *e.MaxNumberOfMessagesPerSecond, 1)
		wantEqual(t, "to move", *e.ApproximateNumberOfMessagesToMove, 4)
		wantEqual(t, "moved after 1.5 s", e.ApproximateNumberOfMessagesMoved, 2)
		if e.DestinationArn != nil || e.FailureReason != nil || e.StartedTimestamp < began.UnixMilli() || e.StartedTimestamp > began.Add(time.Second).UnixMilli() {
			t.Errorf("a task without destination: %+v", e)
		}
		_, err = dead.move("dead", "", 0)
		wantError(t, "a second task", err, badValue, "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		moved, err := dead.cancelMove(handle)
		dead.must(err)
		wantEqual(t, "moved when it was cancelled", moved, 2)
		time.Sleep(time.Minute)
		wantEqual(t, "left", dead.counts(), "2/0/0")
		wantEqual(t, "back at the source", source.counts(), "2/0/0")
		e = dead.moves("dead", 1)[0]
		wantEqual(t, "status in the end", *e.Status, "CANCELLED")
		if e.TaskHandle != nil {
			t.Errorf("a task that is over has the handle %s", *e.TaskHandle)
		}

		_, err = dead.move("dead", "other", 0)
		dead.must(err)
		time.Sleep(time.Minute)
		all := dead.moves("dead", 10)
		if len(all) != 2 {
			t.Fatalf("%d tasks, want two", len(all))
		}
		wantEqual(t, "the newest first", *all[0].Status+" "+*all[0].DestinationArn, "COMPLETED "+arnPrefix+"other")
		wantEqual(t, "at the destination", other.counts(), "2/0/0")
		wantEqual(t, "in their order", other.bodies(), "2 3")

		// A destination that vanishes ends the task, and says why.
		source.deadLetter(2)
		handle, err = dead.move("dead", "other", 1)
		dead.must(err)
		time.Sleep(100 * time.Millisecond)
		_, err = other.sdk.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: other.url})
		dead.must(err)
		time.Sleep(time.Minute)
		e = dead.moves("dead", 0)[0]
		wantEqual(t, "why it failed", *e.Status+" "+*e.FailureReason, "FAILED AWS.SimpleQueueService.NonExistentQueue")
		_, err = dead.cancelMove(handle)
		wantError(t, "a task that is over", err, "AWS.SimpleQueueService.UnsupportedOperation", "Only active tasks can be cancelled.")
	})
}

func TestSQSMoveTaskErrors(t *testing.T) {
	const format = "You must use this format to specify the %s: arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
	const gone = "The resource that you specified for the %s parameter doesn't exist."
	const notFound = "ResourceNotFoundException"
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		create(t, env, "dead", nil)
		create(t, env, "q.fifo", map[string]string{"FifoQueue": "true"})
		create(t, env, "source", map[string]string{"RedrivePolicy": redriveTo("dead", 1)})
		r := raw{t, env}
		handle := func(task, source string) string {
			return base64.StdEncoding.EncodeToString([]byte(`{"taskId":"` + task + `","sourceArn":"` + source + `"}`))
		}
		start := func(source, more string) string { return `{"SourceArn":"` + source + `"` + more + `}` }
		to := func(name string) string { return `,"DestinationArn":"` + name + `"` }
		const id = "00000000-0000-4000-8000-000000000000"
		for _, c := range []struct {
			rule, op, in, code, text string
		}{
			{"no source", "StartMessageMoveTask", `{}`, missing, "The request must contain the parameter SourceArn."},
			{"no ARN", "StartMessageMoveTask", start("dead", ""), badValue, fmt.Sprintf(format, "SourceArn")},
			{"no queue", "StartMessageMoveTask", start(arnPrefix+"none", ""), notFound, fmt.Sprintf(gone, "SourceArn")},
			{"a topic", "StartMessageMoveTask", start("arn:aws:sns:us-east-1:000000000000:dead", ""), notFound, fmt.Sprintf(gone, "SourceArn")},
			{"another region", "StartMessageMoveTask", start("arn:aws:sqs:eu-west-1:000000000000:dead", ""), notFound, fmt.Sprintf(gone, "SourceArn")},
			{"nobody's dead letters", "StartMessageMoveTask", start(arnPrefix+"source", ""), badValue, "Source queue must be configured as a Dead Letter Queue."},
			{"no ARN to move to", "StartMessageMoveTask", start(arnPrefix+"dead", to("source")), badValue, fmt.Sprintf(format, "DestinationArn")},
			{"no queue to move to", "StartMessageMoveTask", start(arnPrefix+"dead", to(arnPrefix+"none")), notFound, fmt.Sprintf(gone, "DestinationArn")},
			{"the source itself", "StartMessageMoveTask", start(arnPrefix+"dead", to(arnPrefix+"dead")), badValue, "Source queue arn and destination queue arn cannot be the same."},
			{"another type", "StartMessageMoveTask", start(arnPrefix+"dead", to(arnPrefix+"q.fifo")), badValue, "Source queue and destination queue must be of the same type."},
			{"a rate of 0", "StartMessageMoveTask", start(arnPrefix+"dead", `,"MaxNumberOfMessagesPerSecond":0`), badValue, "Value 0 for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 and 500, if provided."},
			{"a rate of 501", "StartMessageMoveTask", start(arnPrefix+"dead", `,"MaxNumberOfMessagesPerSecond":501`), badValue, "Value 501 for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 and 500, if provided."},
			{"no source to list", "ListMessageMoveTasks", `{}`, missing, "The request must contain the parameter SourceArn."},
			{"no queue to list", "ListMessageMoveTasks", start(arnPrefix+"none", ""), notFound, fmt.Sprintf(gone, "SourceArn")},
			{"no results", "ListMessageMoveTasks", start(arnPrefix+"dead", `,"MaxResults":0`), badValue, "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 10."},
			{"11 results", "ListMessageMoveTasks", start(arnPrefix+"dead", `,"MaxResults":11`), badValue, "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 10."},
			{"no handle", "CancelMessageMoveTask", `{}`, missing, "The request must contain the parameter TaskHandle."},
			{"text for a handle", "CancelMessageMoveTask", `{"TaskHandle":"garbage!"}`, badValue, "Value for parameter TaskHandle is invalid."},
			{"base64 of garbage", "CancelMessageMoveTask", `{"TaskHandle":"Z2FyYmFnZQ=="}`, badValue, "Value for parameter TaskHandle is invalid."},
			{"a handle of an unknown queue", "CancelMessageMoveTask", `{"TaskHandle":"` + handle(id, arnPrefix+"none") + `"}`, notFound, fmt.Sprintf(gone, "SourceArn")},
			{"a handle of an unknown task", "CancelMessageMoveTask", `{"TaskHandle":"` + handle(id, arnPrefix+"dead") + `"}`, notFound, "Task does not exist."},
		} {
			status := 400
			if c.code == notFound {
				status = 404
			}
			r.refused(t, c.rule, c.op, c.in, c.code, c.text, status)
		}
		wantEqual(t, "no tasks", r.json("ListMessageMoveTasks", start(arnPrefix+"dead", "")).body, `{}`)
		wantEqual(t, "no tasks in XML", r.post("/", form("Action", "ListMessageMoveTasks", "SourceArn", arnPrefix+"dead")).body, xmlAnswer("ListMessageMoveTasks", "<ListMessageMoveTasksResult/>"))
	})
}
