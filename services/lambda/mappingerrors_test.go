package lambda

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"millrace/esm"
	"millrace/esm/source"
	"millrace/services/internal/wire"
)

// The texts are AWS's, to the letter.
func TestMappingErrorsInAWSWords(t *testing.T) {
	const invalid = "InvalidParameterValueException"
	for _, c := range []struct {
		err        error
		code, text string
	}{
		{esm.ErrNotFound, "ResourceNotFoundException", "The resource you requested does not exist."},
		{esm.ErrInUse, "ResourceInUseException", "Cannot update the event source mapping because it is in use."},
		{esm.ErrUnknownSource, invalid, "Unrecognized event source."},
		{fmt.Errorf("%w: %w", esm.ErrNoSource, errors.New("cause")), invalid,
			"Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist."},
		{esm.ErrNoPermission, invalid, "The provided execution role does not have permissions to call ReceiveMessage on SQS"},
		{esm.ErrNoFunction, invalid, "Function does not exist"},
		{esm.ErrNoWindow, invalid, "Batching window is not supported for FIFO queues"},
		{esm.ErrLargeBatch, invalid, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"},
		{esm.ErrInvalidFilter, invalid, "Invalid filter pattern definition."},
		{&esm.RegionError{Function: "us-east-1"}, invalid, "Event source region must match Lambda region us-east-1"},
		{&source.VisibilityError{Visibility: 30 * time.Second, Timeout: 31 * time.Second}, invalid,
			"Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds"},
		{&esm.DuplicateError{Other: esm.Mapping{UUID: "u", EventSource: "arn:aws:sqs:us-east-1:000000000000:s", FunctionARN: "arn:aws:lambda:us-east-1:000000000000:function:f"}}, "ResourceConflictException",
			`An event source mapping with SQS arn (" arn:aws:sqs:us-east-1:000000000000:s ") and function (" f ") already exists. Please update or delete the existing mapping with UUID u`},
	} {
		e, ok := errors.AsType[*wire.Error](fromMappings(c.err, "update"))
		if !ok || e.Code != c.code || e.Message != c.text {
			t.Errorf("%v became %+v, want %s: %s", c.err, e, c.code, c.text)
		}
	}
}

func TestReasonsInAWSWords(t *testing.T) {
	for problem, want := range map[esm.Problem]string{
		"": "USER_INITIATED", esm.ProblemNoFunction: "Function does not exist", esm.ProblemNoSource: textNoQueue,
		esm.ProblemNoPermission: textNoPermission, esm.ProblemSource: "The event source is not available at the moment.",
	} {
		if got := queueReason(esm.Mapping{Reason: "USER_INITIATED", Problem: problem}); got != want {
			t.Errorf("%q: %s, want %s", problem, got, want)
		}
	}
}
