package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/broker/metrics"
	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

// A stage is a Runner that notes what it is asked for, and fails as it is told.
type stage struct {
	start time.Time
	takes time.Duration // of a Run
	rolls bool          // a Reboot is that of a cluster

	mu    sync.Mutex
	log   []string
	fails map[string]error // by "run VERSION", "remove"
	die   chan struct{}    // of what ran last
	alarm chan []Action    // of what ran last
}

func (s *stage) note(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf("%gs ", time.Since(s.start).Seconds())+fmt.Sprintf(format, args...))
}

func (s *stage) Run(ctx context.Context, d Desired) (Running, error) {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		s.note("run %s given up", d.Version)
		return Running{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fails["run "+d.Version]; err != nil {
		s.note("run %s fails", d.Version)
		return Running{}, err
	}
	var users []string
	for _, u := range d.Users {
		users = append(users, u.Name+"="+u.Password)
	}
	s.note("run %s %v", d.Version, users)
	s.die, s.alarm = make(chan struct{}), make(chan []Action, 1)
	at := []Instance{{Endpoints: []string{"amqp://127.0.0.1:5672", "amqps://127.0.0.1:5671"}}}
	return Running{Instances: at, Software: "stage " + d.Version, Alarms: s.alarm, Done: s.die, Err: func() error { return errors.New("killed") }}, nil
}

// Reboot is that of a single instance, unless the stage rolls.
func (s *stage) Reboot(ctx context.Context, d Desired) (Running, error) {
	if s.rolls {
		return s.roll(ctx, d)
	}
	if err := s.Stop(ctx, d.ID); err != nil {
		return Running{}, err
	}
	return s.Run(ctx, d)
}

func (s *stage) roll(ctx context.Context, d Desired) (Running, error) {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := ctx.Err()
	if err == nil {
		err = s.fails["reboot "+d.Version]
	}
	if err != nil {
		s.note("reboot %s fails", d.Version)
		return Running{}, err
	}
	s.note("reboot %s", d.Version)
	return Running{Software: "stage " + d.Version, Alarms: s.alarm, Done: s.die, Err: func() error { return errors.New("killed") }}, nil
}

func (s *stage) Stop(context.Context, string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note("stop")
	return nil
}

func (s *stage) Remove(context.Context, string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fails["remove"]; err != nil {
		s.note("remove fails")
		return err
	}
	s.note("remove")
	return nil
}

func (s *stage) User(_ context.Context, _ string, u User, c Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note("%s user %s", c, u.Name)
	return nil
}

func (s *stage) Provoke(_ context.Context, _, code string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fails["provoke"]; err != nil {
		return err
	}
	s.note("%s %v", code, on)
	return nil
}

func (s *stage) Log(context.Context, string, string, bool, io.Writer) error { return nil }
func (s *stage) Metrics(string, time.Time) []metrics.Series                 { return nil }

// said returns what was noted since it was last asked.
func (s *stage) said() string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	text := strings.Join(s.log, "; ")
	s.log = nil
	return text
}

func (s *stage) fail(what string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails[what] = err
}

// A play is Brokers over a stage.
type play struct {
	*testing.T
	*Brokers
	stage   *stage
	js      jetstream.JetStream
	records *record.Store
	ring    *keys.Ring
}

func (p *play) on(home string) *Brokers {
	return New(Config{Records: p.records, Keys: p.ring, Runner: p.stage, Home: home})
}

// in runs a test in a bubble, with brokers that run.
func in(t *testing.T, takes time.Duration, test func(*play)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		js := backbonetest.Start(t, dir).JetStream()
		s := record.New(js, nil)
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Stop(context.Background()) })
		ring, err := keys.Open(s, keys.NewRoot(), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		p := &play{T: t, stage: &stage{start: time.Now(), takes: takes, fails: map[string]error{}}, js: js, records: s, ring: ring}
		p.Brokers = p.on("here")
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Brokers.Stop(context.Background()) })
		test(p)
	})
}

