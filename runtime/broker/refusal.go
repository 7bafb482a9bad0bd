package broker

import (
	"fmt"

	"millrace/runtime/fault"
)

// A Refusal is what the rules of Amazon MQ do not let happen.
type Refusal struct {
	Code   fault.Code // NotFound, Exists and Conflict (both 409), Invalid, Denied
	Member string     // of the request that is to blame: "brokerName"; "" for none
	What   string     // a sentence for the client
}

func (r *Refusal) Error() string { return r.What }
func (r *Refusal) Unwrap() error { return r.Code }

func refuse(code fault.Code, member, format string, args ...any) error {
	return &Refusal{code, member, fmt.Sprintf(format, args...)}
}

func noBroker(id string) error {
	return refuse(fault.NotFound, "broker-id", "Can't find requested broker [%s]. Make sure your broker exists.", id)
}

func noConfiguration(id string) error {
	return refuse(fault.NotFound, "configuration_id", "Can't find requested configuration [%s]. Make sure your configuration exists.", id)
}

func noUser(name string) error {
	return refuse(fault.NotFound, "username", "Can't find requested user [%s]. Make sure your user exists.", name)
}

// notWhile refuses what a broker in its state does not take: what is done to it, as in
// "can't be updated".
func notWhile(b *Broker, done string) error {
	return refuse(fault.Invalid, "broker-id", "Broker [%s] can't be %s while in state [%s]", b.Name, done, b.State)
}
