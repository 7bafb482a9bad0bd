package broker

import (
	"cmp"
	"slices"

	"millrace/runtime/fault"
)

// A StoredUser is a user of a broker, as the record has it. Of RabbitMQ it is the one
// that the broker was created with: all others live in the broker.
type StoredUser struct {
	Name            string
	Password        Sealed
	Groups          []string
	ConsoleAccess   bool
	ReplicationUser bool
	Pending         *PendingUser // nil when nothing waits for a reboot
}

// A PendingUser is what the next reboot makes of a user.
type PendingUser struct {
	Change          Change
	Password        Sealed // nil leaves it as it is
	Groups          []string
	ConsoleAccess   bool
	ReplicationUser bool
}

// A UserChange is what is asked of a user; nil leaves it as it is.
type UserChange struct {
	Password        Sealed
	Groups          *[]string
	ConsoleAccess   *bool
	ReplicationUser *bool
}

// User returns a user, also one that a reboot has yet to make.
func (b *Broker) User(name string) (StoredUser, error) {
	if i, ok := b.userAt(name); ok {
		return b.Users[i], nil
	}
	return StoredUser{}, noUser(name)
}

func (b *Broker) userAt(name string) (int, bool) {
	return slices.BinarySearchFunc(b.Users, name, func(u StoredUser, name string) int { return cmp.Compare(u.Name, name) })
}

// usersChangeable refuses while nothing about users can be taken.
func (b *Broker) usersChangeable() error {
	if b.State != Up && b.State != Critical {
		return notWhile(b, "given other users")
	}
	return nil
}

// createUser has the next reboot make a user.
func (b *Broker) createUser(name string, c UserChange, limit int) error {
	if err := b.usersChangeable(); err != nil {
		return err
	}
	i, taken := b.userAt(name)
	if taken {
		return refuse(fault.Conflict, "username", "User [%s] of broker [%s] exists already.", name, b.ID)
	}
	if limit > 0 && len(b.Users) >= limit {
		return refuse(fault.Invalid, "username", "Broker [%s] has the maximum of [%d] users.", b.ID, limit)
	}
	p := PendingUser{Change: Create}
	p.take(c)
	b.Users = slices.Insert(slices.Clone(b.Users), i, StoredUser{Name: name, Pending: &p})
	return nil
}

// updateUser has the next reboot change a user; one that it would have deleted stays.
func (b *Broker) updateUser(name string, c UserChange) error {
	if err := b.usersChangeable(); err != nil {
		return err
	}
	i, ok := b.userAt(name)
	if !ok {
		return noUser(name)
	}
	u := b.Users[i]
	p := PendingUser{Change: Update, Groups: u.Groups, ConsoleAccess: u.ConsoleAccess, ReplicationUser: u.ReplicationUser}
	if u.Pending != nil && u.Pending.Change != Delete {
		p = *u.Pending
	}
	p.take(c)
	b.Users = slices.Clone(b.Users)
	b.Users[i].Pending = &p
	return nil
}

// deleteUser has the next reboot delete a user. One that no reboot has made yet is gone
// at once.
func (b *Broker) deleteUser(name string) error {
	if err := b.usersChangeable(); err != nil {
		return err
	}
	i, ok := b.userAt(name)
	if !ok {
		return noUser(name)
	}
	b.Users = slices.Clone(b.Users)
	if p := b.Users[i].Pending; p != nil && p.Change == Create {
		b.Users = slices.Delete(b.Users, i, i+1)
		return nil
	}
	u := &b.Users[i]
	u.Pending = &PendingUser{Change: Delete, Groups: u.Groups, ConsoleAccess: u.ConsoleAccess, ReplicationUser: u.ReplicationUser}
	return nil
}

func (p *PendingUser) take(c UserChange) {
	if c.Password != nil {
		p.Password = c.Password
	}
	set(&p.Groups, c.Groups)
	set(&p.ConsoleAccess, c.ConsoleAccess)
	set(&p.ReplicationUser, c.ReplicationUser)
}

// applyUsers returns the users after all pending changes.
func applyUsers(users []StoredUser) (after []StoredUser) {
	for _, u := range users {
		if p := u.Pending; p != nil {
			if p.Change == Delete {
				continue
			}
			u.Groups, u.ConsoleAccess, u.ReplicationUser, u.Pending = p.Groups, p.ConsoleAccess, p.ReplicationUser, nil
			if p.Password != nil {
				u.Password = p.Password
			}
		}
		after = append(after, u)
	}
	return after
}