func (p *play) create(name string) Broker {
	p.Helper()
	b, err := p.Create(p.Context(), Broker{
		Name: name, Account: "000000000000", Region: "us-east-1", Engine: catalog.RabbitMQ, Mode: catalog.SingleInstance,
		Encryption: Encryption{Owned: true}, Settings: Settings{Version: "1.0", Strategy: catalog.Simple}, Users: []StoredUser{{Name: "miller"}},
	}, Passwords{Users: map[string]string{"miller": "secret"}, Asked: "secret"}, 0, nil)
	if err != nil {
		p.Fatal(err)
	}
	return b
}

// expect compares what the stage was asked for, and the state of a broker, "" when it is gone.
func (p *play) expect(b Broker, state State, said string) {
	p.Helper()
	if got := p.stage.said(); got != said {
		p.Errorf("the runner was asked for\n     %s\nwant %s", got, said)
	}
	now, err := p.Get(p.Context(), b.Account, b.Region, b.ID)
	if err != nil && (state != "" || !errors.Is(err, fault.NotFound)) || now.State != state {
		p.Errorf("the broker is %q, want %q (%v)", now.State, state, err)
	}
}

func (p *play) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *play) upgrade(b Broker, version string) {
	p.Helper()
	_, err := p.Update(p.Context(), b, Edit{Settings: SettingsChange{Version: &version}})
	p.must(err)
	p.must(p.Reboot(p.Context(), b))
}

func TestLife(t *testing.T) {
	in(t, 3*time.Second, func(p *play) {
		b := p.create("mill")
		p.expect(b, Creating, "")
		time.Sleep(3 * time.Second)
		p.expect(b, Up, "3s run 1.0 [miller=secret]")
		p.upgrade(b, "2.0")
		p.expect(b, Rebooting, "3s stop")
		time.Sleep(3 * time.Second)
		p.expect(b, Up, "6s run 2.0 [miller=secret]")
		if now, _ := p.Get(p.Context(), b.Account, b.Region, b.ID); now.Software != "stage 2.0" || now.Settings.Version != "2.0" {
			p.Errorf("%+v", now)
		}
		p.must(p.ChangeLiveUser(p.Context(), b, User{Name: "ada"}, Create))
		p.expect(b, Up, "6s CREATE user ada")
		p.must(p.Brokers.Delete(p.Context(), b))
		p.expect(b, "", "6s remove")
		p.create("mill") // the name is free
	})
}

func TestFailures(t *testing.T) {
	in(t, 0, func(p *play) {
		p.stage.fail("run 1.0", errors.New("install something"))
		b := p.create("mill")
		p.expect(b, CreationFailed, "0s run 1.0 fails")
		now, _ := p.Get(p.Context(), b.Account, b.Region, b.ID)
		if a := now.Actions(); len(a) != 1 || a[0].Info != "install something" {
			p.Errorf("actions %+v", a)
		}
		p.stage.fail("remove", errors.New("busy"))
		p.must(p.Brokers.Delete(p.Context(), b))
		p.expect(b, Deleting, "0s remove fails")
		time.Sleep(3 * time.Second)
		p.expect(b, Deleting, "1s remove fails; 3s remove fails")
		p.stage.fail("remove", nil)
		time.Sleep(4 * time.Second)
		p.expect(b, "", "7s remove")
	})
}

// A reboot that fails has the broker run as before, and may be asked for again.
func TestRebootThatFails(t *testing.T) {
	in(t, 0, func(p *play) {
		b := p.create("mill")
		p.stage.said()
		p.stage.fail("run 2.0", errors.New("no such image"))
		p.upgrade(b, "2.0")
		time.Sleep(time.Second)
		p.expect(b, Critical, "0s stop; 0s run 2.0 fails; 0s run 1.0 [miller=secret]")
		p.stage.fail("run 2.0", nil)
		p.must(p.Reboot(p.Context(), b))
		p.expect(b, Up, "1s stop; 1s run 2.0 [miller=secret]")
	})
}

