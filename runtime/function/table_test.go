package function_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"millrace/runtime/function"
	"millrace/runtime/store/keys"
)

// sealing has functions keep their variables under a root key of dir.
func sealing(dir string) option {
	return func(t testing.TB, w *world) {
		root, err := keys.LoadRoot(filepath.Join(dir, "root.key"))
		if err != nil {
			t.Fatal(err)
		}
		if w.config.Keys, err = keys.Open(w.config.Records, root, time.Now); err != nil {
			t.Fatal(err)
		}
	}
}

// Variables are not to be found in what is stored, come back as they were, also
// after a change and a restart, and are not opened for another function.
func TestVariablesAreSealed(t *testing.T) {
	dir := t.TempDir()
	f := function.Function{Account: "000000000000", Region: "us-east-1", Name: "orders", Env: map[string]string{"PASSWORD": "open-sesame"}}
	plain := open(t, dir)
	if _, err := plain.Create(t.Context(), f, zipOf(t, "code")); err != nil {
		t.Fatal(err)
	}
	check := func(w *world, when, want string) {
		t.Helper()
		got, err := w.Get(f.ID())
		if err != nil || got.Env["PASSWORD"] != want {
			t.Errorf("%s: %v, %v; want %s", when, got.Env, err, want)
		}
	}
	check(plain, "in clear", "open-sesame")
	plain.down(t)

	w := open(t, dir, sealing(dir)) // seals what it finds
	check(w, "sealed at the start", "open-sesame")
	entry := func(w *world, name string) []byte {
		t.Helper()
		kv, err := w.backbone.JetStream().KeyValue(t.Context(), "millrace-records")
		if err != nil {
			t.Fatal(err)
		}
		e, err := kv.Get(t.Context(), "function/000000000000/us-east-1/"+name)
		if err != nil {
			t.Fatal(err)
		}
		return e.Value()
	}
	inClear := func(when string) {
		t.Helper()
		if b := entry(w, "orders"); bytes.Contains(b, []byte("sesame")) || bytes.Contains(b, []byte("PASSWORD")) {
			t.Errorf("%s: the record is %s", when, b)
		}
	}
	inClear("at the start")
	if _, err := w.Update(t.Context(), f.ID(), func(f *function.Function) error {
		f.Env["PASSWORD"] = "new-sesame"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	inClear("after a change")
	got, err := w.Get(f.ID())
	if err != nil {
		t.Fatal(err)
	}
	got.Env["PASSWORD"] = "mine"
	check(w, "beside a reader's own change", "new-sesame")
	other := f
	other.Name = "other"
	if _, err := w.Create(t.Context(), other, zipOf(t, "code")); err != nil {
		t.Fatal(err)
	}
	w.down(t)

	w = open(t, dir, sealing(dir))
	check(w, "after a restart", "new-sesame")
	var mine, theirs map[string]any
	if err := json.Unmarshal(entry(w, "orders"), &mine); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(entry(w, "other"), &theirs); err != nil {
		t.Fatal(err)
	}
	theirs["Sealed"] = mine["Sealed"]
	moved, err := json.Marshal(theirs)
	if err != nil {
		t.Fatal(err)
	}
	kv, err := w.backbone.JetStream().KeyValue(t.Context(), "millrace-records")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(t.Context(), "function/000000000000/us-east-1/other", moved); err != nil {
		t.Fatal(err)
	}
	w.down(t)
	w = open(t, dir, sealing(dir))
	if got, err := w.Get(other.ID()); err == nil {
		t.Errorf("another function's variables were opened: %v", got.Env)
	}
	check(w, "beside it", "new-sesame")
	if entries, err := os.ReadDir(w.dir); err != nil || len(entries) == 0 {
		t.Errorf("the code of a function that cannot be opened was removed: %v", err)
	}
}
