package broker

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/fault"
)

var monday = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// running is a broker in state RUNNING with a user.
func running(e catalog.Engine) *Broker {
	b := &Broker{ID: "b-1", Engine: e, State: Creating, Users: []StoredUser{{Name: "miller", Password: Sealed("1")}},
		Settings: Settings{Version: "1.0", Instance: "small", SecurityGroups: []string{"sg-1"}, Strategy: catalog.Simple},
		Pending:  SettingsChange{Configuration: &Revised{"c-1", 1}}, Window: Window{"TUESDAY", "02:00", "UTC"}}
	b.started(b.next(), Running{})
	return b
}

// TestChangesWaitForReboot is the matrix of what takes effect when: each change is pending
// and nothing else happens, until a reboot applies it (Amazon MQ Developer Guide,
// "Editing broker engine version, instance type, CloudWatch logs, and maintenance
// preferences").
func TestChangesWaitForReboot(t *testing.T) {
	for _, engine := range []catalog.Engine{catalog.ActiveMQ, catalog.RabbitMQ} {
		for _, c := range []struct {
			what   string
			change SettingsChange
			now    func(Settings) any
			after  any
		}{
			{"engineVersion", SettingsChange{Version: new("2.0")}, func(s Settings) any { return s.Version }, "2.0"},
			{"hostInstanceType", SettingsChange{Instance: new("large")}, func(s Settings) any { return s.Instance }, "large"},
			{"configuration", SettingsChange{Configuration: &Revised{"c-1", 2}}, func(s Settings) any { return s.Configuration }, Revised{"c-1", 2}},
			{"securityGroups", SettingsChange{SecurityGroups: &[]string{"sg-2"}}, func(s Settings) any { return s.SecurityGroups }, []string{"sg-2"}},
			{"storageSize", SettingsChange{StorageSize: new(20)}, func(s Settings) any { return s.StorageSize }, 20},
			{"authenticationStrategy", SettingsChange{Strategy: new(catalog.LDAP)}, func(s Settings) any { return s.Strategy }, catalog.LDAP},
			{"ldapServerMetadata", SettingsChange{LDAP: &LDAP{UserBase: "ou"}}, func(s Settings) any { return s.LDAP != nil && s.LDAP.UserBase == "ou" }, true},
			{"logs", SettingsChange{Logs: &Logs{General: true}}, func(s Settings) any { return s.Logs }, Logs{General: true}},
		} {
			b := running(engine)
			before := fmt.Sprint(c.now(b.Settings))
			if err := b.update(c.change); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(c.now(b.Settings)); got != before || b.Pending == (SettingsChange{}) || b.State != Up || !b.waits() {
				t.Errorf("%s %s: %s before the reboot, pending %+v, %s", engine, c.what, got, b.Pending, b.State)
			}
			if err := b.reboot(); err != nil {
				t.Fatal(err)
			}
			b.started(b.next(), Running{})
			if got, want := fmt.Sprint(c.now(b.Settings)), fmt.Sprint(c.after); got != want || b.Pending != (SettingsChange{}) || b.State != Up || b.waits() {
				t.Errorf("%s %s: %s after the reboot, want %s; pending %+v, %s", engine, c.what, got, want, b.Pending, b.State)
			}
		}
	}
}

func TestNewerChangesReplacePendingOnes(t *testing.T) {
	b := running(catalog.RabbitMQ)
	for _, instance := range []string{"large", "huge"} {
		if err := b.update(SettingsChange{Instance: &instance}); err != nil || *b.Pending.Instance != instance {
			t.Errorf("pending %v, %v", b.Pending.Instance, err)
		}
	}
	if err := b.update(SettingsChange{Instance: new("small")}); err != nil || b.waits() {
		t.Errorf("the current value left %+v pending, %v", b.Pending, err)
	}
}

func TestHistoryOfConfigurations(t *testing.T) {
	b := running(catalog.ActiveMQ)
	if b.Settings.Configuration != (Revised{"c-1", 1}) || len(b.History) != 0 {
		t.Fatalf("%+v, %v", b.Settings.Configuration, b.History)
	}
	for n := 2; n <= 4; n++ {
		_ = b.update(SettingsChange{Configuration: &Revised{"c-1", n}})
		_ = b.reboot()
		b.started(b.next(), Running{})
	}
	if got := fmt.Sprint(b.Settings.Configuration, b.History); got != "{c-1 4} [{c-1 1} {c-1 2} {c-1 3}]" {
		t.Error(got)
	}
}