// A cluster goes on while it is rebooted, and is not stopped for it.
func TestRebootThatRolls(t *testing.T) {
	in(t, 2*time.Second, func(p *play) {
		p.stage.rolls = true
		b := p.create("mill")
		time.Sleep(2 * time.Second)
		p.stage.said()
		p.upgrade(b, "2.0")
		p.expect(b, Rebooting, "")
		time.Sleep(2 * time.Second)
		p.expect(b, Up, "4s reboot 2.0")

		p.stage.fail("reboot 3.0", errors.New("a node does not come back"))
		p.upgrade(b, "3.0")
		time.Sleep(5 * time.Second)
		p.expect(b, Critical, "6s reboot 3.0 fails; 8s run 2.0 [miller=secret]")

		p.must(p.Reboot(p.Context(), b))
		time.Sleep(time.Second)
		p.must(p.Brokers.Stop(p.Context())) // nothing is left running
		p.expect(b, Rebooting, "10s reboot 3.0 fails; 10s stop")
		p.must(p.Start(p.Context()))
		time.Sleep(2 * time.Second)
		p.expect(b, Up, "12s run 3.0 [miller=secret]")

		p.must(p.Reboot(p.Context(), b))
		time.Sleep(time.Second)
		close(p.stage.die) // and is over with it
		p.stage.fail("reboot 3.0", nil)
		time.Sleep(time.Second)
		p.expect(b, Rebooting, "14s reboot 3.0")
		time.Sleep(3 * time.Second)
		p.expect(b, Up, "17s run 3.0 [miller=secret]")
	})
}

// A broker that dies is run again, later each time, and nothing pending takes effect.
func TestDeath(t *testing.T) {
	in(t, 0, func(p *play) {
		b := p.create("mill")
		p.stage.said()
		_, err := p.Update(p.Context(), b, Edit{Settings: SettingsChange{Version: new("2.0")}})
		p.must(err)
		close(p.stage.die)
		p.expect(b, Rebooting, "")
		time.Sleep(time.Second)
		p.expect(b, Up, "1s run 1.0 [miller=secret]")
		p.stage.fail("run 1.0", errors.New("port taken"))
		close(p.stage.die)
		time.Sleep(10 * time.Second)
		p.expect(b, Rebooting, "3s run 1.0 fails; 7s run 1.0 fails")
		p.stage.fail("run 1.0", nil)
		time.Sleep(10 * time.Minute)
		p.expect(b, Up, "15s run 1.0 [miller=secret]")
		close(p.stage.die)
		time.Sleep(time.Second)
		p.expect(b, Up, "612s run 1.0 [miller=secret]")
	})
}

// A broker that a condition keeps from running, such as a full disk, is tried each second,
// and says why meanwhile; the log, which has that already, has it once.
func TestConditionThatLasts(t *testing.T) {
	var log bytes.Buffer
	in(t, 0, func(p *play) {
		p.Brokers.log = slog.New(slog.NewTextHandler(&log, nil))
		b := p.create("mill")
		p.stage.said()
		p.stage.fail("run 1.0", fault.State(nil, "The disk is full."))
		close(p.stage.die)
		time.Sleep(3500 * time.Millisecond)
		p.expect(b, Rebooting, "1s run 1.0 fails; 2s run 1.0 fails; 3s run 1.0 fails")
		now, err := p.Get(p.Context(), b.Account, b.Region, b.ID)
		p.must(err)
		if a := now.Actions(); len(a) != 1 || a[0].Info != "The disk is full." {
			p.Errorf("the actions required are %v", a)
		}
		p.stage.fail("run 1.0", nil)
		time.Sleep(time.Second)
		p.expect(b, Up, "4s run 1.0 [miller=secret]")
		time.Sleep(time.Hour)
		p.expect(b, Up, "")
	})
	if strings.Contains(log.String(), "running a broker failed") {
		t.Errorf("the log has it again:\n%s", log.String())
	}
}

