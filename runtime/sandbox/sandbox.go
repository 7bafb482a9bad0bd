// Package sandbox runs functions: it keeps execution environments, each a
// process that speaks Lambda's Runtime API, and gives them events one at a time.
//
//	pool := sandbox.New(sandbox.Config{})
//	err := pool.Start(ctx)
//	defer pool.Stop(ctx)
//	result, err := pool.Invoke(ctx, spec, sandbox.Request{ID: id, Payload: event})
//
// An environment runs one event after the other, and is used again while it is
// warm. Whatever fails inside a function (an error, a panic, an exit, a time-out, too
// much memory) is a [Result] in AWS's words; an error of [Pool.Invoke] says that the
// event could not be run at all.
//
// It promises:
//   - an environment never runs two events at once, nor code of another Spec.Key;
//   - what a function has printed before it answers is in the event's log;
//   - a process, all that it started and its temporary folder are gone when its
//     environment ends, and nothing is left after [Pool.Stop];
//   - none of them survives our process, even if that is killed.
//
// On other systems than Linux, of a process's descendants only those in its process group
// are ended, and they survive our process. On Windows only Go handlers run: see package
// spawner.
//
// A Go handler given to [Pool.Handle] runs here instead of in a process, by the
// same rules and inside a testing/synctest bubble if there is one.
//
// Unlike Lambda, an idle environment is not frozen: what a function leaves
// running goes on between events. All environments share the host's file
// system; each has a folder of its own that TMPDIR names, which is where a
// function should put what it would put in /tmp.
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

	LogGroup  string // "" for /aws/lambda/<Name>
	LogFormat string // "JSON", for a function that asks what to log in; else text
	LogLevel  string // of JSON: "INFO"

	// Code finds the folder that holds bootstrap: the working folder, and
	// LAMBDA_TASK_ROOT. It is asked before a process is started, may take its time,
	// and its error is Invoke's. A Go handler needs none.
	Code func() (dir string, err error)

	Timeout  time.Duration     // of one invocation, 1 s to 15 min
	MemoryMB int               // 128 to 10240, of all processes together
	Env      map[string]string // the user's variables

	// MaxEnvironments bounds how many of the function run at once; 0 means the
	// pool's own bound.
	MaxEnvironments int
}

// Folder is the Spec.Code of code that lies in a folder.
func Folder(dir string) func() (string, error) {
	return func() (string, error) { return dir, nil }
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
	MaxMemoryMB   int // 0 when unknown, as for a Go handler in this process
}

// A Line is one line of a function's log.
type Line struct {
	Function  string // the ARN, without a qualifier
	Name      string
	LogGroup  string
	LogStream string // one for each environment
	RequestID string // of the event it belongs to, "" between events
	Time      time.Time
	Text      []byte // without the line's end; valid only during the call
	Platform  bool   // Lambda's bookkeeping (INIT_START, START, END, REPORT), not the function's output
}
