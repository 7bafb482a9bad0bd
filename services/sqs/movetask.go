package sqs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"millrace/runtime/arn"
	"millrace/runtime/queue"
	"millrace/runtime/queue/moves"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// MoveTasks run message move tasks; a *moves.Tasks does.
type MoveTasks interface {
	Create(context.Context, moves.Spec) (moves.Task, error)
	Cancel(ctx context.Context, source queue.ID, id string) (moves.Task, error)
	List(source queue.ID, max int) []moves.Task
}

// StartMessageMoveTask   awsJson1_0, awsQuery
//
//   - moves the visible messages of a dead-letter queue to the queue of
//     DestinationArn or, without one, each to the queue it came from; they arrive
//     as new messages, the oldest first, at MaxNumberOfMessagesPerSecond (1 to
//     500) or as fast as they can
//   - the task goes on after a restart
//   - one task of a queue at a time, a hundred of an account
func (s *Service) StartMessageMoveTask(ctx context.Context, in *api.StartMessageMoveTaskInput) (*api.StartMessageMoveTaskOutput, error) {
	c := identity.From(ctx)
	source, err := s.moveSource(&c, "StartMessageMoveTask", in.SourceArn)
	if err != nil {
		return nil, err
	}
	if len(s.sourcesOf(source)) == 0 {
		return nil, invalidValue("Source queue must be configured as a Dead Letter Queue.")
	}
	spec := moves.Spec{Source: source, Rate: int(kit.Value(in.MaxNumberOfMessagesPerSecond))}
	if in.DestinationArn != nil {
		to, err := s.moveTarget(&c, source, *in.DestinationArn)
		if err != nil {
			return nil, err
		}
		spec.Destination = &to
	}
	if n := in.MaxNumberOfMessagesPerSecond; n != nil && (*n < 1 || *n > moves.MaxRate) {
		return nil, invalidParam("MaxNumberOfMessagesPerSecond", *n, "Must be between 1 and 500, if provided.")
	}
	task, err := s.tasks.Create(ctx, spec)
	if err != nil {
		return nil, fromMoves(err, c.Query)
	}
	return &api.StartMessageMoveTaskOutput{TaskHandle: new(taskHandle(task))}, nil
}

// CancelMessageMoveTask   awsJson1_0, awsQuery
//
//   - ends a running task, and answers how many messages it has moved; they stay
//     where they are
func (s *Service) CancelMessageMoveTask(ctx context.Context, in *api.CancelMessageMoveTaskInput) (*api.CancelMessageMoveTaskOutput, error) {
	c := identity.From(ctx)
	if in.TaskHandle == nil {
		return nil, missingParam("TaskHandle")
	}
	id, sourceARN, ok := readTaskHandle(*in.TaskHandle)
	if !ok {
		return nil, invalidValue("Value for parameter TaskHandle is invalid.")
	}
	source, err := s.moveSource(&c, "CancelMessageMoveTask", &sourceARN)
	if err != nil {
		return nil, err
	}
	task, err := s.tasks.Cancel(ctx, source, id)
	if err != nil {
		return nil, fromMoves(err, c.Query)
	}
	return &api.CancelMessageMoveTaskOutput{ApproximateNumberOfMessagesMoved: new(int64(task.Moved))}, nil
}

// ListMessageMoveTasks   awsJson1_0, awsQuery
//
//   - lists the latest tasks of a queue, MaxResults (1 to 10, 1 if absent) of
//     them, the newest first
//   - a task has a TaskHandle while it can be cancelled, and a DestinationArn if
//     it was given one
func (s *Service) ListMessageMoveTasks(ctx context.Context, in *api.ListMessageMoveTasksInput) (*api.ListMessageMoveTasksOutput, error) {
	c := identity.From(ctx)
	source, err := s.moveSource(&c, "ListMessageMoveTasks", in.SourceArn)
	if err != nil {
		return nil, err
	}
	max := 1
	if in.MaxResults != nil {
		if max = int(*in.MaxResults); max < 1 || max > moves.Kept {
			return nil, invalidValue("Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 10.")
		}
	}
	out := &api.ListMessageMoveTasksOutput{}
	for _, t := range s.tasks.List(source, max) {
		out.Results = append(out.Results, taskEntry(t))
	}
	return out, nil
}