// TestEvents is the table of states: what each event makes of each, "-" for a refusal.
func TestEvents(t *testing.T) {
	states := []struct {
		name string
		make func() *Broker
	}{
		{"creating", func() *Broker { return &Broker{State: Creating} }},
		{"failed", func() *Broker { return &Broker{State: CreationFailed} }},
		{"up", func() *Broker { return &Broker{State: Up} }},
		{"rebooting", func() *Broker { return &Broker{State: Rebooting} }},
		{"unplanned", func() *Broker { return &Broker{State: Rebooting, Unplanned: true} }},
		{"critical", func() *Broker { return &Broker{State: Critical, Troubles: []Action{{Code: "REBOOT_FAILED"}}} }},
		{"alarm", func() *Broker { return &Broker{State: Critical, Troubles: []Action{{Code: "RABBITMQ_MEMORY_ALARM"}}} }},
		{"deleting", func() *Broker { return &Broker{State: Deleting} }},
		{"fault", func() *Broker {
			return &Broker{Name: "mill", State: Critical, Faults: []Fault{{Code: MemoryAlarm, Mode: StateFault}}}
		}},
	}
	short := map[State]string{Creating: "creating", CreationFailed: "failed", Up: "up", Rebooting: "rebooting", Critical: "critical", Deleting: "deleting"}
	for _, e := range []struct {
		name  string
		event func(*Broker) error
		want  string // by state, in the order above
	}{
		{"update", func(b *Broker) error { return b.update(SettingsChange{Version: new("2")}) }, "- - up - - critical critical - critical"},
		{"logging", func(b *Broker) error { return b.logging(Logs{true, false}) }, "creating - up rebooting unplanned critical critical - critical"},
		{"move window", func(b *Broker) error { return b.moveWindow(Window{"MONDAY", "01:00", "UTC"}, monday) }, "creating - up rebooting unplanned critical critical - critical"},
		{"create user", func(b *Broker) error { return b.createUser("u", UserChange{}, 0) }, "- - up - - critical critical - critical"},
		{"reboot", (*Broker).reboot, "- - rebooting - - rebooting - - -"},
		{"delete", (*Broker).remove, "deleting deleting deleting deleting deleting deleting deleting - deleting"},
		{"started", func(b *Broker) error { b.started(b.next(), Running{}); return nil }, "up failed up up up critical critical deleting critical"},
		{"failed", func(b *Broker) error { b.failed("X", "why", monday); return nil }, "failed failed unplanned critical unplanned critical critical deleting critical"},
		{"died", func(b *Broker) error { b.died(); return nil }, "creating failed unplanned rebooting unplanned critical critical deleting critical"},
		{"alarmed", func(b *Broker) error { b.alarmed([]Action{{Code: MemoryAlarm}}); return nil }, "creating failed critical rebooting unplanned critical critical deleting critical"},
		{"well", func(b *Broker) error { b.alarmed(nil); return nil }, "creating failed up rebooting unplanned critical up deleting critical"},
		{"key", func(b *Broker) error { b.failed(invalidKey, "disabled", monday); return nil }, "failed failed critical critical critical critical critical deleting critical"},
		{"inject", func(b *Broker) error { return b.inject(Fault{Code: DiskAlarm, Mode: StateFault}) }, "- - critical - - critical critical - critical"},
		{"provoke", func(b *Broker) error { return b.inject(Fault{Code: DiskAlarm, Mode: RealFault}) }, "- - up - - critical critical - critical"},
		{"clear", func(b *Broker) error { return b.clear(MemoryAlarm, monday) }, "- - - - - - - - up"},
		{"expire", func(b *Broker) error { b.expire(monday, nil); return nil }, "creating failed up rebooting unplanned critical critical deleting critical"},
	} {
		var got []string
		for _, s := range states {
			b := s.make()
			err := e.event(b)
			r, refused := errors.AsType[*Refusal](err)
			switch {
			case refused && (r.Code == fault.Invalid || r.Code == fault.NotFound):
				got = append(got, "-")
			case err != nil:
				t.Errorf("%s while %s: %v", e.name, s.name, err)
			case b.State == Rebooting && b.Unplanned:
				got = append(got, "unplanned")
			default:
				got = append(got, short[b.State])
			}
		}
		if text := strings.Join(got, " "); text != e.want {
			t.Errorf("%s:\n got %s\nwant %s", e.name, text, e.want)
		}
	}
}

// A reboot that fails leaves the broker as it was, with what was pending.
func TestFailedReboot(t *testing.T) {
	b := running(catalog.RabbitMQ)
	_ = b.update(SettingsChange{Version: new("2.0")})
	_ = b.reboot()
	b.failed("REBOOT_FAILED", "no such image", monday)
	if b.State != Critical || b.Actions()[0] != (Action{"REBOOT_FAILED", "no such image"}) || *b.Pending.Version != "2.0" {
		t.Errorf("%+v", b)
	}
	if n := b.next(); n.Settings.Version != "1.0" {
		t.Errorf("it runs again as %s", n.Settings.Version)
	}
	b.started(b.next(), Running{})
	if b.State != Critical || len(b.Troubles) != 1 {
		t.Errorf("running as before, it is %s with %v", b.State, b.Troubles)
	}
	if err := b.reboot(); err != nil {
		t.Fatal(err)
	}
	b.started(b.next(), Running{})
	if b.State != Up || b.Settings.Version != "2.0" || len(b.Troubles) != 0 {
		t.Errorf("%+v", b)
	}
}

