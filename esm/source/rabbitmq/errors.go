package rabbitmq

import (
	"errors"
	"fmt"

	"millrace/esm/source"
	"millrace/runtime/bridge"
)

// connectionError is Lambda's sentence for whatever keeps it from reaching a source.
const connectionError = "Connection error. Please check your event source connection configuration."

// explain says for the owner of the mapping what an error of the bridge means. The codes
// that Lambda shows for a kind of problem are in the Lambda Developer Guide,
// "Troubleshoot Amazon MQ event source mapping errors"; it has no sentences, so these
// are ours but for connectionError.
func (s *Source) explain(err error) error {
	e, ok := errors.AsType[*bridge.Error](err)
	if !ok {
		return err
	}
	out := &source.Error{Problem: source.Misconfigured, Changed: e.Changed, Err: err}
	switch e.Reason {
	case bridge.NoBroker:
		out.What = "The broker does not exist."
	case bridge.NotRunning:
		out.Problem, out.What = source.Unreachable, connectionError+" The broker is not running."
	case bridge.Certificate:
		out.Problem, out.What = source.Unreachable, connectionError+" The certificate of the broker has expired or is not trusted."
	case bridge.NoLogin:
		out.What = secretProblem(e.Err)
	case bridge.BadLogin:
		out.Problem, out.What = source.BadLogin, "Authentication failed. The broker does not accept the username and password in the secret."
	case bridge.NoVirtualHost:
		out.What = fmt.Sprintf("The virtual host %q does not exist on the broker.", s.virtualHost)
	case bridge.Denied:
		out.Problem, out.What = source.NoPermission, fmt.Sprintf("The broker does not permit the user to consume from the queue %q in the virtual host %q.", s.spec.Queue, s.virtualHost)
	case bridge.NoQueue:
		out.What = fmt.Sprintf("The queue %q does not exist in the virtual host %q.", s.spec.Queue, s.virtualHost)
	case bridge.Exclusive:
		out.What = fmt.Sprintf("The queue %q can be consumed by another client only.", s.spec.Queue)
	default:
		out.Problem, out.What = source.Unreachable, connectionError
	}
	return out
}
