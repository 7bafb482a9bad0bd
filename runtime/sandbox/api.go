package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// A runtimeAPI is Lambda's Runtime API, version 2018-06-01, for one process. It
// turns the process's requests into steps of the dialogue and these into signals.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; statuses and
// texts are those of AWS's open runtime interface emulator.
type runtimeAPI struct {
	mu       sync.Mutex
	dialogue dialogue
	current  event // valid while running

	events   chan event  // of a capacity that deliver never blocks
	signalCh chan signal // likewise for what a process can cause between two events
}

func newRuntimeAPI() *runtimeAPI {
	return &runtimeAPI{
		dialogue: dialogue{state: started},
		events:   make(chan event, 1),
		signalCh: make(chan signal, 4), // ready, answer, exit; one to spare
	}
}

func (a *runtimeAPI) handler() http.Handler {
	const v = " /2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc(http.MethodGet+v+"invocation/next", a.next)
	mux.HandleFunc(http.MethodPost+v+"invocation/{id}/response", a.response)
	mux.HandleFunc(http.MethodPost+v+"invocation/{id}/error", a.error)
	mux.HandleFunc(http.MethodPost+v+"init/error", a.initError)
	return mux
}

// onlyFor serves requests to the address that the process was given. Requests that name
// another host or come from a web page are a browser's: a page may send to any port here,
// and to any name that it makes resolve to this machine.
func onlyFor(host string, api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, page := r.Header["Origin"]; page || r.Host != host {
			reply(w, http.StatusForbidden, &failure{"Forbidden", "The Runtime API serves " + host + " only, and no web pages"})
			return
		}
		api.ServeHTTP(w, r)
	})
}

func (a *runtimeAPI) signals() <-chan signal { return a.signalCh }

func (a *runtimeAPI) deliver(ev event) {
	a.mu.Lock()
	err := a.dialogue.dispatch(ev.ID)
	a.current = ev
	a.mu.Unlock()
	if err == nil { // else the process has exited, and its signal follows
		a.events <- ev
	}
}

// next waits for an event, however long that takes. A runtime that asks again
// before it has answered, having lost its connection, gets the same event.
func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	before, current := a.dialogue.state, a.current
	err := a.dialogue.step(stepNext)
	a.mu.Unlock()
	switch {
	case err != nil:
		refuse(w, before, stepNext, err)
		return
	case before == running:
		writeEvent(w, r, current)
		return
	case before != ready:
		a.signalCh <- signal{kind: isReady}
	}
	select {
	case ev := <-a.events:
		writeEvent(w, r, ev)
	case <-r.Context().Done():
	}
}

func writeEvent(w http.ResponseWriter, r *http.Request, ev event) {
	defer coalesce(w, r, len(ev.Payload))()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(ev.Payload)))
	h.Set("Lambda-Runtime-Aws-Request-Id", ev.ID)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(ev.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", ev.InvokedARN)
	if ev.TraceHeader != "" {
		h.Set("Lambda-Runtime-Trace-Id", ev.TraceHeader)
	}
	if ev.ClientContext != "" {
		h.Set("Lambda-Runtime-Client-Context", ev.ClientContext)
	}
	w.Write(ev.Payload)
}

// response takes the function's answer. One in streaming mode is buffered: both
// modes may end with trailers that turn it into an error.
func (a *runtimeAPI) response(w http.ResponseWriter, r *http.Request) {
	if !a.begin(w, r, stepResponse) {
		return
	}
	if mode := r.Header.Get("Lambda-Runtime-Function-Response-Mode"); mode != "" && mode != "streaming" {
		a.finish(signal{kind: isAnswer, failed: true, payload: (&failure{"Runtime.InvalidResponseModeHeader", ""}).json()})
		reply(w, http.StatusBadRequest, &failure{"InvalidFunctionResponseMode", "Invalid function response mode"})
		return
	}
	body, ok := a.read(w, r)
	if !ok {
		return
	}
	answer := signal{kind: isAnswer, payload: body}
	if kind := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); kind != "" {
		answer.failed = true
		if text, err := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body")); err == nil && len(text) > 0 {
			answer.payload = text
		} else {
			answer.payload = (&failure{Type: kind}).json()
		}
	}
	a.finish(answer)
	accept(w)
}

// error takes the function's error, whose body the caller gets as it is.
func (a *runtimeAPI) error(w http.ResponseWriter, r *http.Request) {
	if !a.begin(w, r, stepError) {
		return
	}
	if body, ok := a.read(w, r); ok {
		a.finish(signal{kind: isAnswer, payload: body, failed: true})
		accept(w)
	}
}

// initError says that the function cannot start; the process should exit then.
func (a *runtimeAPI) initError(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	before := a.dialogue.state
	err := a.dialogue.step(stepInitError)
	a.mu.Unlock()
	if err != nil {
		refuse(w, before, stepInitError, err)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if err != nil {
		body = (&failure{Type: "Runtime.Unknown"}).json()
	}
	a.signalCh <- signal{kind: isInitError, payload: body}
	accept(w)
}

// begin lets one answer to the present event pass.
func (a *runtimeAPI) begin(w http.ResponseWriter, r *http.Request, s step) bool {
	a.mu.Lock()
	before := a.dialogue.state
	err := a.dialogue.answer(s, r.PathValue("id"))
	a.mu.Unlock()
	if err != nil {
		refuse(w, before, s, err)
	}
	return err == nil
}

func (a *runtimeAPI) finish(answer signal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current = event{}
	if a.dialogue.step(stepSent) == nil {
		a.signalCh <- answer
	}
}

// read returns the body of an answer. If ok is false, the answer was too large or
// truncated, and read has replied. It reads a body that is too large to its end, so
// that the client gets the reply.
func (a *runtimeAPI) read(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	if r.ContentLength > 0 && r.ContentLength <= maxPayload {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err == nil || a.truncated(w)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	if err != nil {
		return nil, a.truncated(w)
	}
	if len(body) <= maxPayload {
		return body, true
	}
	a.finish(signal{kind: isAnswer, payload: failTooLarge.json(), failed: true})
	io.Copy(io.Discard, r.Body)
	reply(w, http.StatusRequestEntityTooLarge,
		&failure{"RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", maxPayload)})
	return nil, false
}

func (a *runtimeAPI) truncated(w http.ResponseWriter) bool {
	a.finish(signal{kind: isAnswer, payload: (&failure{Type: "Runtime.TruncatedResponse"}).json(), failed: true})
	reply(w, http.StatusBadRequest, &failure{"TruncatedHTTPRequest", "HTTP request detected as truncated"})
	return false
}

// refuse replies to a request that the state machine refused, with AWS's texts.
func refuse(w http.ResponseWriter, from state, s step, err error) {
	if errors.Is(err, errRequestID) {
		reply(w, http.StatusBadRequest, &failure{"InvalidRequestID", "Invalid request ID"})
		return
	}
	reply(w, http.StatusForbidden, &failure{"InvalidStateTransition",
		fmt.Sprintf("State transition from %s to %s failed for runtime. Error: State transition is not allowed", from, s)})
}

func accept(w http.ResponseWriter) {
	reply(w, http.StatusAccepted, struct {
		Status string `json:"status"`
	}{"OK"})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
