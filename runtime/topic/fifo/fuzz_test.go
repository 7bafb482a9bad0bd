package fifo_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"millrace/runtime/fault"
	"millrace/runtime/topic/fifo"
)

// Whatever a log, a reader and a key are called, they work, and are not mistaken for others.
func FuzzNames(f *testing.F) {
	f.Add("orders.fifo", "reader", "key")
	f.Add("", "", "")
	f.Add("a b.>*\r\n", "\x00\x7f", "\r\nNats-Msg-Id: x\r\n")
	f.Add("\xff", "reader", "key")
	f.Add(strings.Repeat("ü", 300), strings.Repeat("/", 300), strings.Repeat("k", 1000))
	e := start(f, fifo.Config{})
	f.Fuzz(func(t *testing.T, log, reader, key string) {
		got := make(chan string, 10)
		deliver := func(_ context.Context, items []fifo.Item) (int, error) {
			for _, i := range items {
				got <- string(i.Content)
			}
			return len(items), nil
		}
		err := e.logs.Follow(ctx, fifo.Reader{Log: log, ID: reader, Deliver: deliver})
		if !utf8.ValidString(log + " " + reader) {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("not UTF-8: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		stored, err := e.logs.Publish(ctx, log, fifo.Entry{DedupKey: key, Content: []byte(key)}, fifo.Entry{DedupKey: key + "2", Content: []byte("2")}, fifo.Entry{DedupKey: key})
		if err != nil || stored[0].Err != nil || stored[1].Err != nil || stored[1].Duplicate || !stored[2].Duplicate || stored[2].Seq != stored[0].Seq {
			t.Fatal(stored, err)
		}
		if a, b := <-got, <-got; a != key || b != "2" {
			t.Errorf("got %q and %q", a, b)
		}
		if err := e.logs.Forget(ctx, log, reader); err != nil {
			t.Error(err)
		}
		if err := e.logs.Delete(ctx, log); err != nil {
			t.Error(err)
		}
	})
}

// The names of logs and readers are the same after a restart.
func TestNamesOutliveARestart(t *testing.T) {
	bubble(t, func(e *env) {
		names := []string{"", "a b.>*\r\n", "\x00", "\u2028\ufffd<>&", strings.Repeat("ü", 300)}
		for _, n := range names {
			for _, id := range names {
				if err := e.logs.Follow(ctx, fifo.Reader{Log: n, ID: id, Deliver: (&sink{}).deliver}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := e.logs.Publish(ctx, n, fifo.Entry{DedupKey: n}); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(names)
		e.kill()
		if got := e.logs.Names(); !slices.Equal(got, names) {
			t.Errorf("logs %q, want %q", got, names)
		}
		for _, n := range names {
			if got := e.logs.Readers(n); !slices.Equal(got, names) {
				t.Errorf("readers %q of %q", got, n)
			}
		}
		if err := e.logs.Reset(ctx); err != nil || len(e.logs.Names()) > 0 {
			t.Errorf("reset: %v, then %q", err, e.logs.Names())
		}
	})
}
