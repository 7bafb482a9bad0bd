package sandbox

import "errors"

// A state is the state of a function's runtime in the Runtime API, and a step is a
// request. Both have the names of AWS's own emulator, because error responses quote them.
type (
	state string
	step  string
)

const (
	started    state = "Started"
	initFailed state = "InitError"
	ready      state = "Ready"
	running    state = "Running"
	responding state = "InvocationResponse"
	answered   state = "RuntimeResponseSent"
)

const (
	stepNext      step = "Ready"                   // GET …/invocation/next
	stepInitError step = "InitError"               // POST …/init/error
	stepEvent     step = "Running"                 // we hand over an event
	stepResponse  step = "InvocationResponse"      // POST …/invocation/{id}/response
	stepError     step = "InvocationErrorResponse" // POST …/invocation/{id}/error
	stepSent      step = "RuntimeResponseSent"     // we have read the answer
)

// transitions holds every legal transition; all others are refused.
var transitions = map[state]map[step]state{
	started:    {stepNext: ready, stepInitError: initFailed},
	ready:      {stepNext: ready, stepEvent: running},
	running:    {stepNext: running, stepResponse: responding, stepError: responding}, // next once more: the same event
	responding: {stepSent: answered},
	answered:   {stepNext: ready},
}

// What the Runtime API refuses; refuse has AWS's texts.
var (
	errState     = errors.New("the runtime's state does not allow this request")
	errRequestID = errors.New("no event with this request ID is running")
)

// A dialogue is the state machine of one runtime in the Runtime API.
type dialogue struct {
	state state
	id    string // of the event that may be answered, "" for none
}

// step makes a transition, or returns errState.
func (d *dialogue) step(s step) error {
	to, ok := transitions[d.state][s]
	if !ok {
		return errState
	}
	d.state = to
	return nil
}

// dispatch hands over the event with an id.
func (d *dialogue) dispatch(id string) error {
	if err := d.step(stepEvent); err != nil {
		return err
	}
	d.id = id
	return nil
}

// answer begins the answer to the event with an id: once, and only while it runs.
func (d *dialogue) answer(s step, id string) error {
	if id == "" || id != d.id {
		return errRequestID
	}
	if err := d.step(s); err != nil {
		return err
	}
	d.id = ""
	return nil
}
