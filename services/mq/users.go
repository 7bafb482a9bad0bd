package mq

import (
	"regexp"
	"slices"
	"strings"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/kit"
)

var (
	activeName = form{2, 100, regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)}
	rabbitName = form{2, 100, regexp.MustCompile(`^[A-Za-z0-9._-]+$`)}
)

// checkUserName refuses names that the engine's users cannot have.
func checkUserName(e catalog.Engine, name string) error {
	allowed, more := activeName, ", underscores and tildes"
	if e == catalog.RabbitMQ {
		allowed, more = rabbitName, " and underscores"
	}
	switch {
	case !allowed.fits(name):
		return bad("username", "User names must be 2-100 characters of letters, digits, dashes, periods%s.", more)
	case e == catalog.RabbitMQ && name == "guest":
		return bad("username", "The user name [guest] is not allowed for RabbitMQ brokers.")
	}
	return nil
}

// checkPassword refuses what Amazon MQ refuses. The text never has the password in it.
func checkPassword(password string) error {
	distinct := map[rune]bool{}
	for _, c := range password {
		if c < ' ' || c > '~' || strings.ContainsRune(",:=", c) {
			return bad("password", "Passwords must be of printable ASCII characters, without commas, colons and equal signs.")
		}
		distinct[c] = true
	}
	if len(password) < 12 || len(password) > 250 {
		return bad("password", "Passwords must have 12-250 characters.")
	}
	if len(distinct) < 4 {
		return bad("password", "Passwords must have at least 4 different characters.")
	}
	return nil
}

func checkUserGroups(groups []string) error {
	if len(groups) > catalog.MaxGroups {
		return bad("groups", "A user can be in at most [%d] groups.", catalog.MaxGroups)
	}
	for _, g := range groups {
		if !activeName.fits(g) {
			return bad("groups", "Group names must be 2-100 characters of letters, digits, dashes, periods, underscores and tildes.")
		}
	}
	return nil
}

// checkRoles refuses a user for replication who can also use the console.
func checkRoles(console, replication bool) error {
	if console && replication {
		return bad("", "Replication user couldn't have console access. [replicationUser] and [consoleAccess] are mutually exclusive parameters.")
	}
	return nil
}

// setUsers sets the users of a new broker, limit of them at most, 0 for any number. Of a
// RabbitMQ one, only name and password count.
func setUsers(b *broker.Broker, p *broker.Passwords, in []*api.User, limit int) error {
	if err := countUsers(b, len(in), limit); err != nil {
		return err
	}
	p.Users = map[string]string{}
	for _, u := range in {
		if u == nil {
			return bad("users", "A user needs a name and a password.")
		}
		if err := required(text("username", u.Username), text("password", u.Password)); err != nil {
			return err
		}
		if err := checkUserName(b.Engine, *u.Username); err != nil {
			return err
		}
		if err := checkPassword(*u.Password); err != nil {
			return err
		}
		if _, twice := p.Users[*u.Username]; twice {
			return bad("users", "User [%s] is given twice.", *u.Username)
		}
		p.Users[*u.Username] = *u.Password
		stored := broker.StoredUser{Name: *u.Username}
		if b.Engine == catalog.ActiveMQ {
			stored.Groups, stored.ConsoleAccess, stored.ReplicationUser = slices.Clone(u.Groups), kit.Value(u.ConsoleAccess), kit.Value(u.ReplicationUser)
			if err := checkUserGroups(u.Groups); err != nil {
				return err
			}
			if err := checkRoles(stored.ConsoleAccess, stored.ReplicationUser); err != nil {
				return err
			}
		}
		b.Users = append(b.Users, stored)
	}
	return nil
}

func countUsers(b *broker.Broker, n, limit int) error {
	switch {
	case b.Engine == catalog.RabbitMQ && b.Settings.Strategy == catalog.ConfigManaged:
		if n > 1 {
			return bad("users", "Specify at most one user for engine type [RABBITMQ] with authentication strategy [CONFIG_MANAGED].")
		}
	case b.Engine == catalog.RabbitMQ && n != 1:
		return bad("users", "Specify exactly one user for engine type [RABBITMQ].")
	case b.Engine == catalog.ActiveMQ && b.Settings.Strategy == catalog.LDAP: // users are the directory's
	case b.Engine == catalog.ActiveMQ && n < 1:
		return bad("users", "Specify at least one user for engine type [ACTIVEMQ].")
	case limit > 0 && n > limit:
		return bad("users", "Specify at most [%d] users.", limit)
	}
	return nil
}
