package broker

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/fault"
	"millrace/runtime/store/keys"
)

// What faults there are, and of which modes.
func TestNewFault(t *testing.T) {
	for _, c := range []struct {
		engine  catalog.Engine
		code    string
		mode    FaultMode
		lasting time.Duration
		want    string // of the sentence; "" for a fault
	}{
		{catalog.RabbitMQ, MemoryAlarm, "", 0, ""},
		{catalog.RabbitMQ, MemoryAlarm, StateFault, time.Minute, ""},
		{catalog.RabbitMQ, ConnectionClosed, "", 0, ""},
		{catalog.RabbitMQ, ConnectionClosed, StateFault, 0, "mode"},
		{catalog.RabbitMQ, invalidKey, "", 0, ""},
		{catalog.RabbitMQ, invalidKey, RealFault, 0, "disable the broker's KMS key"},
		{catalog.RabbitMQ, "RABBITMQ_INVALID_ARN_SSL", RealFault, 0, "mode"},
		{catalog.RabbitMQ, MemoryAlarm, "unreal", 0, "real, state"},
		{catalog.RabbitMQ, MemoryAlarm, "", -time.Second, "before it begins"},
		{catalog.RabbitMQ, "BROKER_OOM", "", 0, "RABBITMQ_MEMORY_ALARM, RABBITMQ_DISK_ALARM, CONNECTION_CLOSED, RABBITMQ_INVALID_KMS_KEY"},
		{catalog.ActiveMQ, "BROKER_OOM", "", 0, ""},
		{catalog.ActiveMQ, MemoryAlarm, "", 0, "BROKER_ENI_DELETED, BROKER_OOM"},
	} {
		f, err := newFault(c.engine, c.code, c.mode, c.lasting, monday)
		if c.want == "" {
			if err != nil || f.Code != c.code || f.Mode == "" || f.over(monday) || c.lasting > 0 && !f.over(monday.Add(c.lasting)) {
				t.Errorf("%s %s: %+v, %v", c.code, c.mode, f, err)
			}
			continue
		}
		if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v", c.code, c.mode, err)
		}
	}
}

// All kinds tell the owner what to do, but those that no owner sees.
func TestFaultsSayWhatToDo(t *testing.T) {
	for _, k := range faultKinds {
		if (Fault{Code: k.code}).Action().Info == "" && k.code != ConnectionClosed {
			t.Errorf("%s says nothing", k.code)
		}
	}
}

// What is true besides is said once.
func TestFaultOfWhatIsTrue(t *testing.T) {
	b := running(catalog.RabbitMQ)
	if err := b.inject(Fault{Code: MemoryAlarm, Mode: StateFault}); err != nil {
		t.Fatal(err)
	}
	b.alarmed([]Action{{MemoryAlarm, "really"}})
	if a := b.Actions(); len(a) != 1 || a[0].Info != "really" {
		t.Errorf("%v", a)
	}
	b.alarmed(nil)
	if a := b.Actions(); len(a) != 1 || a[0].Info == "" || b.State != Critical {
		t.Errorf("%v, %s", a, b.State)
	}
}

func (p *play) now(b Broker) Broker {
	p.Helper()
	synctest.Wait()
	now, err := p.Get(p.Context(), b.Account, b.Region, b.ID)
	p.must(err)
	return now
}

// says is the state of a broker, what is required, and which faults it has.
func (p *play) says(b Broker) string {
	p.Helper()
	now := p.now(b)
	text := string(now.State)
	for _, a := range now.Actions() {
		text += " " + a.Code
	}
	faults, err := p.Faults(b.ID)
	p.must(err)
	for _, f := range faults {
		text += fmt.Sprintf(" (%s %s)", f.Code, f.Mode)
	}
	return text
}

