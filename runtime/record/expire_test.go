package record_test

import (
	"fmt"
	"testing"
	"time"

	"millrace/runtime/backbone/backbonetest"
	"millrace/runtime/record"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A record that is over is found by nobody, can be made again, and is removed.
func TestExpiring(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	s := open(t, b)
	now := time.Unix(1000, 0)
	table := record.NewTable[time.Time](s, "lent").Expiring(func(until time.Time) time.Time { return until }, func() time.Time { return now })
	must(t, table.Create(t.Context(), "short", now.Add(time.Second)))
	must(t, table.Create(t.Context(), "long", now.Add(time.Hour)))
	if _, ok := table.Get("short"); !ok {
		t.Error("it is over before its time")
	}
	now = now.Add(time.Second)
	if _, ok := table.Get("short"); ok {
		t.Error("Get finds one that is over")
	}
	if _, err := table.Find(t.Context(), "short"); err == nil {
		t.Error("Find finds one that is over")
	}
	if got := fmt.Sprint(table.Keys(""), len(table.List(""))); got != "[long] 1" {
		t.Errorf("there are %s", got)
	}
	same := func(v time.Time) (time.Time, error) { return v, nil }
	if _, err := table.Update(t.Context(), "short", same); err == nil {
		t.Error("one that is over was changed")
	}
	must(t, table.Create(t.Context(), "short", now.Add(time.Second)))
	if _, ok := table.Get("short"); !ok {
		t.Error("made again, it is not there")
	}
	now = now.Add(time.Minute)
	must(t, table.Create(t.Context(), "other", now.Add(time.Hour)))
	if got := fmt.Sprint(record.NewTable[time.Time](s, "lent").Keys("")); got != "[long other]" {
		t.Errorf("%s are stored, want [long other]", got)
	}
}
