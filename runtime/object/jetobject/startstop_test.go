package jetobject_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
	"millrace/runtime/object"
	"millrace/runtime/object/jetobject"
)

func TestStartsAndStops(t *testing.T) {
	e := start(t, jetobject.Config{})
	put(e, e.create(announced), "a", text(1, short))
	lifecycletest.Stress(t, func() lifecycle.Part {
		c := e.config
		c.Backbone, c.Records, c.Keys, c.Blobs = e.backbone, e.records, e.ring, e.blobs
		return jetobject.New(c)
	})
}

// The store fails and is reopened several times under load. No caller waits for ever, what was
// answered is there, and what was not is there as a whole or not at all.
func TestStoreReopensUnderLoad(t *testing.T) {
	bubble(t, func(e *env) {
		b := e.create(object.Settings{})
		stored := map[string]int{}
		var mu sync.Mutex
		var callers sync.WaitGroup
		began := time.Now()
		for p := range 4 {
			callers.Go(func() {
				for i := range 200 {
					key := string(rune('a' + p))
					c, err := tryPut(b, key, text(i, short), object.Condition{})
					if err == nil && c.Err == nil {
						mu.Lock()
						stored[key] = i
						mu.Unlock()
						continue
					}
					if err == nil || !errors.Is(err, fault.Unavailable) {
						t.Errorf("a put failed with %v", err)
					}
					mu.Lock()
					delete(stored, key)
					mu.Unlock()
					time.Sleep(time.Millisecond)
				}
			})
		}
		for range 3 {
			time.Sleep(20 * time.Millisecond)
			e.backbone.Report(errors.New("a write failed"))
		}
		callers.Wait()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("all of it took %v", took)
		}
		time.Sleep(10 * time.Second)
		for range 2 {
			for key, i := range stored {
				want(e, e.bucket(), key, text(i, short))
			}
			e.kill()
		}
		if len(e.losses) > 0 {
			t.Errorf("losses: %v", e.losses)
		}
	})
}

// A full disk refuses what adds something, and lets go what frees room.
func TestFullGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := &limit{}
		e := start(t, jetobject.Config{Gate: capacity.Gate{full}})
		b := e.create(object.Settings{})
		put(e, b, "a", text(1, short))
		put(e, b, "b", text(1, long))
		full.set(unavailable)
		if _, err := tryPut(b, "c", text(1, short), object.Condition{}); !errors.Is(err, fault.Unavailable) {
			t.Errorf("a put without room: %v", err)
		}
		remove(e, b, "a")
		remove(e, b, "b")
		full.set(nil)
		put(e, b, "c", text(1, short))
		want(e, b, "c", text(1, short))
		wantNone(e, b, "a")
	})
}

type limit struct {
	mu  sync.Mutex
	err error
}

func (l *limit) Admit(int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *limit) set(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// When the next start would not find what JetStream has acknowledged, callers are told so.
func TestUnverifiedEntriesAreNotAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := &limit{}
		e := start(t, jetobject.Config{VerifyStored: func() error { return lost.Admit(0) }})
		b := e.create(object.Settings{})
		put(e, b, "a", text(1, short))
		lost.set(unavailable)
		if _, err := tryPut(b, "a", text(2, short), object.Condition{}); !errors.Is(err, fault.Unavailable) {
			t.Errorf("a put that is not verified: %v", err)
		}
		lost.set(nil)
		put(e, b, "a", text(3, short))
		want(e, b, "a", text(3, short))
	})
}
