package jetqueue_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
)

// A vault is a keyring on a backbone of its own, which outlives the queues'.
func vault(t *testing.T) *keys.Ring {
	t.Helper()
	records := record.New(backbonetest.Start(t, t.TempDir()).JetStream(), nil)
	if err := records.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { records.Stop(ctx) })
	ring, err := keys.Open(records, keys.NewRoot(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func managed(c *queue.Config) { c.Texts = map[string]string{"SqsManagedSseEnabled": "true"} }

// fileContaining reports whether any file of a folder has a text.
func fileContaining(t *testing.T, dir, text string) (where string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(text)) {
			where = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return where
}

// What a sender gave is nowhere in the data folder in clear, and can be received
// after a restart, from memory or from the log.
func TestContentsAreEncrypted(t *testing.T) {
	const body, attribute = "the body of the message", "the value of its attribute"
	message := queue.Message{
		Body: body, GroupID: "the group", DedupID: "the deduplication id",
		Attributes: []queue.Attribute{{Name: "the name", DataType: "String", Value: []byte(attribute)}},
	}
	for _, budget := range []int64{0, 1} {
		e := start(t, jetqueue.Options{Keys: vault(t), BodyBudget: budget})
		q := e.create("sealed.fifo", managed)
		if _, err := q.Send(ctx, message); err != nil {
			t.Fatal(err)
		}
		e.reopen()
		for _, text := range []string{body, attribute, "the name", "the group", "the deduplication id"} {
			if where := fileContaining(t, e.dir, text); where != "" {
				t.Errorf("%s has %q in clear", where, text)
			}
		}
		got, err := e.get("sealed.fifo").Receive(ctx, queue.ReceiveRequest{Max: 1})
		if err != nil || len(got) != 1 || got[0].Body != body || string(got[0].Attributes[0].Value) != attribute || got[0].GroupID != "the group" {
			t.Errorf("received %+v, %v", got, err)
		}
	}
}

func TestWithoutEncryptionContentsAreClear(t *testing.T) {
	e := start(t, jetqueue.Options{Keys: vault(t)})
	q := e.create("clear", nil)
	if _, err := q.Send(ctx, queue.Message{Body: "for all to see"}); err != nil {
		t.Fatal(err)
	}
	if fileContaining(t, e.dir, "for all to see") == "" {
		t.Error("the body is not in the data folder: the other tests of this file prove nothing")
	}
}

// A KMS key is used when a queue has no data key, and again after the data key's
// reuse period. A disabled key fails sends and receives, and loses no message.
func TestDisabledKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring := vault(t)
		key, err := ring.Create(ctx, keys.Key{Account: "000000000000", Region: "us-east-1", Spec: keys.Symmetric})
		if err != nil {
			t.Fatal(err)
		}
		e := start(t, jetqueue.Options{Keys: ring})
		q := e.create("kms", func(c *queue.Config) {
			c.Texts = map[string]string{"KmsMasterKeyId": key.ID, "KmsDataKeyReusePeriodSeconds": "60"}
		})
		send := func(want error) {
			t.Helper()
			if _, err := q.Send(ctx, queue.Message{Body: "m"}); !errors.Is(err, want) {
				t.Errorf("send: %v, want %v", err, want)
			}
		}
		receive := func(want error, n int) {
			t.Helper()
			got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 10, Visibility: new(time.Duration)})
			if !errors.Is(err, want) || len(got) != n {
				t.Errorf("receive: %d, %v; want %d, %v", len(got), err, n, want)
			}
		}
		send(nil)
		if err := ring.Disable(ctx, key); err != nil {
			t.Fatal(err)
		}
		send(nil) // with the data key that is there
		receive(nil, 2)
		time.Sleep(time.Minute)
		send(keys.ErrDisabled)
		receive(keys.ErrDisabled, 0)

		e.reopen()
		q = e.get("kms")
		if c, err := q.Counts(ctx); err != nil || c.Visible != 2 {
			t.Errorf("with its key disabled the queue has %+v, %v; want 2 visible", c, err)
		}
		receive(keys.ErrDisabled, 0)
		if err := ring.Enable(ctx, key); err != nil {
			t.Fatal(err)
		}
		receive(nil, 2)
		send(nil)
		receive(nil, 3)
	})
}

// Contents stored under a key need it to be received, in memory or read back from
// the log.
func TestOldKeyIsNeeded(t *testing.T) {
	for _, budget := range []int64{0, 1} { // the usual, and none to speak of
		synctest.Test(t, func(t *testing.T) {
			ring := vault(t)
			key, err := ring.Create(ctx, keys.Key{Account: "000000000000", Region: "us-east-1", Spec: keys.Symmetric})
			if err != nil {
				t.Fatal(err)
			}
			e := start(t, jetqueue.Options{Keys: ring, BodyBudget: budget})
			q := e.create("kms", func(c *queue.Config) {
				c.Texts = map[string]string{"KmsMasterKeyId": key.ID, "KmsDataKeyReusePeriodSeconds": "60"}
			})
			e.send(q, body("a"), body("b"))
			e.receive(q, queue.ReceiveRequest{Max: 1, Visibility: new(time.Duration)}, "a")
			if err := q.Configure(ctx, func(c *queue.Config) error { managed(c); return nil }); err != nil {
				t.Fatal(err)
			}
			if err := ring.Disable(ctx, key); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			if got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 2}); !errors.Is(err, keys.ErrDisabled) {
				t.Errorf("budget %d: received %d, %v; want keys.ErrDisabled", budget, len(got), err)
			}
		})
	}
}
