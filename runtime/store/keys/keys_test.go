package keys_test

import (
	"bytes"
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

const (
	account = "111111111111"
	region  = "eu-west-1"
	day     = 24 * time.Hour
)

// A clock is moved by hand.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func newClock() *clock { return &clock{time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)} }

func records(t *testing.T, dir string) *record.Store {
	t.Helper()
	s := record.New(backbonetest.Start(t, dir).JetStream(), nil)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	return s
}

func open(t *testing.T, s *record.Store, root keys.Root, c *clock) *keys.Ring {
	t.Helper()
	r, err := keys.Open(s, root, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func start(t *testing.T) (*keys.Ring, *clock) {
	c := newClock()
	return open(t, records(t, t.TempDir()), keys.NewRoot(), c), c
}

func mustCreate(t *testing.T, r *keys.Ring, spec keys.Spec) keys.Key {
	t.Helper()
	k, err := r.Create(t.Context(), keys.Key{Account: account, Region: region, Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustDataKey(t *testing.T, r *keys.Ring, id string) keys.DataKey {
	t.Helper()
	d, err := r.DataKey(id, account, region)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// same fails the test unless b opens what a seals.
func same(t *testing.T, a, b cipher.AEAD) {
	t.Helper()
	nonce := make([]byte, a.NonceSize())
	sealed := a.Seal(nil, nonce, []byte("grain"), []byte("with"))
	if got, err := b.Open(nil, nonce, sealed, []byte("with")); err != nil || string(got) != "grain" {
		t.Errorf("opened %q, %v", got, err)
	}
}

// refused fails the test unless err is want, with a code and a text.
func refused(t *testing.T, err, want error, code fault.Code, text string) {
	t.Helper()
	var f *fault.Error
	if !errors.Is(err, want) || fault.Of(err) != code || !errors.As(err, &f) || f.What != text {
		t.Errorf("got %v, want %q (%s)", err, text, code)
	}
}

func TestDataKeys(t *testing.T) {
	r, _ := start(t)
	k := mustCreate(t, r, keys.Symmetric)
	if err := r.CreateAlias(t.Context(), "alias/mill", k); err != nil {
		t.Fatal(err)
	}
	aliasARN := "arn:aws:kms:" + region + ":" + account + ":alias/mill"
	var seen [][]byte
	for _, name := range []string{"", k.ID, k.ARN(), "alias/mill", aliasARN, "alias/aws/sqs", "alias/aws/sqs", "alias/aws/sns"} {
		d := mustDataKey(t, r, name)
		if len(d.Wrapped) >= 200 {
			t.Errorf("a data key under %q takes %d bytes", name, len(d.Wrapped))
		}
		opened, err := r.Unwrap(d.Wrapped)
		if err != nil {
			t.Fatalf("under %q: %v", name, err)
		}
		same(t, d.AEAD, opened)
		for _, other := range seen {
			if bytes.Equal(d.Wrapped, other) {
				t.Error("a data key came twice")
			}
		}
		seen = append(seen, d.Wrapped)
	}
}

func TestDataKeyRefusals(t *testing.T) {
	r, c := start(t)
	ctx := t.Context()
	disabled, waiting, mac := mustCreate(t, r, keys.Symmetric), mustCreate(t, r, keys.Symmetric), mustCreate(t, r, keys.HMAC256)
	wrapped := map[string][]byte{}
	for _, k := range []keys.Key{disabled, waiting} {
		wrapped[k.ID] = mustDataKey(t, r, k.ID).Wrapped
	}
	if err := r.Disable(ctx, disabled); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ScheduleDeletion(ctx, waiting, 7); err != nil {
		t.Fatal(err)
	}
	none := "00000000-0000-4000-8000-000000000000"
	at := "arn:aws:kms:" + region + ":" + account
	for _, c := range []struct {
		name string
		want error
		code fault.Code
		text string
	}{
		{none, keys.ErrNotFound, fault.NotFound, "Key '" + at + ":key/" + none + "' does not exist"},
		{at + ":key/" + none, keys.ErrNotFound, fault.NotFound, "Key '" + at + ":key/" + none + "' does not exist"},
		{"alias/none", keys.ErrNotFound, fault.NotFound, "Alias " + at + ":alias/none is not found."},
		{"alias/aws/none", keys.ErrNotFound, fault.NotFound, "Alias " + at + ":alias/aws/none is not found."},
		{"mill", keys.ErrNotFound, fault.NotFound, "Invalid keyId 'mill'"},
		{"key/" + none, keys.ErrNotFound, fault.NotFound, "Invalid keyId 'key/" + none + "'"},
		{"arn:aws:sqs:" + region + ":" + account + ":key/" + none, keys.ErrNotFound, fault.NotFound, "Invalid arn arn:aws:sqs:" + region + ":" + account + ":key/" + none},
		{"arn:aws:kms:us-east-1:" + account + ":key/" + none, keys.ErrNotFound, fault.NotFound, "Invalid arn us-east-1"},
		{disabled.ID, keys.ErrDisabled, fault.Conflict, disabled.ARN() + " is disabled."},
		{waiting.ID, keys.ErrState, fault.Conflict, waiting.ARN() + " is pending deletion."},
		{mac.ID, keys.ErrUsage, fault.Invalid, mac.ARN() + " key usage is GENERATE_VERIFY_MAC which is not valid for GenerateDataKey."},
	} {
		_, err := r.DataKey(c.name, account, region)
		refused(t, err, c.want, c.code, c.text)
	}
	// What they wrapped is shut with them, and opens with them again.
	_, err := r.Unwrap(wrapped[disabled.ID])
	refused(t, err, keys.ErrDisabled, fault.Conflict, disabled.ARN()+" is disabled.")
	_, err = r.Unwrap(wrapped[waiting.ID])
	refused(t, err, keys.ErrState, fault.Conflict, waiting.ARN()+" is pending deletion.")
	if err := errors.Join(r.Enable(ctx, disabled), r.CancelDeletion(ctx, waiting), r.Enable(ctx, waiting)); err != nil {
		t.Fatal(err)
	}
	for id, w := range wrapped {
		if _, err := r.Unwrap(w); err != nil {
			t.Errorf("%s is of use again, and still: %v", id, err)
		}
	}
	if _, err := r.ScheduleDeletion(ctx, waiting, 7); err != nil {
		t.Fatal(err)
	}
	c.Time = c.Add(7 * day)
	_, err = r.Unwrap(wrapped[waiting.ID])
	refused(t, err, keys.ErrNotFound, fault.NotFound, "Key '"+waiting.ID+"' does not exist")
}

// TestOtherAccounts has one account use another's key, as its policy says.
func TestOtherAccounts(t *testing.T) {
	r, _ := start(t)
	k := mustCreate(t, r, keys.Symmetric)
	const stranger = "222222222222"
	denial := "arn:aws:iam::" + stranger + ":root may not perform kms:GenerateDataKey on " + k.ARN()
	statement := func(effect string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":{"AWS":"` + stranger + `"},"Action":"kms:GenerateDataKey*","Resource":"*"}]}`
	}
	for _, c := range []struct{ policy, why string }{
		{"", ": no statement of the resource's policy allows it"},
		{statement("Allow"), ""},
		{statement("Deny"), ": a statement of the resource's policy denies it"},
	} {
		if err := r.SetPolicy(t.Context(), k, c.policy); err != nil {
			t.Fatal(err)
		}
		_, err := r.DataKey(k.ARN(), stranger, region)
		if c.why == "" {
			if err != nil {
				t.Errorf("with %s: %v", c.policy, err)
			}
			continue
		}
		refused(t, err, keys.ErrAccess, fault.Denied, denial+c.why)
	}
	managed, err := r.Key(t.Context(), "alias/aws/sqs", account, region)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.DataKey(managed.ARN(), stranger, region); !errors.Is(err, keys.ErrAccess) {
		t.Errorf("under AWS's key of another account: %v", err)
	}
	// A stranger makes no keys for whom it names.
	for _, owner := range []string{"333333333333", ""} {
		name := "arn:aws:kms:" + region + ":" + owner + ":alias/aws/sqs"
		_, err := r.Key(t.Context(), name, stranger, region)
		refused(t, err, keys.ErrNotFound, fault.NotFound, "Alias "+name+" is not found.")
		if got := r.Keys(owner, region); len(got) != 0 {
			t.Errorf("%q has %v", owner, got)
		}
	}
	if _, err := r.Key(t.Context(), "arn:aws:kms:"+region+":"+account+":alias/aws/sqs", stranger, region); err != nil {
		t.Errorf("a key that is there: %v", err)
	}
}

// TestUnwrapDamaged flips each bit of a wrapped key, and cuts it at each length.
func TestUnwrapDamaged(t *testing.T) {
	r, _ := start(t)
	for _, under := range []string{"", mustCreate(t, r, keys.Symmetric).ID} {
		w := mustDataKey(t, r, under).Wrapped
		for bit := range 8 * len(w) {
			bad := bytes.Clone(w)
			bad[bit/8] ^= 1 << (bit % 8)
			if _, err := r.Unwrap(bad); err == nil {
				t.Errorf("opened with bit %d flipped", bit)
			}
		}
		for n := range len(w) {
			if _, err := r.Unwrap(w[:n]); !errors.Is(err, keys.ErrCiphertext) {
				t.Errorf("cut to %d bytes: %v", n, err)
			}
		}
	}
}

// TestDeletion has a key go when its date has come, without anybody's doing, and
// its record and alias go at the next change.
func TestDeletion(t *testing.T) {
	dir, root, c := t.TempDir(), keys.NewRoot(), newClock()
	s := records(t, dir)
	r := open(t, s, root, c)
	ctx := t.Context()
	k := mustCreate(t, r, keys.Symmetric)
	if err := r.CreateAlias(ctx, "alias/mill", k); err != nil {
		t.Fatal(err)
	}
	k, err := r.ScheduleDeletion(ctx, k, 7)
	if err != nil || !k.DeleteAt.Equal(c.Add(7*day)) {
		t.Fatalf("goes at %v, %v", k.DeleteAt, err)
	}
	c.Time = c.Add(7*day - time.Millisecond)
	if k, err := r.Key(ctx, "alias/mill", account, region); err != nil || k.State(c.now()) != keys.PendingDeletion {
		t.Errorf("before its time: %v, %v", k.State(c.now()), err)
	}
	_, err = r.ScheduleDeletion(ctx, k, 7)
	refused(t, err, keys.ErrState, fault.Conflict, k.ARN()+" is pending deletion.")
	refused(t, r.Describe(ctx, k, "x"), keys.ErrState, fault.Conflict, k.ARN()+" is pending deletion.")

	c.Time = c.Add(time.Millisecond)
	if got := r.Keys(account, region); len(got) != 0 {
		t.Errorf("still lists %v", got)
	}
	if got := r.Aliases(account, region); len(got) != 5 || got[0].Name != "alias/aws/mq" || got[1].Name != "alias/aws/s3" || got[2].Name != "alias/aws/secretsmanager" || got[3].Name != "alias/aws/sns" || got[4].Name != "alias/aws/sqs" {
		t.Errorf("still lists %v", got)
	}
	_, err = r.Key(ctx, k.ID, account, region)
	refused(t, err, keys.ErrNotFound, fault.NotFound, "Key '"+k.ARN()+"' does not exist")
	refused(t, r.CancelDeletion(ctx, k), keys.ErrNotFound, fault.NotFound, "Key '"+k.ARN()+"' does not exist")
	left := func() []string {
		return slices.Concat(record.NewTable[keys.Key](s, "kmskey").Keys(""), record.NewTable[keys.Alias](s, "kmsalias").Keys(""))
	}
	if got := left(); len(got) != 0 {
		t.Errorf("the records of %v are still there", got)
	}

	// Two go at different times; the second at a start.
	for _, days := range []int{7, 8} {
		if _, err := r.ScheduleDeletion(ctx, mustCreate(t, r, keys.Symmetric), days); err != nil {
			t.Fatal(err)
		}
	}
	c.Time = c.Add(7 * day)
	stays := mustCreate(t, r, keys.Symmetric)
	if got := left(); len(got) != 2 {
		t.Errorf("the records are %v", got)
	}
	c.Time = c.Add(day)
	open(t, s, root, c)
	if got := left(); !slices.Equal(got, []string{stays.ID}) {
		t.Errorf("the records are %v", got)
	}
}

// TestDeletionInterrupted has a client go away in the change that should clear a
// gone key's records.
func TestDeletionInterrupted(t *testing.T) {
	r, c := start(t)
	k, next := mustCreate(t, r, keys.Symmetric), mustCreate(t, r, keys.Symmetric)
	if err := r.CreateAlias(t.Context(), "alias/mill", k); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ScheduleDeletion(t.Context(), k, 7); err != nil {
		t.Fatal(err)
	}
	c.Time = c.Add(7 * day)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Disable(gone, next); err == nil {
		t.Fatal("changed for nobody")
	}
	if err := r.CreateAlias(t.Context(), "alias/mill", next); err != nil {
		t.Errorf("the name of a gone key's alias: %v", err)
	}
}

// TestManagedKey asks two runtimes on one store for AWS's key at once.
func TestManagedKey(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	root, c := keys.NewRoot(), newClock()
	var rings []*keys.Ring
	for range 2 {
		s := record.New(b.JetStream(), nil)
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Stop(context.Background()) })
		rings = append(rings, open(t, s, root, c))
	}
	type made struct {
		key keys.DataKey
		err error
	}
	ready := make(chan made)
	for _, r := range rings {
		go func() {
			d, err := r.DataKey("alias/aws/sqs", account, region)
			ready <- made{d, err}
		}()
	}
	for range rings {
		m := <-ready
		if m.err != nil {
			t.Fatal(m.err)
		}
		for _, r := range rings {
			opened, err := r.Unwrap(m.key.Wrapped)
			if err != nil {
				t.Fatal(err)
			}
			same(t, m.key.AEAD, opened)
		}
	}
	k, err := rings[0].Key(t.Context(), "alias/aws/sqs", account, region)
	if err != nil || !k.Managed() || len(rings[0].Keys(account, region)) != 1 {
		t.Errorf("got %+v, %v", k, err)
	}
	if other, err := rings[0].Key(t.Context(), "alias/aws/sqs", account, "us-east-1"); err != nil || other.ID == k.ID {
		t.Errorf("another region has the same key: %v", err)
	}
}

func TestCiphertexts(t *testing.T) {
	r, _ := start(t)
	k, other := mustCreate(t, r, keys.Symmetric), mustCreate(t, r, keys.Symmetric)
	with := keys.Context{"a": "bc", "d": "e"}
	sealed, err := r.Encrypt(k, "Encrypt", []byte("grain"), with)
	if err != nil {
		t.Fatal(err)
	}
	if by, err := r.EncryptedBy(t.Context(), sealed, region); err != nil || by.ID != k.ID {
		t.Errorf("encrypted by %s, %v", by.ID, err)
	}
	if got, err := r.Decrypt(k, "Decrypt", sealed, keys.Context{"d": "e", "a": "bc"}); err != nil || string(got) != "grain" {
		t.Errorf("decrypted %q, %v", got, err)
	}
	for _, c := range []keys.Context{nil, {"a": "bc"}, {"ab": "c", "d": "e"}, {"a": "bcd", "": "e"}} {
		if got, err := r.Decrypt(k, "Decrypt", sealed, c); !errors.Is(err, keys.ErrCiphertext) {
			t.Errorf("with %v: %q, %v", c, got, err)
		}
	}
	if got, err := r.Decrypt(other, "Decrypt", sealed, with); !errors.Is(err, keys.ErrCiphertext) {
		t.Errorf("with another key: %q, %v", got, err)
	}
	// A ciphertext of a client is no data key, and the other way round.
	if _, err := r.Unwrap(sealed); !errors.Is(err, keys.ErrCiphertext) {
		t.Errorf("unwrapping a ciphertext: %v", err)
	}
	if _, err := r.EncryptedBy(t.Context(), mustDataKey(t, r, k.ID).Wrapped, region); !errors.Is(err, keys.ErrCiphertext) {
		t.Errorf("decrypting a wrapped data key: %v", err)
	}
}

func TestMACs(t *testing.T) {
	r, _ := start(t)
	for spec, size := range map[keys.Spec]int{keys.HMAC224: 28, keys.HMAC256: 32, keys.HMAC384: 48, keys.HMAC512: 64} {
		k := mustCreate(t, r, spec)
		a, err := r.MAC(k, "GenerateMac", []byte("grain"))
		if err != nil || len(a) != size {
			t.Errorf("%s makes %d bytes, %v", spec, len(a), err)
		}
		if b, _ := r.MAC(k, "GenerateMac", []byte("grain")); !bytes.Equal(a, b) {
			t.Errorf("%s makes another every time", spec)
		}
		if b, _ := r.MAC(k, "GenerateMac", []byte("grist")); bytes.Equal(a, b) {
			t.Errorf("%s makes the same for all", spec)
		}
	}
	k := mustCreate(t, r, keys.Symmetric)
	_, err := r.MAC(k, "GenerateMac", []byte("grain"))
	refused(t, err, keys.ErrUsage, fault.Invalid, k.ARN()+" key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac.")
}

// TestRestart opens what another start made, and finds no secret in the records.
func TestRestart(t *testing.T) {
	dir, path, c := t.TempDir(), t.TempDir()+"/root.key", newClock()
	ctx := context.Background()
	b := backbonetest.Start(t, dir)
	s := record.New(b.JetStream(), nil)
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	r := open(t, s, mustLoad(t, path), c)
	k := mustCreate(t, r, keys.Symmetric)
	under := map[string]keys.DataKey{}
	for _, name := range []string{"", k.ID, "alias/aws/sqs"} {
		under[name] = mustDataKey(t, r, name)
	}
	s.Stop(t.Context())
	b.Stop(ctx)

	r = open(t, records(t, dir), mustLoad(t, path), c)
	for name, d := range under {
		opened, err := r.Unwrap(d.Wrapped)
		if err != nil {
			t.Fatalf("under %q: %v", name, err)
		}
		same(t, d.AEAD, opened)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	root := mustLoad(t, write(t, bytes.Repeat([]byte("s"), 32)))
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(format, root); bytes.Contains([]byte(got), []byte("sss")) || bytes.Contains([]byte(got), []byte("737373")) {
			t.Errorf("%s prints %s", format, got)
		}
	}
}

// TestOfAnotherRuntime uses what another runtime made before this one's mirror of
// the records has heard of it; a mirror that was closed hears nothing more.
func TestOfAnotherRuntime(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	root, c := keys.NewRoot(), newClock()
	var rings []*keys.Ring
	var stores []*record.Store
	for range 2 {
		s := record.New(b.JetStream(), nil)
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		stores, rings = append(stores, s), append(rings, open(t, s, root, c))
	}
	defer stores[0].Stop(t.Context())
	stores[1].Stop(t.Context())
	k := mustCreate(t, rings[0], keys.Symmetric)
	if err := rings[0].CreateAlias(t.Context(), "alias/mill", k); err != nil {
		t.Fatal(err)
	}
	if by, err := rings[1].Key(t.Context(), "alias/mill", account, region); err != nil || by.ID != k.ID {
		t.Errorf("the alias names %q, %v", by.ID, err)
	}
	other := mustCreate(t, rings[0], keys.Symmetric)
	sealed, err := rings[0].Encrypt(other, "Encrypt", []byte("grain"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if by, err := rings[1].EncryptedBy(t.Context(), sealed, region); err != nil || by.ID != other.ID {
		t.Errorf("encrypted by %q, %v", by.ID, err)
	}
}
