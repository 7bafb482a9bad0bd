package rabbitmq

import (
	"crypto/rand"
	"slices"

	"millrace/runtime/broker"
	"millrace/runtime/fault"
)

// tags are those of Amazon MQ Developer Guide, "Broker users".
var tags = []string{"administrator", "management", "monitoring", "policymaker"}

// userDefinitions are what sets a user. The salt is new each time.
func (c *control) userDefinitions(u broker.User) (definitions, error) {
	if u.Name == "" || u.Password == "" {
		return definitions{}, fault.New(fault.Missing, "A user needs a name and a password.")
	}
	has := []string{}
	for _, g := range u.Groups {
		if slices.Contains(tags, g) && !slices.Contains(has, g) {
			has = append(has, g)
		}
	}
	if u.ConsoleAccess && len(has) == 0 {
		has = append(has, "management")
	}
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails
	return definitions{
		Users:       []user{{Name: u.Name, Hash: hash(salt, u.Password), Hashing: hashing, Tags: has}},
		Permissions: []permission{everything(u.Name)},
	}, nil
}