func taskEntry(t moves.Task) *api.ListMessageMoveTasksResultEntry {
	e := &api.ListMessageMoveTasksResultEntry{
		ApproximateNumberOfMessagesMoved:  new(int64(t.Moved)),
		ApproximateNumberOfMessagesToMove: new(int64(t.ToMove)),
		FailureReason:                     kit.Optional(t.Reason),
		SourceArn:                         new(t.Source.ARN().String()),
		StartedTimestamp:                  new(t.Started.UnixMilli()),
		Status:                            new(string(t.Status)),
	}
	if t.Destination != nil {
		e.DestinationArn = new(t.Destination.ARN().String())
	}
	if t.Rate > 0 {
		e.MaxNumberOfMessagesPerSecond = new(int32(t.Rate))
	}
	if t.Status == moves.Running {
		e.TaskHandle = new(taskHandle(t))
	}
	return e
}

// moveSource finds the queue of a SourceArn, and sees that the caller owns it.
func (s *Service) moveSource(c *identity.Caller, action string, text *string) (queue.ID, error) {
	if text == nil {
		return queue.ID{}, missingParam("SourceArn")
	}
	return s.moveQueue(c, action, "SourceArn", *text)
}

// moveTarget finds the queue of a DestinationArn.
func (s *Service) moveTarget(c *identity.Caller, source queue.ID, text string) (queue.ID, error) {
	to, err := s.moveQueue(c, "StartMessageMoveTask", "DestinationArn", text)
	switch {
	case err != nil:
		return to, err
	case to == source:
		return to, invalidValue("Source queue arn and destination queue arn cannot be the same.")
	case to.FIFO() != source.FIFO():
		return to, invalidValue("Source queue and destination queue must be of the same type.")
	}
	return to, nil
}

func (s *Service) moveQueue(c *identity.Caller, action, parameter, text string) (queue.ID, error) {
	if _, err := arn.Parse(text); err != nil {
		return queue.ID{}, invalidValue("You must use this format to specify the %s: arn:<partition>:<service>:<region>:<account-id>:<resource-id>", parameter)
	}
	id, ok := queue.IDFromARN(text)
	q, err := s.queues.Get(id)
	if !ok || err != nil || id.Region != c.Region {
		return id, noMoveQueue(parameter)
	}
	return id, s.authorize(c, q, action)
}

func noMoveQueue(parameter string) *wire.Error {
	return api.ErrResourceNotFoundException("The resource that you specified for the " + parameter + " parameter doesn't exist.")
}

func fromMoves(err error, query bool) error {
	switch {
	case errors.Is(err, moves.ErrActive):
		return invalidValue("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	case errors.Is(err, moves.ErrTooMany):
		return api.ErrOverLimit("The maximum number of active message move tasks is 100.")
	case errors.Is(err, moves.ErrSource):
		return noMoveQueue("SourceArn")
	case errors.Is(err, moves.ErrDestination):
		return noMoveQueue("DestinationArn")
	case errors.Is(err, moves.ErrTask):
		return api.ErrResourceNotFoundException("Task does not exist.")
	case errors.Is(err, moves.ErrNotRunning):
		return api.ErrUnsupportedOperation("Only active tasks can be cancelled.")
	}
	return fromDomain(err, query)
}

// A handle is what AWS's is too: a JSON object in base64.
type handle struct {
	TaskID    string `json:"taskId"`
	SourceARN string `json:"sourceArn"`
}

func taskHandle(t moves.Task) string {
	b, err := json.Marshal(handle{t.ID, t.Source.ARN().String()})
	if err != nil {
		panic(err) // two texts can always be written
	}
	return base64.StdEncoding.EncodeToString(b)
}

func readTaskHandle(text string) (id, sourceARN string, ok bool) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", "", false
	}
	var h handle
	if json.Unmarshal(b, &h) != nil || h.TaskID == "" || !strings.HasPrefix(h.SourceARN, "arn:") {
		return "", "", false
	}
	return h.TaskID, h.SourceARN, true
}
