package record_test

import (
	"testing"

	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
)

func TestStartStop(t *testing.T) {
	for name, copied := range map[string]bool{"shared": false, "ours": true} {
		t.Run(name, func(t *testing.T) {
			js := backbonetest.Start(t, t.TempDir()).JetStream()
			// The connection's first request starts a goroutine that stays with it.
			if _, err := js.AccountInfo(t.Context()); err != nil {
				t.Fatal(err)
			}
			lifecycletest.Stress(t, func() lifecycle.Part {
				if copied {
					return record.New(js, &record.Copies{Dir: t.TempDir()})
				}
				return record.New(js, nil)
			})
		})
	}
}

// What was read stays readable after the Stop.
func TestReadsOutliveTheStop(t *testing.T) {
	s := open(t, backbonetest.Start(t, t.TempDir()))
	things := record.NewTable[int](s, "thing")
	if err := things.Create(t.Context(), "a", 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v, ok := things.Get("a"); !ok || v != 1 {
		t.Errorf("got %d, %v", v, ok)
	}
}
