package broker

import (
	"slices"
	"time"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/fault"
)

// The methods of this file are the machine: what each event makes of a record
// (Amazon MQ Developer Guide, "Broker statuses", "Rebooting a broker"). They do
// nothing else. A refused event leaves the record as it was.

// update takes changes that wait for the next reboot. A newer value replaces a pending
// one; the current one clears it.
func (b *Broker) update(c SettingsChange) error {
	if b.State != Up && b.State != Critical {
		return notWhile(b, "updated")
	}
	b.Pending = b.Pending.merged(c).without(b.Settings)
	return nil
}

// logging sets which logs are published: like other changes, it waits for a reboot, but
// may be asked for in any state that a broker comes back from.
func (b *Broker) logging(l Logs) error {
	if b.State == Deleting || b.State == CreationFailed {
		return notWhile(b, "updated")
	}
	b.Pending = b.Pending.merged(SettingsChange{Logs: &l}).without(b.Settings)
	return nil
}

// moveWindow moves the maintenance window, which takes effect at once, and may be done
// four times before the window next opens.
func (b *Broker) moveWindow(w Window, now time.Time) error {
	if b.State == Deleting || b.State == CreationFailed {
		return notWhile(b, "updated")
	}
	if w == b.Window {
		return nil
	}
	n := b.Moved.N
	if !now.Before(b.Moved.Until) {
		n = 0
	}
	if n >= catalog.MaxWindowChanges {
		return refuse(fault.Invalid, "maintenanceWindowStartTime", "The maintenance window of broker [%s] was changed %d times. It can be changed again after %s.", b.ID, n, b.Moved.Until.UTC().Format(time.RFC3339))
	}
	b.Window = w
	b.Moved = Moves{N: n + 1, Until: w.Next(now)}
	return nil
}

// unrebootable are the codes under which AWS refuses a reboot, since it would not help
// or make it worse (Amazon MQ Developer Guide, "Troubleshooting").
var unrebootable = []string{MemoryAlarm, DiskAlarm, invalidKey, "INVALID_KMS_KEY"}

// reboot has the broker start anew, with all that is pending.
func (b *Broker) reboot() error {
	if b.State != Up && b.State != Critical {
		return notWhile(b, "rebooted")
	}
	for _, a := range b.Actions() {
		if slices.Contains(unrebootable, a.Code) {
			return refuse(fault.Invalid, "broker-id", "Broker [%s] cannot be rebooted while it requires action: %s.", b.ID, a.Code)
		}
	}
	b.State, b.Unplanned = Rebooting, false
	return nil
}

// openWindow reboots the broker if that would change anything.
func (b *Broker) openWindow(now time.Time) {
	if b.waits() && b.reboot() != nil {
		b.Waiting = now // an alarm has it wait for the next window
	}
}

// waits reports whether a reboot would change anything.
func (b *Broker) waits() bool {
	return b.Pending != (SettingsChange{}) || slices.ContainsFunc(b.Users, func(u StoredUser) bool { return u.Pending != nil })
}

// remove ends the broker for good.
func (b *Broker) remove() error {
	if b.State == Deleting {
		return notWhile(b, "deleted")
	}
	b.State = Deleting
	return nil
}

// next is what the broker is to run as when it starts: a copy of it with all that is
// pending applied, unless it only comes back from the dead.
func (b *Broker) next() Broker {
	n := *b
	if b.State == Creating || b.State == Rebooting && !b.Unplanned {
		n.apply()
	}
	return n
}

// apply has all that is pending take effect.
func (b *Broker) apply() {
	before := b.Settings.Configuration
	b.Settings = b.Settings.With(b.Pending)
	b.Pending = SettingsChange{}
	if before.ID != "" && before != b.Settings.Configuration {
		b.History = append(slices.Clip(b.History), before)
	}
	b.Users = applyUsers(b.Users)
}

// started is told when the broker serves, with what next said, which ran meanwhile:
// what has become pending since then stays so.
func (b *Broker) started(ran Broker, r Running) {
	b.Instances, b.Software, b.Notes, b.Root = r.Instances, r.Software, r.Actions, r.Root
	switch b.State {
	case Creating, Rebooting:
		if b.Unplanned {
			break
		}
		b.Settings, b.History, b.Users = ran.Settings, ran.History, ran.Users
		b.Pending = b.Pending.without(b.Settings)
	default: // it runs again, after a start of the runtime or a failed reboot
		b.Troubles = slices.DeleteFunc(slices.Clone(b.Troubles), func(a Action) bool { return a.Code == invalidKey })
		b.judge()
		return
	}
	b.State, b.Unplanned, b.Troubles = Up, false, nil
	b.judge()
}

// invalidKey is the code of a broker whose KMS key cannot be used. It is well again when
// the key is.
const invalidKey = "RABBITMQ_INVALID_KMS_KEY"

// failed is told when the broker could not be run: why, for people. What a reboot should
// have applied waits for another one, and the broker runs as before meanwhile. One that
// died is run again and again, and says meanwhile why it does not come up.
func (b *Broker) failed(code, why string, now time.Time) {
	b.Waiting = now
	switch {
	case b.State == Creating:
		b.State, b.Troubles = CreationFailed, []Action{{code, why}}
	case b.State == Rebooting && !b.Unplanned, b.State == Critical, code == invalidKey && (b.State == Up || b.State == Rebooting):
		b.State, b.Unplanned, b.Troubles = Critical, false, []Action{{code, why}}
	default:
		b.died()
		if b.State == Rebooting {
			b.Troubles = []Action{{code, why}}
		}
	}
}

// died is told when the broker has died of itself, or with the runtime before this one,
// and is going to be run again.
func (b *Broker) died() {
	if b.State == Up {
		b.State, b.Unplanned = Rebooting, true
	}
}

// alarmed is told which alarms are in effect in a broker that serves, all of them. When
// none is, and nothing else is wrong, it is well again.
func (b *Broker) alarmed(alarms []Action) {
	if b.State != Up && b.State != Critical {
		return
	}
	b.Troubles = slices.Concat(slices.DeleteFunc(slices.Clone(b.Troubles), Action.IsAlarm), alarms)
	b.judge()
}
