package rabbitmq

import (
	"testing"

	"millrace/runtime/broker"
)

func TestAlarmsAreActions(t *testing.T) {
	f := healthyAPI()
	_, _, c := fakeBroker(t, f)
	if got, err := c.Alarms(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("a healthy broker: %v, %v", got, err)
	}
	const check = "GET " + allAlarmsCheck
	f.answers[check] = 503
	f.bodies[check] = `{"status":"failed","alarms":[{"node":"n","resource":"memory"},{"node":"n","resource":"disk space"},{"node":"n","resource":"memory"},{"node":"n","resource":"new"}]}`
	got, err := c.Alarms(t.Context())
	if err != nil || len(got) != 2 || got[0].Code != broker.DiskAlarm || got[1].Code != broker.MemoryAlarm {
		t.Errorf("got %v, %v", got, err)
	}
	for _, a := range got {
		if !a.IsAlarm() || a.Info == "" {
			t.Errorf("%+v is no alarm, or says nothing", a)
		}
	}
	f.answers[check], f.bodies[check] = 503, "down"
	if got, err := c.Alarms(t.Context()); err == nil {
		t.Errorf("what cannot answer has alarms %v", got)
	}
}

// What a supervised broker costs the runtime: a minute has six looks for alarms and one
// reconciliation.
func BenchmarkSupervision(b *testing.B) {
	_, _, c := fakeBroker(b, healthyAPI())
	for b.Loop() {
		for range 6 {
			if _, err := c.Alarms(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := c.Reconcile(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