// A broker that is deleted while it comes up is given up at once.
// An alarm is what the broker's owner has to act on, and what keeps it from a reboot.
func TestAlarms(t *testing.T) {
	in(t, time.Second, func(p *play) {
		b := p.create("orders")
		time.Sleep(2 * time.Second)
		p.expect(b, Up, "1s run 1.0 [miller=secret]")
		tell := func(codes ...string) Broker {
			alarms := []Action{}
			for _, c := range codes {
				alarms = append(alarms, Action{Code: c})
			}
			p.stage.alarm <- alarms
			synctest.Wait()
			now, err := p.Get(p.Context(), b.Account, b.Region, b.ID)
			p.must(err)
			return now
		}
		if now := tell(); now.State != Up {
			t.Errorf("without an alarm it is %s", now.State)
		}
		if now := tell(DiskAlarm, MemoryAlarm); now.State != Critical || len(now.Actions()) != 2 {
			t.Errorf("with two alarms it is %s, %v", now.State, now.Actions())
		}
		if err := p.Reboot(p.Context(), b); fault.Of(err) != fault.Invalid {
			t.Errorf("a reboot under an alarm: %v", err)
		}
		if now := tell(MemoryAlarm); now.State != Critical || len(now.Actions()) != 1 {
			t.Errorf("with an alarm less it is %s, %v", now.State, now.Actions())
		}
		// One that dies of it comes back, and tells anew.
		close(p.stage.die)
		time.Sleep(10 * time.Second)
		p.stage.said()
		if now := tell(); now.State != Up || len(now.Actions()) != 0 {
			t.Errorf("well again it is %s, %v", now.State, now.Actions())
		}
		p.must(p.Reboot(p.Context(), b))
	})
}

func TestDeletionDuringCreation(t *testing.T) {
	in(t, time.Hour, func(p *play) {
		b := p.create("mill")
		time.Sleep(time.Second)
		p.must(p.Brokers.Delete(p.Context(), b))
		p.expect(b, "", "1s run 1.0 given up; 1s remove")
	})
}

// A start of the runtime goes on where it was, whatever the state; a stop keeps the data.
func TestRestart(t *testing.T) {
	in(t, 2*time.Second, func(p *play) {
		b := p.create("mill")
		time.Sleep(time.Second)
		p.must(p.Brokers.Stop(p.Context()))
		p.expect(b, Creating, "1s run 1.0 given up; 1s stop")
		p.must(p.Start(p.Context()))
		time.Sleep(2 * time.Second)
		p.expect(b, Up, "3s run 1.0 [miller=secret]")
		p.must(p.Brokers.Stop(p.Context()))
		p.expect(b, Up, "3s stop")
		p.must(p.Start(p.Context()))
		p.expect(b, Rebooting, "") // until it serves
		time.Sleep(2 * time.Second)
		p.expect(b, Up, "5s run 1.0 [miller=secret]")
		p.must(p.Reset(p.Context()))
		p.expect(b, "", "5s stop; 5s remove")
	})
}

// Another runtime describes, reboots and deletes a broker; only its home runs it.
func TestHome(t *testing.T) {
	in(t, 0, func(p *play) {
		b := p.create("mill")
		p.expect(b, Up, "0s run 1.0 [miller=secret]")
		records := record.New(p.js, nil)
		p.must(records.Start(p.Context()))
		defer records.Stop(context.Background())
		there := New(Config{Records: records, Keys: p.ring, Runner: p.stage, Home: "there"})
		p.must(there.Start(p.Context()))
		defer there.Stop(context.Background())
		p.expect(b, Up, "")
		p.must(there.Reboot(p.Context(), b))
		p.expect(b, Up, "0s stop; 0s run 1.0 [miller=secret]")
		if err := there.ChangeLiveUser(p.Context(), b, User{Name: "ada"}, Create); fault.Of(err) != fault.Invalid {
			p.Error(err)
		}
		p.must(there.Delete(p.Context(), b))
		p.expect(b, "", "0s remove")
	})
}

// When the runtime of a home has ended, another one can run its brokers, and goes on doing so
// when that is back.
func TestTakeOver(t *testing.T) {
	in(t, 0, func(p *play) {
		b := p.create("mill")
		p.expect(b, Up, "0s run 1.0 [miller=secret]")
		p.must(p.Brokers.Stop(p.Context()))
		p.stage.said()
		records := record.New(p.js, nil)
		p.must(records.Start(p.Context()))
		defer records.Stop(context.Background())
		there := New(Config{Records: records, Keys: p.ring, Runner: p.stage, Home: "there"})
		p.must(there.Start(p.Context()))
		defer there.Stop(context.Background())
		if homes := there.Elsewhere(); !slices.Equal(homes, []string{b.Home}) {
			t.Errorf("the other homes are %v", homes)
		}
		p.must(there.TakeOver(p.Context(), "nobody"))
		p.must(there.TakeOver(p.Context(), b.Home))
		p.expect(b, Up, "0s run 1.0 [miller=secret]")
		p.must(p.Start(p.Context()))
		time.Sleep(time.Hour)
		p.expect(b, Up, "")
		if now := p.now(b); now.Home != "there" {
			t.Errorf("its home is %s", now.Home)
		}
	})
}

