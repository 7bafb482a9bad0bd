package sandbox

import (
	"encoding/json"
	"fmt"
	"time"
)

// maxPayload is the largest answer, in bytes: 6 MB and 100 bytes of slack.
const maxPayload = 6<<20 + 100

// A failure is why an event has no answer of the function's own, in the form
// that Lambda's callers see.
type failure struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

var (
	// What Lambda says of an answer over maxPayload.
	failTooLarge = &failure{"Function.ResponseSizeTooLarge",
		fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxPayload)}

	// What Lambda says when the code has no bootstrap; the paths are its own.
	failNoBootstrap = &failure{"Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}
)

// failEntrypoint is for a bootstrap that the system would not run.
func failEntrypoint(cause error) *failure {
	return &failure{"Runtime.InvalidEntrypoint", fmt.Sprintf("fork/exec /var/task/bootstrap: %v", cause)}
}

// failExit is for a process that ended by itself or was killed. how is "" for
// exit code 0, else as os.ProcessState tells it: "exit status 1", "signal: killed".
func failExit(how string) *failure {
	if how == "" {
		return &failure{"Runtime.ExitError", "Runtime exited without providing a reason"}
	}
	return &failure{"Runtime.ExitError", "Runtime exited with error: " + how}
}

func failTimeout(after time.Duration) *failure {
	return &failure{"Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", after.Seconds())}
}

// of adds the event's id to the message, as Lambda does for what it finds
// itself. The too large answer is the exception.
func (f *failure) of(requestID string) *failure {
	if f == failTooLarge {
		return f
	}
	return &failure{f.Type, "RequestId: " + requestID + " Error: " + f.Message}
}

func (f *failure) json() []byte {
	b, _ := json.Marshal(f) // two strings: cannot fail
	return b
}
