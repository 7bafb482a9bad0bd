// Package config knows what customers may configure of their brokers: ActiveMQ's XML,
// of which all that is not allowed is taken out, and RabbitMQ's key = value lines, of
// which all that is not allowed is refused. It is pure: texts in, texts and answers out.
package config

import (
	"fmt"
	"unicode/utf8"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/fault"
)

// MaxSize is the most bytes of a configuration's text.
const MaxSize = 256 << 10

// A Kind is what a configuration is for.
type Kind struct {
	Engine   catalog.Engine
	Version  string           // of the catalogue: "3.13"
	Strategy catalog.Strategy // that of the configuration, not of a broker; "" is SIMPLE
}

// A Warning is about something that was taken out of a configuration.
type Warning struct {
	Reason    Reason
	Element   string
	Attribute string // "" when the element went
}

// A Reason is why something was taken out, as Amazon MQ spells it.
type Reason string

// The reasons.
const (
	DisallowedElement   Reason = "DISALLOWED_ELEMENT_REMOVED"
	DisallowedAttribute Reason = "DISALLOWED_ATTRIBUTE_REMOVED"
	InvalidValue        Reason = "INVALID_ATTRIBUTE_VALUE_REMOVED"
)

// A Refusal says why a configuration is not taken. It is a fault.Invalid. It never
// shows a value, which may be a secret that was put in the wrong place.
type Refusal struct {
	Key  string // that it is about; "" when it is about the text as a whole
	What string // a sentence that a client may read; it names the key
}

func (r *Refusal) Error() string { return r.What }

// Unwrap gives the refusal its code.
func (r *Refusal) Unwrap() error { return fault.Invalid }

func refuse(key, format string, args ...any) error {
	return &Refusal{Key: key, What: fmt.Sprintf(format, args...)}
}

// Check says whether a text can be a configuration, and returns what to store of it.
// Of ActiveMQ, that is the text without what is not allowed, and a warning for each
// thing that was taken out; checked again, it stays as it is. Of RabbitMQ it is the
// text itself. The error is a [Refusal].
func Check(k Kind, data []byte) (stored []byte, warnings []Warning, err error) {
	switch {
	case len(data) > MaxSize:
		return nil, nil, tooLarge()
	case !utf8.Valid(data):
		return nil, nil, refuse("", "The configuration is not UTF-8 text.")
	}
	switch k.Engine {
	case catalog.ActiveMQ:
		stored, warnings, err := sanitize(data, k.Strategy == catalog.LDAP)
		if len(stored) > MaxSize { // escapes are longer than what they stand for
			return nil, nil, tooLarge()
		}
		return stored, warnings, err
	case catalog.RabbitMQ:
		lines, err := parse(k.Version, data)
		if err != nil {
			return nil, nil, err
		}
		return data, nil, agree(lines)
	}
	return nil, nil, refuse("", "Broker engine type [%s] has no configurations.", k.Engine)
}

func tooLarge() error { return refuse("", "The configuration is larger than %d bytes.", MaxSize) }
