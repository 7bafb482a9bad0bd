package broker

import (
	"reflect"
	"slices"
)

// merged returns the change with a newer one on top.
func (c SettingsChange) merged(newer SettingsChange) SettingsChange {
	over(&c.Version, newer.Version)
	over(&c.Instance, newer.Instance)
	over(&c.Configuration, newer.Configuration)
	over(&c.SecurityGroups, newer.SecurityGroups)
	over(&c.StorageSize, newer.StorageSize)
	over(&c.Strategy, newer.Strategy)
	over(&c.LDAP, newer.LDAP)
	over(&c.Logs, newer.Logs)
	return c
}

func over[T any](old **T, newer *T) {
	if newer != nil {
		*old = newer
	}
}

// With returns the settings after a change.
func (s Settings) With(c SettingsChange) Settings {
	set(&s.Version, c.Version)
	set(&s.Instance, c.Instance)
	set(&s.Configuration, c.Configuration)
	set(&s.SecurityGroups, c.SecurityGroups)
	set(&s.StorageSize, c.StorageSize)
	set(&s.Strategy, c.Strategy)
	if c.LDAP != nil {
		s.LDAP = c.LDAP
	}
	set(&s.Logs, c.Logs)
	return s
}

func set[T any](old *T, newer *T) {
	if newer != nil {
		*old = *newer
	}
}

// without returns the change without what the settings are already.
func (c SettingsChange) without(s Settings) SettingsChange {
	drop(&c.Version, s.Version)
	drop(&c.Instance, s.Instance)
	drop(&c.Configuration, s.Configuration)
	if c.SecurityGroups != nil && slices.Equal(*c.SecurityGroups, s.SecurityGroups) {
		c.SecurityGroups = nil
	}
	drop(&c.StorageSize, s.StorageSize)
	drop(&c.Strategy, s.Strategy)
	if c.LDAP != nil && s.LDAP != nil && reflect.DeepEqual(c.LDAP, s.LDAP) {
		c.LDAP = nil
	}
	drop(&c.Logs, s.Logs)
	return c
}

func drop[T comparable](newer **T, current T) {
	if *newer != nil && **newer == current {
		*newer = nil
	}
}
