package broker

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"millrace/runtime/fault"
)

// An Edit is what UpdateBroker asks. Nil members leave things as they are.
type Edit struct {
	Settings     SettingsChange // LDAP without its password; Logs are edited by Edit.Logs
	LDAPPassword string
	Logs         *Logs
	Window       *Window // takes effect at once
	AutoMinor    *bool   // takes effect at once
}

// Update edits a broker. Settings wait for the next reboot.
func (bs *Brokers) Update(ctx context.Context, b Broker, e Edit) (Broker, error) {
	var ldap *LDAP
	if e.Settings.LDAP != nil {
		s, err := sealerOf(bs.config.Keys, &b)
		if err != nil {
			return b, keyRefusal(err)
		}
		ldap = new(*e.Settings.LDAP)
		ldap.Password = s.seal(e.LDAPPassword)
	}
	return bs.changeOf(ctx, b, func(b *Broker) error {
		c := e.Settings
		c.LDAP = ldap
		if c != (SettingsChange{}) {
			if err := b.update(c); err != nil {
				return err
			}
		}
		if e.Logs != nil {
			if err := b.logging(*e.Logs); err != nil {
				return err
			}
		}
		if e.Window != nil {
			if err := b.moveWindow(*e.Window, time.Now()); err != nil {
				return err
			}
		}
		if e.AutoMinor != nil {
			b.AutoMinor = *e.AutoMinor
		}
		return nil
	})
}

// Reboot starts a broker anew, with all that is pending.
func (bs *Brokers) Reboot(ctx context.Context, b Broker) error {
	_, err := bs.changeOf(ctx, b, (*Broker).reboot)
	return err
}

// Delete removes a broker in the background. Its name is free when it is gone.
func (bs *Brokers) Delete(ctx context.Context, b Broker) error {
	_, err := bs.changeOf(ctx, b, (*Broker).remove)
	return err
}

// OpenWindow runs a broker's maintenance window now, and reports whether that reboots the
// broker: only if something is pending.
func (bs *Brokers) OpenWindow(ctx context.Context, id string) (reboots bool, err error) {
	b, err := bs.find(id)
	if err != nil {
		return false, err
	}
	b, err = bs.changeOf(ctx, b, func(b *Broker) error { b.openWindow(time.Now()); return nil })
	return b.State == Rebooting, err
}

// Tag changes the tags of a broker.
func (bs *Brokers) Tag(ctx context.Context, b Broker, change func(map[string]string) (map[string]string, error)) error {
	_, err := bs.changeOf(ctx, b, func(b *Broker) (err error) {
		b.Tags, err = change(maps.Clone(b.Tags))
		return err
	})
	return err
}

// A UserEdit is what a call says of a user; nil leaves it as it is.
type UserEdit struct {
	Password                       *string // in the clear
	Groups                         *[]string
	ConsoleAccess, ReplicationUser *bool
}

// ChangeUser has the next reboot make, change or delete a user. limit bounds the users of a
// broker; 0 for none.
func (bs *Brokers) ChangeUser(ctx context.Context, b Broker, change Change, name string, e UserEdit, limit int) error {
	c := UserChange{Groups: e.Groups, ConsoleAccess: e.ConsoleAccess, ReplicationUser: e.ReplicationUser}
	if e.Password != nil {
		s, err := sealerOf(bs.config.Keys, &b)
		if err != nil {
			return keyRefusal(err)
		}
		c.Password = s.seal(*e.Password)
	}
	_, err := bs.changeOf(ctx, b, func(b *Broker) error {
		switch change {
		case Create:
			return b.createUser(name, c, limit)
		case Update:
			return b.updateUser(name, c)
		}
		return b.deleteUser(name)
	})
	return err
}

// ChangeLiveUser makes, changes or deletes a user inside a running broker at once.
func (bs *Brokers) ChangeLiveUser(ctx context.Context, b Broker, u User, change Change) error {
	w, err := bs.workerOf(b, "change its users")
	if err != nil {
		return err
	}
	return w.call(ctx, "given other users", func(b Broker) error { return bs.config.Runner.User(ctx, b.ID, u, change) })
}

// workerOf is the worker of a broker that runs here; what only its home can do goes into
// the refusal of others.
func (bs *Brokers) workerOf(b Broker, what string) (*worker, error) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	w, ok := bs.set.GetLocked(b.key())
	if !ok {
		return nil, refuse(fault.Invalid, "broker-id", "Broker [%s] is run by another runtime, which alone can %s.", b.ID, what)
	}
	return w, nil
}

// sealAll makes the data key of a new broker, and seals what is secret of its request.
func (b *Broker) sealAll(ring Keyring, p Passwords) error {
	s, err := newKey(ring, b)
	if err != nil {
		return err
	}
	b.Asked = s.seal(p.Asked)
	b.Users = slices.Clone(b.Users)
	for i, u := range b.Users {
		b.Users[i].Password = s.seal(p.Users[u.Name])
	}
	slices.SortFunc(b.Users, func(a, b StoredUser) int { return strings.Compare(a.Name, b.Name) })
	if b.Settings.LDAP != nil {
		b.Settings.LDAP = new(*b.Settings.LDAP)
		b.Settings.LDAP.Password = s.seal(p.LDAP)
	}
	return nil
}
