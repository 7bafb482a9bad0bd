package record_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
)

// A record that has ended is gone for readers at once, whose key can be taken, and
// from the store a while later, by itself, also after a restart.
func TestExpiring(t *testing.T) {
	for name, build := range map[string]func(b *backbone.Backbone, dir string) *record.Store{
		"ours": func(b *backbone.Backbone, dir string) *record.Store {
			return record.New(b.JetStream(), &record.Copies{Dir: dir})
		},
		"shared": func(b *backbone.Backbone, _ string) *record.Store {
			return record.New(b.JetStream(), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				dir := t.TempDir()
				must := func(err error) {
					t.Helper()
					if err != nil {
						t.Fatal(err)
					}
				}
				b := backbone.New(backbone.Config{Dir: filepath.Join(dir, "store")})
				must(b.Start(ctx))
				defer b.Stop(ctx)
				s := build(b, filepath.Join(dir, "copies"))
				must(s.Start(ctx))
				table := func() *record.Table[time.Time] {
					return record.NewTable[time.Time](s, "thing").Expiring(func(end time.Time) time.Time { return end }, time.Now)
				}
				things := table()
				start := time.Now()
				at := func(d time.Duration) time.Time { return start.Add(d) }
				for key, end := range map[string]time.Duration{"hour": time.Hour, "minute": time.Minute, "taken": time.Minute, "hours": 3 * time.Hour} {
					must(things.Create(ctx, key, at(end)))
				}
				if err := things.Create(ctx, "taken", at(time.Hour)); !errors.Is(err, fault.Exists) {
					t.Errorf("creating what is there: %v", err)
				}
				time.Sleep(time.Minute)
				if _, ok := things.Get("minute"); ok || things.State("minute") != record.Absent || len(things.List("")) != 2 {
					t.Errorf("what has ended is still there, among %s", things.Keys(""))
				}
				if err := things.Delete(ctx, "minute"); !errors.Is(err, fault.NotFound) {
					t.Errorf("deleting what has ended: %v", err)
				}
				if _, err := things.Update(ctx, "minute", func(v time.Time) (time.Time, error) { return v, nil }); !errors.Is(err, fault.NotFound) {
					t.Errorf("changing what has ended: %v", err)
				}
				must(things.Create(ctx, "taken", at(time.Hour)))
				count := func(when string, rows int) {
					t.Helper()
					synctest.Wait()
					if got := len(record.NewTable[time.Time](s, "thing").Keys("")); got != rows {
						t.Errorf("%s the store has %d records, want %d", when, got, rows)
					}
				}
				time.Sleep(2 * time.Minute)
				count("a while later", 3)

				must(s.Stop(t.Context()))
				time.Sleep(time.Hour)
				s = build(b, filepath.Join(dir, "copies"))
				must(s.Start(ctx))
				things = table()
				if got := fmt.Sprint(things.Keys("")); got != "[hours]" {
					t.Errorf("after a restart there are %s", got)
				}
				time.Sleep(2 * time.Minute)
				count("a while after a restart", 1)
				time.Sleep(3 * time.Hour)
				count("in the end", 0)
				must(s.Stop(t.Context()))
			})
		})
	}
}

// In a bucket that others follow, what was deleted is known for a while, for their
// mirrors, and then nowhere.
func TestMarkersFade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		b := backbone.New(backbone.Config{Dir: t.TempDir()})
		if err := b.Start(ctx); err != nil {
			t.Fatal(err)
		}
		defer b.Stop(ctx)
		var stores []*record.Store
		for range 2 {
			s := record.New(b.JetStream(), nil)
			if err := s.Start(ctx); err != nil {
				t.Fatal(err)
			}
			defer s.Stop(t.Context())
			stores = append(stores, s)
		}
		things := record.NewTable[int](stores[0], "thing")
		pair := func(key string) {
			if err := errors.Join(things.Create(ctx, key, 1), things.Delete(ctx, key)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 200 {
			pair(fmt.Sprint(i))
		}
		synctest.Wait()
		if n := len(record.NewTable[int](stores[1], "thing").Keys("")); n != 0 {
			t.Errorf("another mirror has %d of what was deleted", n)
		}
		time.Sleep(2 * time.Hour)
		pair("last")
		synctest.Wait()
		stream, err := b.JetStream().Stream(ctx, "KV_millrace-records")
		if err != nil {
			t.Fatal(err)
		}
		if n := stream.CachedInfo().State.Msgs; n != 1 {
			t.Errorf("the bucket has %d messages, want the last marker", n)
		}
		for i, s := range stores {
			if n := s.Rows(); n != 1 {
				t.Errorf("mirror %d has %d rows, want the last", i, n)
			}
		}
	})
}

// A mirror that was away for longer than the bucket keeps a marker finds out by
// itself what was deleted.
func TestMarkerThatWasMissed(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	s := open(t, b)
	things := record.NewTable[int](s, "thing")
	news := make(chan string, 9)
	things.Watch(func(key string) {
		if key == "gone" {
			news <- key
		}
	})
	for _, key := range []string{"gone", "there"} {
		if err := things.Create(t.Context(), key, 1); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := b.JetStream().Stream(t.Context(), "KV_millrace-records")
	if err == nil {
		err = stream.Purge(t.Context(), jetstream.WithPurgeSubject("$KV.millrace-records.thing/gone"))
	}
	if err == nil {
		err = s.Compare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(things.Keys("")); got != "[there]" {
		t.Errorf("the mirror has %s", got)
	}
	if len(news) == 0 {
		t.Error("who watches was not told")
	}
}