func TestStateFaults(t *testing.T) {
	in(t, time.Second, func(p *play) {
		b := p.create("orders")
		if _, err := p.Inject(p.Context(), b.ID, DiskAlarm, StateFault, 0); fault.Of(err) != fault.Invalid {
			t.Errorf("while it is created: %v", err)
		}
		time.Sleep(2 * time.Second)
		p.expect(b, Up, "1s run 1.0 [miller=secret]")
		inject := func(code string, lasting time.Duration) {
			_, err := p.Inject(p.Context(), b.ID, code, StateFault, lasting)
			p.must(err)
		}
		check := func(when, want string) {
			p.Helper()
			if got := p.says(b); got != want {
				p.Errorf("%s: %s, want %s", when, got, want)
			}
		}
		inject("RABBITMQ_INVALID_ARN", 0)
		check("with a fault", "CRITICAL_ACTION_REQUIRED RABBITMQ_INVALID_ARN (RABBITMQ_INVALID_ARN state)")
		p.must(p.Reboot(p.Context(), b))
		time.Sleep(2 * time.Second)
		check("after a reboot", "CRITICAL_ACTION_REQUIRED RABBITMQ_INVALID_ARN (RABBITMQ_INVALID_ARN state)")
		inject(DiskAlarm, 5*time.Minute)
		inject(DiskAlarm, 10*time.Minute) // in place of the other
		if err := p.Reboot(p.Context(), b); fault.Of(err) != fault.Invalid {
			t.Errorf("a reboot under an alarm: %v", err)
		}
		p.must(p.Brokers.Stop(p.Context()))
		p.must(p.Start(p.Context()))
		time.Sleep(9 * time.Minute)
		check("after a restart of the runtime", "CRITICAL_ACTION_REQUIRED RABBITMQ_INVALID_ARN RABBITMQ_DISK_ALARM (RABBITMQ_INVALID_ARN state) (RABBITMQ_DISK_ALARM state)")
		time.Sleep(2 * time.Minute)
		check("after its time", "CRITICAL_ACTION_REQUIRED RABBITMQ_INVALID_ARN (RABBITMQ_INVALID_ARN state)")
		if err := p.ClearFault(p.Context(), b.ID, DiskAlarm); fault.Of(err) != fault.NotFound {
			t.Errorf("clearing what is over: %v", err)
		}
		p.must(p.ClearFault(p.Context(), b.ID, "RABBITMQ_INVALID_ARN"))
		check("when cleared", "RUNNING")
		for _, err := range []error{
			p.ClearFault(p.Context(), "b-nobody", DiskAlarm),
			errorOf(p.Faults("b-nobody")),
			errorOf(p.Inject(p.Context(), "b-nobody", DiskAlarm, "", 0)),
		} {
			if fault.Of(err) != fault.NotFound {
				t.Errorf("of no broker: %v", err)
			}
		}
	})
}

func errorOf[T any](_ T, err error) error { return err }

// Real faults are the broker's own doing, again after it has died, and end by themselves.
func TestRealFaults(t *testing.T) {
	in(t, time.Second, func(p *play) {
		b := p.create("orders")
		time.Sleep(2 * time.Second)
		p.expect(b, Up, "1s run 1.0 [miller=secret]")
		inject := func(code string, lasting time.Duration) {
			p.Helper()
			_, err := p.Inject(p.Context(), b.ID, code, "", lasting)
			p.must(err)
		}
		inject(MemoryAlarm, time.Minute)
		inject(DiskAlarm, 0)
		p.expect(b, Up, "2s RABBITMQ_MEMORY_ALARM true; 2s RABBITMQ_DISK_ALARM true") // it is for the broker to say so
		p.stage.alarm <- []Action{{Code: DiskAlarm}, {Code: MemoryAlarm}}
		p.expect(b, Critical, "")
		close(p.stage.die)
		time.Sleep(8 * time.Second)
		if said := p.stage.said(); !strings.HasSuffix(said, "run 1.0 [miller=secret]; 3s RABBITMQ_MEMORY_ALARM true; 3s RABBITMQ_DISK_ALARM true") {
			t.Errorf("after its death: %s", said)
		}
		time.Sleep(2 * time.Minute)
		if said := p.stage.said(); said != "62s RABBITMQ_MEMORY_ALARM false" {
			t.Errorf("after its time: %s", said)
		}
		inject(ConnectionClosed, 0)
		p.must(p.ClearFault(p.Context(), b.ID, DiskAlarm))
		if said := p.stage.said(); said != "130s CONNECTION_CLOSED true; 130s RABBITMQ_DISK_ALARM false" {
			t.Errorf("cleared: %s", said)
		}
		if now := p.now(b); len(now.Faults) != 0 {
			t.Errorf("left are %v", now.Faults)
		}
		p.stage.fail("provoke", errors.New("no tools"))
		if _, err := p.Inject(p.Context(), b.ID, DiskAlarm, "", 0); err == nil || len(p.now(b).Faults) != 0 {
			t.Errorf("a fault that the broker cannot have: %v, left are %v", err, p.now(b).Faults)
		}
	})
}

