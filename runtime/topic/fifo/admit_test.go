package fifo_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
	"millrace/runtime/topic/fifo"
)

// AdmitWrite and VerifyStored refuse what they are asked for.
func TestRefusals(t *testing.T) {
	refused := fault.New(fault.Unavailable, "refused")
	var admit, verify error
	var rested []time.Duration
	synctest.Test(t, func(t *testing.T) {
		e := start(t, fifo.Config{
			AdmitWrite:   func(d time.Duration, _ int) error { rested = append(rested, d); return admit },
			VerifyStored: func() error { return verify },
		})
		publish := func() error {
			stored, err := e.logs.Publish(ctx, topic, fifo.Entry{DedupKey: time.Now().String()})
			if err == nil {
				err = stored[0].Err
			}
			return err
		}
		admit = refused
		if err := publish(); !errors.Is(err, refused) {
			t.Errorf("publishing to a new log: %v", err)
		}
		admit = nil
		if err := publish(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		admit, rested = refused, nil
		if err := publish(); !errors.Is(err, refused) || len(rested) != 1 || rested[0] < time.Minute {
			t.Errorf("publishing after a minute: %v, asked for %v", err, rested)
		}
		admit, verify = nil, refused
		for range 2 {
			if err := publish(); !errors.Is(err, refused) {
				t.Errorf("publishing what is not there at the next start: %v", err)
			}
		}
		verify = nil
		if err := publish(); err != nil {
			t.Error(err)
		}
	})
}

// While a reader moves, its cursor is written once a second.
func TestCursorIsWrittenLazily(t *testing.T) {
	bubble(t, func(e *env) {
		writes := func() uint64 {
			s, err := e.backbone.JetStream().Stream(ctx, "KV_"+bucket(e))
			if err != nil {
				t.Fatal(err)
			}
			return s.CachedInfo().State.LastSeq
		}
		for _, id := range []string{"a", "b", "c"} {
			e.follow(id)
		}
		e.publish("first")
		settle()
		before := writes()
		for range 100 {
			e.publish(time.Now().String())
			time.Sleep(100 * time.Millisecond)
		}
		settle()
		if n := writes() - before; n < 9 || n > 12 {
			t.Errorf("in ten seconds the cursors were written %d times", n)
		}
		before = writes()
		time.Sleep(time.Hour)
		if n := writes() - before; n > 0 {
			t.Errorf("at rest they were written %d times", n)
		}
	})
}

// A single runtime on an external server, which takes less than ours.
func TestExternalServer(t *testing.T) {
	b := backbone.New(backbone.Config{URL: backbonetest.Listen(t, 0)})
	if err := b.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer b.Stop(ctx)
	records := record.New(b.JetStream(), nil)
	if err := records.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer records.Stop(ctx)
	s := &sink{TB: t}
	var want []string
	for range 2 {
		logs := fifo.New(fifo.Config{Backbone: b, Records: records})
		if err := logs.Start(ctx); err != nil {
			t.Fatal(err)
		}
		if err := logs.Follow(ctx, s.reader("a")); err != nil {
			t.Fatal(err)
		}
		content := time.Now().String()
		publish(t, logs, content, content+"b")
		want = append(want, content, content+"b")
		s.await(want...)
		stored, err := logs.Publish(ctx, topic, fifo.Entry{DedupKey: "large", Content: make([]byte, 1<<20)}, fifo.Entry{DedupKey: "small"})
		if err != nil || !errors.Is(stored[0].Err, fault.TooLarge) || stored[1].Err != nil {
			t.Errorf("more than the server's max_payload: %+v, %v", stored, err)
		}
		if !stored[1].Duplicate {
			want = append(want, "")
		}
		s.await(want...)
		if err := logs.Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
}
