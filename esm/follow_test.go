package esm_test

import (
	"testing"
	"testing/synctest"

	"millrace/esm"
	"millrace/runtime/store/record"
)

// A mapping that one runtime makes, changes or deletes is polled, or not, by the
// others on the same cluster too.
func TestMappingsOfAnotherRuntime(t *testing.T) {
	in(t, func(w *world) {
		records := record.New(w.backbone.JetStream(), nil)
		if err := records.Start(w.Context()); err != nil {
			t.Fatal(err)
		}
		defer records.Stop(w.Context())
		config := w.config
		config.Records = records
		other := func() *esm.Mappings { // which leaves the polling to us
			m := esm.New(config)
			if err := m.Start(w.Context()); err != nil {
				t.Fatal(err)
			}
			return m
		}
		made := other()
		m, err := made.Create(w.Context(), esm.Mapping{EventSource: queueARN, FunctionARN: functionARN, Enabled: true, BatchSize: 1})
		if err != nil {
			t.Fatal(err)
		}
		made.Stop(w.Context())
		synctest.Wait()
		w.queues["orders"].send("a")
		w.saw("0s a")

		changed := other()
		if _, err := changed.Update(w.Context(), m.UUID, func(m *esm.Mapping) error { m.Enabled = false; return nil }); err != nil {
			t.Fatal(err)
		}
		changed.Stop(w.Context())
		synctest.Wait()
		w.queues["orders"].send("b")
		w.saw("0s a")

		changed = other()
		if _, err := changed.Update(w.Context(), m.UUID, func(m *esm.Mapping) error { m.Enabled = true; return nil }); err != nil {
			t.Fatal(err)
		}
		changed.Stop(w.Context())
		synctest.Wait()
		w.queues["orders"].send("c")
		w.saw("0s a", "0s b", "0s c")

		gone := other()
		if _, err := gone.Delete(w.Context(), m.UUID); err != nil {
			t.Fatal(err)
		}
		gone.Stop(w.Context())
		synctest.Wait()
		w.queues["orders"].send("d")
		w.saw("0s a", "0s b", "0s c")
	})
}
