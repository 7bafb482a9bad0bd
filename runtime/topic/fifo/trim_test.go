package fifo_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/topic/fifo"
)

// What all readers are done with goes once it is older than the duplicate window. What one
// is not done with stays.
func TestTrim(t *testing.T) {
	bubble(t, func(e *env) {
		s, blocked := e.follow("a"), e.follow("blocked")
		e.publish(numbered(1, 100)...)
		settle()
		var refuses error = errors.New("no")
		blocked.mu.Lock()
		blocked.fail = func(items []fifo.Item) (int, error) {
			if refuses != nil {
				return 0, refuses
			}
			return len(items), nil
		}
		blocked.mu.Unlock()
		e.publish(numbered(101, 200)...)
		time.Sleep(fifo.DuplicateWindow - 10*time.Second)
		if b := e.bounds(); b.Entries != 200 {
			t.Errorf("within the window %d entries of 200 are left", b.Entries)
		}
		time.Sleep(15 * time.Minute)
		if b := e.bounds(); b.Entries != 100 {
			t.Errorf("%d entries are left, want the 100 of the blocked reader", b.Entries)
		}
		blocked.mu.Lock()
		refuses = nil
		blocked.mu.Unlock()
		time.Sleep(15 * time.Minute)
		if b := e.bounds(); b.Entries != 0 {
			t.Errorf("%d entries are left", b.Entries)
		}
		for _, restart := range []func(*env){(*env).reopen, (*env).kill} { // of an empty log
			restart(e)
			e.again("a", s)
			e.again("blocked", blocked)
			settle()
			if len(e.losses) > 0 {
				t.Fatalf("losses %+v", e.losses)
			}
		}
		e.publish("201")
		settle()
		s.want(numbered(1, 201)...)
		blocked.want(numbered(1, 201)...)
	})
}

// What is younger than the duplicate window stays while older entries go: after a restart its
// keys are known.
func TestTrimKeepsTheDuplicateWindow(t *testing.T) {
	bubble(t, func(e *env) {
		s := e.follow("a")
		for i := range 60 {
			e.publish(numbered(i, i)...)
			time.Sleep(30 * time.Second)
			if b := e.bounds(); i > 30 && (b.Entries < 10 || b.Entries > 25) {
				t.Errorf("after %d entries %d are left, want those of five to twelve minutes", i+1, b.Entries)
			}
		}
		e.kill()
		e.again("a", s)
		for i := 51; i < 60; i++ {
			if again := e.publish(numbered(i, i)...)[0]; !again.Duplicate || len(again.Content) == 0 {
				t.Errorf("after a restart %d is no duplicate: %+v", i, again)
			}
		}
		settle()
		s.want(numbered(0, 59)...)
	})
}

// A cursor that nobody follows, and a log that nobody reads.
func TestTrimWithoutReaders(t *testing.T) {
	bubble(t, func(e *env) {
		e.publish("1")
		time.Sleep(15 * time.Minute)
		if b := e.bounds(); b.Entries != 0 {
			t.Errorf("%d entries are left that nobody reads", b.Entries)
		}
		s := e.follow("a")
		e.publish("2")
		e.reopen()
		time.Sleep(15 * time.Minute)
		e.again("a", s)
		settle()
		s.want("2")
	})
}

// An archive keeps entries for its time, also over a restart.
func TestArchive(t *testing.T) {
	bubble(t, func(e *env) {
		const day = 24 * time.Hour
		if err := e.logs.Retain(ctx, topic, 2*day); err != nil {
			t.Fatal(err)
		}
		s := e.follow("a")
		e.publish("1", "2")
		time.Sleep(day)
		e.publish("3")
		time.Sleep(day - time.Hour)
		e.kill()
		e.again("a", s)
		if b := e.bounds(); b.Entries != 3 {
			t.Errorf("%d entries are left of 3", b.Entries)
		}
		time.Sleep(2 * time.Hour)
		if b := e.bounds(); b.Entries != 1 || time.Since(b.FirstTime) < day {
			t.Errorf("bounds %+v", b)
		}
		if err := e.logs.Retain(ctx, topic, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Minute)
		if b := e.bounds(); b.Entries != 0 {
			t.Errorf("without an archive %d entries are left", b.Entries)
		}
		s.want("1", "2", "3")
	})
}

// A replay begins at a time, ends at another, and says so.
func TestReplay(t *testing.T) {
	bubble(t, func(e *env) {
		if err := e.logs.Retain(ctx, topic, time.Hour); err != nil {
			t.Fatal(err)
		}
		e.publish("1")
		time.Sleep(time.Minute)
		from := time.Now()
		e.publish(numbered(2, 500)...)
		time.Sleep(time.Minute)
		until := time.Now()
		e.publish("501")
		replay := func(id string, from, until time.Time) *sink {
			s := &sink{TB: t}
			r := s.reader(id)
			r.From, r.Until = from, until
			if err := e.logs.Follow(ctx, r); err != nil {
				t.Fatal(err)
			}
			return s
		}
		all := replay("all", time.Unix(0, 0), time.Time{})
		some := replay("some", from, until)
		none := replay("none", time.Now().Add(time.Minute), time.Time{})
		soon := replay("soon", until, time.Now().Add(time.Minute))
		settle()
		all.want(numbered(1, 501)...)
		some.want(numbered(2, 500)...)
		none.want()
		soon.want("501")
		if all.ended != 0 || some.ended != 1 || soon.ended != 0 {
			t.Errorf("%d, %d, %d replays have ended, want 0, 1, 0", all.ended, some.ended, soon.ended)
		}
		e.publish("502")
		time.Sleep(2 * time.Minute)
		soon.want("501", "502")
		none.want("502")
		if soon.ended != 1 {
			t.Errorf("it ended %d times", soon.ended)
		}
		e.publish("503")
		settle()
		soon.want("501", "502")
		e.kill()
		r := some.reader("some")
		r.From, r.Until = from, until
		if err := e.logs.Follow(ctx, r); err != nil {
			t.Fatal(err)
		}
		settle()
		some.want(numbered(2, 500)...)
		if some.ended != 2 {
			t.Errorf("after a restart it had ended %d times, want 2", some.ended)
		}
	})
}

// At rest nothing ticks but the server, and a log needs no goroutine.
func TestRestIsQuiet(t *testing.T) {
	bubble(t, func(e *env) {
		s := e.follow("a")
		e.publish("1")
		time.Sleep(time.Hour)
		synctest.Wait()
		s.want("1")
		stack := stacks()
		for _, name := range []string{"fifo.(*reader)", "fifo.(*topicLog)", "flushAll"} {
			if contains(stack, name) {
				t.Errorf("at rest %s runs:\n%s", name, stack)
			}
		}
	})
}
