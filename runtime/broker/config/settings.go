package config

import (
	"slices"
	"strconv"
	"strings"

	"millrace/runtime/broker/catalog"
)

// A Type is how the value of a setting is meant.
type Type int

// The types.
const (
	Text Type = iota
	Number
	Flag
)

// A Setting is a key of RabbitMQ with the value that a broker is to have.
type Setting struct {
	Key, Value string
	Type       Type
}

// Int is the value of a [Number].
func (s Setting) Int() int {
	n, _ := strconv.Atoi(s.Value)
	return n
}

// On is the value of a [Flag].
func (s Setting) On() bool { return s.Value == "true" }

// Line is the setting as a line that RabbitMQ reads, with the quotes that it needs.
// Only some of the keys for knowing users can need them; RabbitMQ 3.10 takes quotes for
// a part of the value.
func (s Setting) Line() string {
	value := s.Value
	switch {
	case strings.Contains(value, "\n") || strings.Contains(value, "'") && strings.Contains(value, "#"):
		value = "'''\n" + value + "\n'''"
	case strings.Contains(value, "#") || strings.Trim(value, " \t") != value:
		value = "'" + value + "'"
	}
	return s.Key + " = " + value
}

// Settings are those of a broker, each key once, in the order of the text.
type Settings []Setting

// Get finds a setting by its key.
func (s Settings) Get(key string) (Setting, bool) {
	i := slices.IndexFunc(s, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		return Setting{}, false
	}
	return s[i], true
}

// Effective returns what of a stored text a RabbitMQ broker takes: what stands outside
// of all sections, and in that for its instance type and mode. Of lines with the same
// key the last one counts. The error, a [Refusal], tells of what the broker's version
// has not: a text may be for another one.
func Effective(data []byte, version, instance string, mode catalog.Mode) (Settings, error) {
	lines, err := parse(version, data)
	if err != nil {
		return nil, err
	}
	var settings Settings
	section, seen := sectionOf(instance, mode), map[string]bool{}
	for _, l := range slices.Backward(lines) {
		if seen[l.key] || l.section != "" && l.section != section {
			continue
		}
		seen[l.key] = true
		k, _ := lookup(l.key)
		settings = append(settings, Setting{l.key, l.value, k.form.kind})
	}
	slices.Reverse(settings)
	return settings, nil
}

// Fits returns why a revision of a configuration is not for a RabbitMQ broker, a
// [Refusal]; nil when it is. Amazon MQ checks it when the broker is created, and when
// it is given the revision.
func Fits(revision int, data []byte, version, instance string, mode catalog.Mode) error {
	settings, err := Effective(data, version, instance, mode)
	if err != nil {
		return err
	}
	most, _ := catalog.Maxima(instance, mode)
	for _, s := range settings {
		if field := limit(&most, s.Key); field != nil && s.Int() > *field {
			return refuse(s.Key, "Configuration Revision %d for configuration:%s has limit: of value: %s larger than maximum allowed limit:%d",
				revision, s.Key, s.Value, *field)
		}
	}
	return nil
}

// Limits are those of a RabbitMQ broker with these settings.
func (s Settings) Limits(version, instance string, mode catalog.Mode) catalog.Limits {
	limits, _ := catalog.Defaults(version, instance, mode)
	for _, s := range s {
		if field := limit(&limits, s.Key); field != nil {
			*field = s.Int()
		}
	}
	return limits
}

// limit is the one that a key sets; nil when it sets none.
func limit(l *catalog.Limits, key string) *int {
	switch key {
	case keyConnections:
		return &l.Connections
	case keyChannels:
		return &l.Channels
	case keyConsumers:
		return &l.ConsumersPerChannel
	case keyQueues:
		return &l.Queues
	case keyExchanges:
		return &l.Exchanges
	case keyHosts:
		return &l.VirtualHosts
	case keyShovels:
		return &l.Shovels
	case keyMessageSize:
		return &l.MessageSize
	}
	return nil
}

// Outside names what the settings need of the world outside the broker: "oauth2",
// "ldap", "http", "ssl" for ways to know users, and "aws.arns" for texts that stand
// in S3 or Secrets Manager; in this order, none twice.
func (s Settings) Outside() []string {
	needs := map[string]bool{}
	for _, s := range s {
		switch {
		case isBackend(s.Key):
			needs[strings.TrimPrefix(s.Value, "rabbit_auth_backend_")] = true
		case strings.HasPrefix(s.Key, "auth_mechanisms."):
			needs["ssl"] = needs["ssl"] || s.Value == "EXTERNAL"
		case strings.HasPrefix(s.Key, "ssl_options."), strings.HasPrefix(s.Key, "management.ssl."):
			needs["ssl"] = true
		case strings.HasPrefix(s.Key, "aws.arns."):
			needs["aws.arns"] = true
		case s.Key == "management.oauth_enabled":
			needs["oauth2"] = needs["oauth2"] || s.On()
		}
	}
	var names []string
	for _, name := range []string{"oauth2", "ldap", "http", "ssl", "aws.arns"} {
		if needs[name] {
			names = append(names, name)
		}
	}
	return names
}

func isBackend(key string) bool {
	return strings.HasPrefix(key, "auth_backends.") || strings.HasPrefix(key, "auth_cache.cached_backend")
}

// Strategy is CONFIG_MANAGED for a broker whose settings let others than itself know
// its users, and SIMPLE for any other.
func (s Settings) Strategy() catalog.Strategy {
	for _, s := range s {
		internal := strings.HasSuffix(s.Value, "internal") || strings.HasSuffix(s.Value, "cache")
		if isBackend(s.Key) && !internal || strings.HasPrefix(s.Key, "auth_mechanisms.") && s.Value == "EXTERNAL" {
			return catalog.ConfigManaged
		}
	}
	return catalog.Simple
}
