package sandbox

import (
	"time"
)

// A Spec says what an execution environment is made from. Environments are
// shared only between invocations whose Specs have the same Key.
type Spec struct {
	Key string // changes with the function's code, configuration or version

	ARN     string // of the function, without a qualifier
	Name    string
	Version string // "$LATEST" or a number
	Account string
	Region  string
	Runtime string // "provided.al2023"
	Handler string // free text, handed over as _HANDLER

	CodeDir  string            // folder that holds bootstrap; the working folder and LAMBDA_TASK_ROOT
	Timeout  time.Duration     // of one invocation, 1 s to 15 min
	MemoryMB int               // 128 to 10240
	Env      map[string]string // the user's variables

	// MaxEnvironments bounds how many run at once; 0 means the pool's own bound.
	MaxEnvironments int
}

// A Request is one event for a function.
type Request struct {
	ID            string // request id, a UUID; the same on each retry of an asynchronous event
	Payload       []byte // JSON
	ClientContext string // JSON, "" for none
	TraceHeader   string // X-Ray header, "" for none
	InvokedARN    string // as the caller named it, qualifier included
}

// A Result is what came of one event. A function's failure is a Result too.
type Result struct {
	Payload       []byte // the answer, or AWS's error JSON
	FunctionError string // "" or "Unhandled"
	Log           []byte // the last 4 KB of the invocation's log, START to REPORT
	Cold          bool   // an environment was started for it
	Init          time.Duration
	Duration      time.Duration
	MaxMemoryMB   int
}