// A name that a killed runtime took for a broker that it never stored is free again later.
func TestNameWithoutBroker(t *testing.T) {
	in(t, 0, func(p *play) {
		b := Broker{Name: "mill", Account: "000000000000", Region: "us-east-1"}
		p.must(p.names.Create(p.Context(), b.nameKey(), claim{"b-lost", time.Now(), "there"}))
		_, err := p.Create(p.Context(), Broker{Name: "mill", Account: b.Account, Region: b.Region, Encryption: Encryption{Owned: true}}, Passwords{}, 0, nil)
		if fault.Of(err) != fault.Conflict {
			p.Errorf("at once: %v", err)
		}
		time.Sleep(claimTimeout)
		p.create("mill")
	})
}

// The same request, sent many times at once, makes one broker; and a quota holds.
func TestCreationsAtOnce(t *testing.T) {
	in(t, 0, func(p *play) {
		const n = 10
		atOnce := func(name func(int) string, token string) (ids map[string]bool, refused int) {
			ids = map[string]bool{}
			var mu sync.Mutex
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() {
					b, err := p.Create(p.Context(), Broker{
						Name: name(i), Token: token, Account: "000000000000", Region: "us-east-1", Encryption: Encryption{Owned: true},
					}, Passwords{}, 3, nil)
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						refused++
					} else {
						ids[b.ID] = true
					}
				})
			}
			all.Wait()
			return ids, refused
		}
		if ids, refused := atOnce(func(int) string { return "mill" }, "token"); len(ids) != 1 || refused != 0 {
			t.Errorf("the same request made %d brokers, and was refused %d times", len(ids), refused)
		}
		if ids, refused := atOnce(func(i int) string { return fmt.Sprint("mill-", i) }, ""); len(ids) != 2 || refused != n-2 {
			t.Errorf("beside one, the quota of 3 let in %d", len(ids))
		}
	})
}

// What a killed runtime left of a name is gone when that runtime starts again.
func TestOwnNameWithoutBroker(t *testing.T) {
	in(t, 0, func(p *play) {
		kept := p.create("kept")
		b := Broker{Name: "mill", Account: "000000000000", Region: "us-east-1"}
		p.must(p.names.Create(p.Context(), b.nameKey(), claim{"b-lost", time.Now(), "here"}))
		p.must(p.Brokers.Stop(p.Context()))
		p.must(p.Start(p.Context()))
		p.create("mill")
		if _, err := p.Create(p.Context(), kept, Passwords{}, 0, nil); fault.Of(err) != fault.Conflict {
			p.Errorf("a second broker of a name: %v", err)
		}
	})
}

func TestNoPasswordIsStoredInTheClear(t *testing.T) {
	in(t, 0, func(p *play) {
		b := p.create("mill")
		now, _ := p.Get(p.Context(), b.Account, b.Region, b.ID)
		if s := fmt.Sprintf("%+v %s %s", now, now.Users[0].Password, now.Asked); strings.Contains(s, "secret") {
			p.Error(s)
		}
		other, _ := newKey(p.ring, &Broker{ID: "b-other", Encryption: Encryption{Owned: true}})
		if _, err := other.open(now.Users[0].Password); err == nil {
			p.Error("another broker's key opens it")
		}
	})
}

func TestFirstRabbitMQ(t *testing.T) {
	in(t, 0, func(p *play) {
		var accounts []string
		p.config.FirstRabbitMQ = func(_ context.Context, account string) error {
			accounts = append(accounts, account)
			return nil
		}
		p.create("one")
		p.create("two")
		if !slices.Equal(accounts, []string{"000000000000"}) {
			p.Error(accounts)
		}
	})
}

func TestStartStop(t *testing.T) {
	s := record.New(backbonetest.Start(t, t.TempDir()).JetStream(), nil)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Stop(context.Background())
	ring, err := keys.Open(s, keys.NewRoot(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	lifecycletest.Stress(t, func() lifecycle.Part { return New(Config{Records: s, Keys: ring, Runner: Metadata{}}) })
}
