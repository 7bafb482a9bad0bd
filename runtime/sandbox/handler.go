package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// A handlerProcess runs events in a Go handler of our own process. It treats errors and
// panics as aws-lambda-go does in a function's process. What the handler prints is not in
// the log. A handler that ignores its context cannot be stopped: kill leaves it running.
type handlerProcess struct {
	handler  lambda.Handler
	ctx      context.Context // of all events
	cancel   context.CancelFunc
	calls    *sync.WaitGroup // handlers at work
	signalCh chan signal
}

func newHandlerProcess(h lambda.Handler, calls *sync.WaitGroup) *handlerProcess {
	g := &handlerProcess{handler: h, calls: calls, signalCh: make(chan signal, 4)}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.signalCh <- signal{kind: isReady}
	return g
}

func (g *handlerProcess) signals() <-chan signal { return g.signalCh }
func (g *handlerProcess) flushOutput()           {}
func (g *handlerProcess) kill()                  { g.cancel() }

func (g *handlerProcess) deliver(ev event) {
	g.calls.Go(func() {
		// A handler that leaves by runtime.Goexit, as t.FailNow does, has exited.
		last := signal{kind: isExit, failure: failExit("")}
		defer func() { g.signalCh <- last }()
		answer := g.call(ev)
		if answer.kind == isExit { // a panic: the process would answer, then exit
			last.failure = failExit("exit status 1")
			answer.kind = isAnswer
		} else {
			last = signal{kind: isReady}
		}
		g.signalCh <- answer
	})
}

// call returns the handler's answer, or a panic's as an isExit.
func (g *handlerProcess) call(ev event) (answer signal) {
	defer func() {
		if v := recover(); v != nil {
			answer = errorAnswer(panicError(v))
		}
	}()
	lc := &lambdacontext.LambdaContext{AwsRequestID: ev.ID, InvokedFunctionArn: ev.InvokedARN}
	if ev.ClientContext != "" {
		if err := json.Unmarshal([]byte(ev.ClientContext), &lc.ClientContext); err != nil {
			return errorAnswer(asError(fmt.Errorf("failed to unmarshal client context json: %v", err)))
		}
	}
	ctx, cancel := context.WithDeadline(lambdacontext.NewContext(g.ctx, lc), ev.deadline)
	defer cancel()
	//lint:ignore SA1029 aws-lambda-go's key for it is this plain string, which X-Ray's SDK looks for
	ctx = context.WithValue(ctx, "x-amzn-trace-id", ev.TraceHeader)
	payload, err := g.handler.Invoke(ctx, ev.Payload)
	if err != nil {
		return errorAnswer(asError(err))
	}
	return signal{kind: isAnswer, payload: payload}
}

func errorAnswer(e *messages.InvokeResponse_Error) signal {
	payload, err := json.Marshal(e)
	if err != nil {
		payload = (&failure{"Runtime.SerializationError", err.Error()}).json()
	}
	if e.ShouldExit {
		return signal{kind: isExit, payload: payload, failed: true}
	}
	return signal{kind: isAnswer, payload: payload, failed: true}
}

func asError(err error) *messages.InvokeResponse_Error {
	var given messages.InvokeResponse_Error
	if errors.As(err, &given) {
		return &given
	}
	return &messages.InvokeResponse_Error{Message: err.Error(), Type: typeName(err)}
}

func panicError(v any) *messages.InvokeResponse_Error {
	if given, ok := v.(messages.InvokeResponse_Error); ok {
		return &given
	}
	return &messages.InvokeResponse_Error{Message: fmt.Sprint(v), Type: typeName(v), StackTrace: stack(), ShouldExit: true}
}

// typeName is the name that aws-lambda-go gives an error's type: no package, no
// pointer.
func typeName(v any) string {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// stack is that of the panic being recovered from, files named as in imports.
func stack() (frames []*messages.InvokeResponse_Error_StackFrame) {
	pcs := make([]uintptr, 32)
	pcs = pcs[:runtime.Callers(4, pcs)] // Callers, stack, panicError, the deferred call
	for next := runtime.CallersFrames(pcs); ; {
		f, more := next.Next()
		pkg, label, _ := strings.Cut(f.Function[strings.LastIndex(f.Function, "/")+1:], ".")
		dir := f.Function[:strings.LastIndex(f.Function, "/")+1] + pkg
		frames = append(frames, &messages.InvokeResponse_Error_StackFrame{
			Path: dir + f.File[strings.LastIndex(f.File, "/"):], Line: int32(f.Line), Label: label,
		})
		if !more {
			return frames
		}
	}
}