// A broker whose runtime was killed is rid of a fault whose time ended meanwhile.
func TestRealFaultEndsWithoutARuntime(t *testing.T) {
	in(t, time.Second, func(p *play) {
		b := p.create("orders")
		time.Sleep(2 * time.Second)
		_, err := p.Inject(p.Context(), b.ID, MemoryAlarm, "", time.Minute)
		p.must(err)
		p.must(p.Brokers.Stop(p.Context()))
		time.Sleep(time.Hour)
		p.stage.said()
		p.must(p.Start(p.Context()))
		time.Sleep(2 * time.Second)
		if said := p.stage.said(); !strings.HasSuffix(said, "s RABBITMQ_MEMORY_ALARM false") || len(p.now(b).Faults) != 0 {
			t.Errorf("%s, left are %v", said, p.now(b).Faults)
		}
	})
}

// A broker is stopped while its key cannot be used, and runs again when it can.
func TestQuarantine(t *testing.T) {
	in(t, time.Second, func(p *play) {
		key, err := p.ring.Create(p.Context(), keys.Key{Account: "000000000000", Region: "us-east-1", Spec: "SYMMETRIC_DEFAULT"})
		p.must(err)
		b, err := p.Create(p.Context(), Broker{
			Name: "sealed", Account: "000000000000", Region: "us-east-1", Engine: catalog.RabbitMQ, Mode: catalog.SingleInstance,
			Encryption: Encryption{KeyID: key.ARN()}, Settings: Settings{Version: "1.0"}, Users: []StoredUser{{Name: "miller"}},
		}, Passwords{Users: map[string]string{"miller": "secret"}}, 0, nil)
		p.must(err)
		time.Sleep(2 * time.Second)
		p.expect(b, Up, "1s run 1.0 [miller=secret]")
		p.must(p.ring.Disable(p.Context(), key))
		p.expect(b, Critical, "2s stop")
		if got := p.says(b); got != "CRITICAL_ACTION_REQUIRED RABBITMQ_INVALID_KMS_KEY" {
			t.Error(got)
		}
		if err := p.Reboot(p.Context(), b); fault.Of(err) != fault.Invalid {
			t.Errorf("a reboot in quarantine: %v", err)
		}
		p.must(p.Brokers.Stop(p.Context()))
		p.must(p.Start(p.Context()))
		time.Sleep(time.Hour)
		p.expect(b, Critical, "2s stop; 2s stop") // as a runtime that ends, and what an earlier one may have left
		p.must(p.ring.Enable(p.Context(), key))
		time.Sleep(2 * time.Second)
		p.expect(b, Up, "3603s run 1.0 [miller=secret]")
		_, err = p.ring.ScheduleDeletion(p.Context(), key, 7)
		p.must(err)
		p.expect(b, Critical, "3604s stop")
		p.must(p.ring.CancelDeletion(p.Context(), key))
		p.must(p.Delete(p.Context(), b))
		p.expect(b, "", "3604s remove")
	})
}

// A key that is disabled while the broker reboots keeps it from coming up, until it is enabled.
func TestQuarantineDuringReboot(t *testing.T) {
	in(t, time.Second, func(p *play) {
		key, err := p.ring.Create(p.Context(), keys.Key{Account: "000000000000", Region: "us-east-1", Spec: "SYMMETRIC_DEFAULT"})
		p.must(err)
		b, err := p.Create(p.Context(), Broker{
			Name: "sealed", Account: "000000000000", Region: "us-east-1", Engine: catalog.RabbitMQ, Mode: catalog.SingleInstance,
			Encryption: Encryption{KeyID: key.ARN()}, Settings: Settings{Version: "1.0"}, Users: []StoredUser{{Name: "miller"}},
		}, Passwords{Users: map[string]string{"miller": "secret"}}, 0, nil)
		p.must(err)
		time.Sleep(2 * time.Second)
		p.must(p.Brokers.Stop(p.Context()))
		p.stage.said()
		p.must(p.ring.Disable(p.Context(), key))
		p.must(p.Start(p.Context()))
		p.expect(b, Critical, "2s stop")
		p.must(p.ring.Enable(p.Context(), key))
		time.Sleep(2 * time.Second)
		p.expect(b, Up, "3s run 1.0 [miller=secret]")
	})
}
