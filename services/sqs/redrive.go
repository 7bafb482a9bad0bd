package sqs

import (
	"encoding/json"
	"fmt"
	"slices"

	"millrace/runtime/queue"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/wire"
)

// parseRedrive understands a RedrivePolicy; "" means none.
func parseRedrive(id queue.ID, value string, check func(queue.ID) (allowed, exists bool)) (*queue.DeadLetter, error) {
	if value == "" {
		return nil, nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(value), &fields) != nil || fields == nil {
		return nil, api.ErrInvalidAttributeValue(
			"Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map.")
	}
	bad := func(reason string, args ...any) error {
		return invalidParam(redrive, value, fmt.Sprintf(reason, args...))
	}
	// An empty policy is told that it lacks the count, not the target.
	count, given := text(fields["maxReceiveCount"])
	if !given {
		return nil, bad("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	target, given := text(fields["deadLetterTargetArn"])
	if !given {
		return nil, bad("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	if len(fields) > 2 {
		return nil, bad("Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].")
	}
	max, ok := wholeNumber(count, 1, 1000)
	if !ok {
		return nil, bad("Invalid value for maxReceiveCount: %s, valid values are from 1 to 1000 both inclusive.", count)
	}
	dlq, ok := queue.IDFromARN(target)
	if !ok {
		return nil, bad("Only SQS queues are valid resources for deadLetterTargetArn.")
	}
	if dlq.Account != id.Account || dlq.Region != id.Region {
		return nil, bad("Dead letter target does not exist.")
	}
	allowed, exists := check(dlq)
	switch {
	case !exists:
		return nil, bad("Dead letter target does not exist.")
	case dlq.FIFO() != id.FIFO():
		return nil, bad("Dead-letter queue must be same type of queue as the source..")
	case !allowed:
		return nil, bad("Queue %s is not allowed to use this dead-letter queue by its redrive allow policy.", id.ARN())
	}
	return &queue.DeadLetter{Target: dlq, MaxReceives: max}, nil
}

// redriveText is how a RedrivePolicy is shown, in whatever words it was set: its
// count is a number there, also when it was given as a text
// (https://docs.aws.amazon.com/cli/latest/reference/sqs/get-queue-attributes.html).
func redriveText(d *queue.DeadLetter) string {
	if d == nil {
		return ""
	}
	return fmt.Sprintf(`{"deadLetterTargetArn":"%s","maxReceiveCount":%d}`, d.Target.ARN(), d.MaxReceives)
}

// A redriveAllowance says which queues may use this one for their dead letters.
type redriveAllowance struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns,omitzero"`
}

// text is how a RedriveAllowPolicy is shown, in whatever words it was set: a
// member that was null is not there.
func (a redriveAllowance) text() string {
	if a.Permission == "" {
		return ""
	}
	text, _ := wire.PlainJSON(a) // never fails for texts
	return text
}

func (a redriveAllowance) allows(source queue.ID) bool {
	switch a.Permission {
	case "denyAll":
		return false
	case "byQueue":
		return slices.Contains(a.Sources, source.ARN().String())
	}
	return true
}

// parseRedriveAllow understands a RedriveAllowPolicy; "" allows all.
func parseRedriveAllow(value string) (a redriveAllowance, err error) {
	if value == "" {
		return a, nil
	}
	unsupported := api.ErrInvalidAttributeValue(
		"Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format.")
	var fields map[string]json.RawMessage // names count to the letter, unlike those of a struct
	if json.Unmarshal([]byte(value), &fields) != nil || json.Unmarshal([]byte(value), &a) != nil {
		return a, unsupported
	}
	delete(fields, "redrivePermission")
	delete(fields, "sourceQueueArns")
	if len(fields) > 0 || !slices.Contains([]string{"allowAll", "denyAll", "byQueue"}, a.Permission) {
		return a, unsupported
	}
	bad := func(reason string) error {
		return invalidParam(redriveAllow, value, "Amazon SQS can't create the redrive allow policy. "+reason)
	}
	switch {
	case a.Permission == "byQueue" && len(a.Sources) == 0:
		return a, bad("When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.")
	case len(a.Sources) > 10:
		return a, bad("The maximum number of source queue ARNs you can specify is 10.")
	case a.Permission != "byQueue" && len(a.Sources) > 0:
		return a, bad("To specify one or more source queue ARNs, you must set redrivePermission to byQueue.")
	}
	return a, nil
}

// text reads a JSON string or number as its text.
func text(raw json.RawMessage) (string, bool) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, s != ""
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String(), true
	}
	return string(raw), len(raw) > 0 && string(raw) != "null"
}