// A broker that died comes back as it was: only a planned reboot applies what is pending.
func TestDeathAppliesNothing(t *testing.T) {
	b := running(catalog.RabbitMQ)
	_ = b.update(SettingsChange{Version: new("2.0")})
	b.died()
	b.started(b.next(), Running{})
	if b.State != Up || b.Settings.Version != "1.0" || b.Pending.Version == nil {
		t.Errorf("%+v", b)
	}
}

// One that died and does not come up says why, for as long.
func TestDeathSaysWhatIsInTheWay(t *testing.T) {
	b := running(catalog.RabbitMQ)
	b.died()
	b.failed("REBOOT_FAILED", "port 5671 is in use", monday)
	if b.State != Rebooting || !b.Unplanned || len(b.Actions()) != 1 || b.Actions()[0].Info != "port 5671 is in use" {
		t.Errorf("%+v", b)
	}
	b.started(b.next(), Running{})
	if b.State != Up || len(b.Actions()) != 0 {
		t.Errorf("%+v", b)
	}
}

// A key that works again heals the broker.
func TestInvalidKeyHeals(t *testing.T) {
	b := running(catalog.RabbitMQ)
	b.failed(invalidKey, "disabled", monday)
	if b.State != Critical || b.reboot() == nil {
		t.Errorf("%s", b.State)
	}
	b.started(b.next(), Running{})
	if b.State != Up || len(b.Troubles) != 0 {
		t.Errorf("%+v", b)
	}
}

func TestUsersWait(t *testing.T) {
	b := running(catalog.ActiveMQ)
	say := func() string {
		var s []string
		for _, u := range b.Users {
			text := u.Name + ":" + string(u.Password) + fmt.Sprint(u.Groups)
			if u.Pending != nil {
				text += "→" + string(u.Pending.Change) + fmt.Sprint(u.Pending.Groups)
			}
			s = append(s, text)
		}
		return strings.Join(s, " ")
	}
	reboot := func() error { _ = b.reboot(); b.started(b.next(), Running{}); return nil }
	for _, step := range []struct {
		what string
		do   func() error
		want string // the users; or the code of a refusal
	}{
		{"create", func() error {
			return b.createUser("ada", UserChange{Password: Sealed("2"), Groups: &[]string{"g"}}, 250)
		}, "ada:[]→CREATE[g] miller:1[]"},
		{"create again", func() error { return b.createUser("ada", UserChange{}, 250) }, string(fault.Conflict)},
		{"update what is not made yet", func() error { return b.updateUser("ada", UserChange{Groups: &[]string{"h"}}) }, "ada:[]→CREATE[h] miller:1[]"},
		{"update", func() error { return b.updateUser("miller", UserChange{Password: Sealed("3")}) }, "ada:[]→CREATE[h] miller:1[]→UPDATE[]"},
		{"reboot", reboot, "ada:2[h] miller:3[]"},
		{"delete", func() error { return b.deleteUser("ada") }, "ada:2[h]→DELETE[h] miller:3[]"},
		{"take back", func() error { return b.updateUser("ada", UserChange{}) }, "ada:2[h]→UPDATE[h] miller:3[]"},
		{"delete again", func() error { return b.deleteUser("ada") }, "ada:2[h]→DELETE[h] miller:3[]"},
		{"reboot again", reboot, "miller:3[]"},
		{"create to delete", func() error { return b.createUser("bob", UserChange{}, 250) }, "bob:[]→CREATE[] miller:3[]"},
		{"delete what is not made yet", func() error { return b.deleteUser("bob") }, "miller:3[]"},
		{"delete nobody", func() error { return b.deleteUser("bob") }, string(fault.NotFound)},
		{"one too many", func() error { return b.createUser("bob", UserChange{}, 1) }, string(fault.Invalid)},
	} {
		got := ""
		if err := step.do(); err != nil {
			got = string(fault.Of(err))
		} else {
			got = say()
		}
		if got != step.want {
			t.Errorf("%s: %s, want %s", step.what, got, step.want)
		}
	}
}

// The text is AWS's, as terraform-provider-aws reported it in 2021.
func TestRefusalsTellTheState(t *testing.T) {
	b := &Broker{Name: "mill", State: Rebooting}
	if err := b.reboot(); err == nil || err.Error() != "Broker [mill] can't be rebooted while in state [REBOOT_IN_PROGRESS]" {
		t.Error(err)
	}
}
