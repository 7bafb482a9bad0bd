package catalog

import "strings"

// A Storage is what kind of disk a broker keeps its messages on.
type Storage string

// The kinds of storage. RabbitMQ has only EBS.
const (
	EBS Storage = "EBS"
	EFS Storage = "EFS"
)

// DefaultStorage is what a broker has whose request names none.
func DefaultStorage(e Engine) Storage {
	if e == ActiveMQ {
		return EFS
	}
	return EBS
}

// Title is the engine's name in sentences, and in what Amazon MQ answers: "RabbitMQ".
func (e Engine) Title() string {
	switch e {
	case ActiveMQ:
		return "ActiveMQ"
	case RabbitMQ:
		return "RabbitMQ"
	}
	return string(e)
}

// ParseEngine reads an engine in any case, as Amazon MQ does.
func ParseEngine(s string) (Engine, bool) { return parse(s, ActiveMQ, RabbitMQ) }

// ParseMode reads a deployment mode in any case.
func ParseMode(s string) (Mode, bool) { return parse(s, SingleInstance, ActiveStandby, Cluster) }

// ParseStorage reads a kind of storage in any case.
func ParseStorage(s string) (Storage, bool) { return parse(s, EBS, EFS) }

// ParseStrategy reads a strategy in any case.
func ParseStrategy(s string) (Strategy, bool) { return parse(s, Simple, LDAP, ConfigManaged) }

func parse[T ~string](s string, all ...T) (T, bool) {
	for _, v := range all {
		if strings.EqualFold(s, string(v)) {
			return v, true
		}
	}
	return "", false
}
