package config

import (
	"strings"
	"unicode"

	"millrace/runtime/broker/catalog"
)

// parse reads a text for a version of RabbitMQ, and refuses what that version has not.
func parse(version string, data []byte) ([]line, error) {
	series := catalog.Series(version)
	lines, err := read(data, series != "3")
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		if err := permitted(l, series, version); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

func permitted(l line, series, version string) error {
	k, ok := lookup(l.key)
	switch {
	case !ok:
		return refuse(l.key, "Configuration key [%s] on line %d is not supported.", l.key, l.number)
	case k.from > series:
		return refuse(l.key, "Configuration key [%s] on line %d is not supported on RabbitMQ %s.", l.key, l.number, version)
	case l.section != "" && !isLimit(l.key):
		return refuse(l.key, "Configuration key [%s] on line %d is not supported in a section.", l.key, l.number)
	// RabbitMQ puts the value of another key in place of $(that key), and decrypts
	// what begins with encrypted: with a passphrase of its own configuration.
	case strings.Contains(l.value, "$("), strings.HasPrefix(l.value, "encrypted:"),
		strings.ContainsFunc(l.value, unprintable), !k.form.check(l.value):
		return refuse(l.key, "Configuration key [%s] on line %d must be %s.", l.key, l.number, k.form.want)
	case l.block && !strings.HasPrefix(l.key, "auth_ldap.queries."):
		return refuse(l.key, "Configuration key [%s] on line %d cannot have a value of several lines.", l.key, l.number)
	}
	return nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) && r != '\t' && r != '\n' }

// agree checks what lines demand of each other.
func agree(lines []line) error {
	last := map[string]string{}
	for _, l := range lines {
		last[l.key] = l.value
	}
	for _, l := range lines {
		switch {
		case strings.HasPrefix(l.key, "aws.arns.") && last[keyRole] == "":
			return refuse(keyRole, "Configuration key [%s] needs [%s].", l.key, keyRole)
		case strings.HasPrefix(l.key, "auth_ldap.") && last["auth_ldap.use_ssl"] != "true" && last["auth_ldap.use_starttls"] != "true":
			return refuse(l.key, "Configuration key [%s] needs [auth_ldap.use_ssl] or [auth_ldap.use_starttls] to be true.", l.key)
		}
	}
	return nil
}
