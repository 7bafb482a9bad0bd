package secret_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/policy"
	"millrace/runtime/secret"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

// A bench is secrets in a store that can be reopened, and their clock.
type bench struct {
	*secret.Secrets
	ring  *keys.Ring
	store *record.Store
	t     *testing.T
	dir   string
	root  keys.Root
	back  *backbone.Backbone
	stop  func()

	mu  sync.Mutex
	now time.Time
}

func start(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), root: keys.NewRoot(), now: noon}
	b.open()
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) open() {
	b.t.Helper()
	b.back = backbonetest.Start(b.t, b.dir)
	b.store = record.New(b.back.JetStream(), nil)
	store, back := b.store, b.back
	b.stop = sync.OnceFunc(func() {
		if err := errors.Join(store.Stop(context.Background()), back.Stop(context.Background())); err != nil {
			b.t.Errorf("stopping: %v", err)
		}
	})
	b.t.Cleanup(b.stop)
	if err := b.store.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	var err error
	if b.ring, err = keys.Open(b.store, b.root, b.clock); err != nil {
		b.t.Fatal(err)
	}
	b.Secrets = secret.New(b.store, b.ring, b.clock)
	if err := b.Sweep(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

var owner = secret.Caller{Principal: policy.RootPrincipal(account)}

func text(s string) *secret.Value { return &secret.Value{Bytes: []byte(s)} }

func tok(n int) string { return fmt.Sprintf("%032d", n) }

func (b *bench) create(name string, value *secret.Value) secret.Secret {
	b.t.Helper()
	sec, err := b.Create(b.t.Context(), secret.Secret{Account: account, Region: region, Name: name}, owner, tok(1), value)
	if err != nil {
		b.t.Fatal(err)
	}
	return sec
}

func (b *bench) find(name string) secret.Secret {
	b.t.Helper()
	sec, err := b.Find(secret.Ref{Account: account, Region: region, Name: name}, account)
	if err != nil {
		b.t.Fatal(err)
	}
	return sec
}

func (b *bench) put(sec secret.Secret, token, value string) {
	b.t.Helper()
	if _, err := b.Put(b.t.Context(), sec, owner, token, *text(value), nil); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) reads(name, id, want string) {
	b.t.Helper()
	_, v, err := b.Read(b.t.Context(), b.find(name), owner, id, "")
	if err != nil || string(v.Bytes) != want {
		b.t.Errorf("version %q: %q, %v, want %q", id, v.Bytes, err, want)
	}
}

// A secret is what it was after a restart: labels, values, tags, its window.
func TestSecretSurvivesReopening(t *testing.T) {
	b := start(t)
	long := strings.Repeat("+/=", 170) + "-a" // 512 characters, all of them rare
	for _, name := range []string{"mill", long} {
		sec := b.create(name, text("first"))
		b.put(sec, tok(2), strings.Repeat("x", secret.MaxValue))
		err := b.Edit(t.Context(), sec, func(s *secret.Secret) error {
			s.Tags, s.Policy, s.Description = []secret.Tag{{Key: "k", Value: "v"}}, "{}", "of the mill"
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		before := b.find(name)
		b.stop()
		b.open()
		if after := b.find(name); fmt.Sprintf("%+v", after) != fmt.Sprintf("%+v", before) {
			t.Errorf("before %+v\nafter  %+v", before, after)
		}
		b.reads(name, tok(1), "first")
		b.reads(name, "", strings.Repeat("x", secret.MaxValue))
		if text, err := b.Value(t.Context(), before.ARN()); err != nil || len(text) != secret.MaxValue {
			t.Errorf("its value: %d bytes, %v", len(text), err)
		}
	}
}

// What a crash leaves between the record of a value and that of its secret is removed at
// a later start, and nothing that a secret names.
func TestOrphansAreSwept(t *testing.T) {
	b := start(t)
	sec := b.create("mill", text("first"))
	b.put(sec, tok(2), "second")
	// The first half of a Put, in a secret that is then forgotten.
	b.create("half", text("orphan"))
	if err := record.NewTable[secret.Secret](b.store, "secret").Delete(t.Context(), must(b.RecordKeys())[0]); err != nil {
		t.Fatal(err)
	}
	count := func() int { _, values := b.RecordKeys(); return len(values) }
	b.stop()
	b.open()
	if n := count(); n != 3 {
		t.Errorf("%d values, want a young orphan and two others", n)
	}
	b.pass(time.Hour)
	b.stop()
	b.open()
	if n := count(); n != 2 {
		t.Errorf("%d values, want the two that the secret names", n)
	}
	b.reads("mill", "", "second")
	b.reads("mill", tok(1), "first")
}

func must(secrets, _ []string) []string { return secrets }

// No value is removed while a secret cannot be read: it may be the one that it names.
func TestUnreadableSecretKeepsValues(t *testing.T) {
	b := start(t)
	b.create("mill", text("first"))
	keys, _ := b.RecordKeys()
	table := record.NewTable[any](b.store, "secret")
	if _, err := table.Update(t.Context(), keys[0], func(any) (any, error) { return "damaged", nil }); err != nil {
		t.Fatal(err)
	}
	b.pass(time.Hour)
	b.stop()
	b.open()
	if _, values := b.RecordKeys(); len(values) != 1 {
		t.Errorf("%d values are left", len(values))
	}
}

func TestWindowByTheClock(t *testing.T) {
	b := start(t)
	sec := b.create("mill", text("first"))
	if _, err := b.Delete(t.Context(), sec, 7*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	_, _, err := b.Read(t.Context(), b.find("mill"), owner, "", "")
	wants(t, "reading in the window", err, secret.Deleting)
	_, err = b.Put(t.Context(), sec, owner, tok(2), *text("x"), nil)
	wants(t, "writing in the window", err, secret.Deleting)
	_, err = b.Create(t.Context(), secret.Secret{Account: account, Region: region, Name: "mill"}, owner, tok(1), nil)
	wants(t, "the name in the window", err, secret.NameDeleting)
	_, err = b.Delete(t.Context(), b.find("mill"), 7*24*time.Hour)
	wants(t, "deleting again", err, secret.Deleting)
	b.pass(7*24*time.Hour - time.Millisecond)
	if err := b.Restore(t.Context(), b.find("mill")); err != nil {
		t.Fatal(err)
	}
	b.reads("mill", "", "first")

	if _, err := b.Delete(t.Context(), b.find("mill"), 7*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	b.pass(7 * 24 * time.Hour)
	if _, err := b.Find(secret.Ref{Account: account, Region: region, Name: "mill"}, account); !errors.Is(err, secret.NotFound) || len(b.All(account, region)) != 0 {
		t.Errorf("after the window: %v", err)
	}
	err = b.Restore(t.Context(), sec)
	if sec.DeleteAt = b.clock(); err != nil { // it was found before the window was over
		t.Errorf("restoring nothing: %v", err)
	}
	wants(t, "restoring what is gone", b.Restore(t.Context(), sec), secret.NotFound)
	again := b.create("mill", nil)
	if again.ARN() == sec.ARN() {
		t.Error("the same ARN again")
	}
	if secrets, values := b.RecordKeys(); len(secrets) != 1 || len(values) != 0 {
		t.Errorf("left: %v %v", secrets, values)
	}
	if err := b.Remove(t.Context(), again); err != nil {
		t.Error(err)
	}
	wants(t, "removing again", b.Remove(t.Context(), again), secret.NotFound)
}

func wants(t *testing.T, what string, err error, want secret.Reason) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// The same write again, also at the same time, makes one version.
func TestTokens(t *testing.T) {
	b := start(t)
	sec := b.create("mill", text("first"))
	if again := b.create("mill", text("first")); again.ARN() != sec.ARN() {
		t.Errorf("created again: %s", again.ARN())
	}
	_, err := b.Create(t.Context(), secret.Secret{Account: account, Region: region, Name: "mill"}, owner, tok(1), text("other"))
	wants(t, "created with another value", err, secret.Exists)
	_, err = b.Put(t.Context(), sec, owner, tok(1), *text("other"), nil)
	wants(t, "put with another value", err, secret.TokenUsed)
	_, err = b.Put(t.Context(), sec, owner, tok(1), secret.Value{Bytes: []byte("first"), Binary: true}, nil)
	wants(t, "put as binary", err, secret.TokenUsed)

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if v, err := b.Put(t.Context(), sec, owner, tok(2), *text("second"), nil); err != nil || v.ID != tok(2) {
				t.Errorf("put at the same time: %+v, %v", v, err)
			}
		})
	}
	wg.Wait()
	if vs := b.find("mill").Versions; len(vs) != 2 || written(vs) != tok(1)+":AWSPREVIOUS "+tok(2)+":AWSCURRENT" {
		t.Errorf("versions %s", written(vs))
	}
	if _, values := b.RecordKeys(); len(values) != 2 {
		t.Errorf("%d values are stored", len(values))
	}
	b.reads("mill", "", "second")
}

// Values are sealed under the key named, and sealed anew when another is named.
func TestKeys(t *testing.T) {
	b := start(t)
	newKey := func() keys.Key {
		k, err := b.ring.Create(t.Context(), keys.Key{Account: account, Region: region, Spec: keys.Symmetric})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	k1, k2 := newKey(), newKey()
	sec, err := b.Create(t.Context(), secret.Secret{Account: account, Region: region, Name: "mill", KeyID: k1.ID}, owner, tok(1), text("first"))
	if err != nil {
		t.Fatal(err)
	}
	b.put(sec, tok(2), "second")
	b.put(sec, tok(3), "third")
	if err := b.ring.Disable(t.Context(), k1); err != nil {
		t.Fatal(err)
	}
	_, _, err = b.Read(t.Context(), b.find("mill"), owner, "", "")
	wants(t, "reading under a disabled key", err, secret.NotUnsealed)
	_, err = b.Put(t.Context(), sec, owner, tok(4), *text("x"), nil)
	wants(t, "writing under a disabled key", err, secret.NotSealed)
	if err := b.ring.Enable(t.Context(), k1); err != nil {
		t.Fatal(err)
	}

	_, err = b.SetKey(t.Context(), b.find("mill"), owner, "alias/none")
	wants(t, "a key that is not there", err, secret.NotSealed)
	if _, err := b.SetKey(t.Context(), b.find("mill"), owner, k2.ARN()); err != nil {
		t.Fatal(err)
	}
	if err := b.ring.Disable(t.Context(), k1); err != nil {
		t.Fatal(err)
	}
	b.reads("mill", "", "third")
	b.reads("mill", tok(2), "second")
	_, _, err = b.Read(t.Context(), b.find("mill"), owner, tok(1), "")
	wants(t, "a deprecated version stays under its key", err, secret.NotUnsealed)
	if _, err := b.SetKey(t.Context(), b.find("mill"), owner, ""); err != nil {
		t.Fatal(err)
	}
	b.reads("mill", "", "third")
	if _, values := b.RecordKeys(); len(values) != 3 {
		t.Errorf("%d values are stored", len(values))
	}
	// Also when the secret was looked at before.
	old := b.find("mill")
	if _, err := b.SetKey(t.Context(), old, owner, k2.ID); err != nil {
		t.Fatal(err)
	}
	if _, v, err := b.Read(t.Context(), old, owner, "", ""); err != nil || string(v.Bytes) != "third" {
		t.Errorf("read while it was sealed anew: %v", err)
	}
}

// A read is noted once a day.
func TestReadsAreNotedByTheDay(t *testing.T) {
	b := start(t)
	b.create("mill", text("first"))
	if a := b.find("mill").Accessed; !a.IsZero() {
		t.Errorf("never read, and accessed %v", a)
	}
	b.reads("mill", "", "first")
	midnight := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	first := b.find("mill")
	if !first.Accessed.Equal(midnight) || !first.Versions[0].Accessed.Equal(midnight) {
		t.Errorf("accessed %v, its version %v", first.Accessed, first.Versions[0].Accessed)
	}
	last := b.back.JetStream()
	revision := func() uint64 {
		s, err := last.Stream(t.Context(), "KV_millrace-records")
		if err != nil {
			t.Fatal(err)
		}
		return s.CachedInfo().State.LastSeq
	}
	before := revision()
	for range 10 {
		b.reads("mill", "", "first")
	}
	if after := revision(); after != before {
		t.Errorf("%d records were written by ten reads of one day", after-before)
	}
	b.pass(24 * time.Hour)
	b.reads("mill", "", "first")
	if a := b.find("mill").Accessed; !a.Equal(midnight.Add(24 * time.Hour)) {
		t.Errorf("the next day: accessed %v", a)
	}
}

// Nothing that is stored, printed or logged shows a value.
func TestValuesAreNotShown(t *testing.T) {
	const hidden = "a very secret grain"
	b := start(t)
	b.create("mill", text(hidden))
	for _, v := range record.NewTable[any](b.store, "secretvalue").List("") {
		if strings.Contains(fmt.Sprint(v), hidden) {
			t.Error("a value is stored in the clear")
		}
	}
	var out bytes.Buffer
	v := *text(hidden)
	slog.New(slog.NewTextHandler(&out, nil)).Info("value", "v", v)
	fmt.Fprintf(&out, "%v %+v %#v %s %q %d", v, v, v, v, v, v)
	if strings.Contains(out.String(), "grain") || strings.Contains(out.String(), fmt.Sprint([]byte(hidden))) {
		t.Errorf("shown as %s", out.String())
	}
	err := &secret.Error{Reason: secret.TokenUsed, Secret: "arn", Err: errors.New("cause")}
	if fault.Of(err) != fault.Exists || err.Error() != "arn: the version has another value: cause" {
		t.Errorf("%v is %v", err, fault.Of(err))
	}
}
