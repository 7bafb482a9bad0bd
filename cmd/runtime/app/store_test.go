package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/store/loss"
)

// damaged makes a data folder with a queue of two messages, and returns the one
// block of its log.
func damaged(t *testing.T) (cfg Config, block string) {
	t.Helper()
	cfg = Config{Listen: "127.0.0.1:0", Data: filepath.Join(t.TempDir(), "data")}
	a := New(cfg)
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	q, err := a.queues.Create(t.Context(), queue.ID{Account: "000000000000", Region: "us-east-1", Name: "q"},
		queue.Config{Visibility: time.Second, Retention: time.Hour, MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := q.Send(t.Context(), queue.Message{Body: "precious"}); err != nil {
			t.Fatal(err)
		}
	}
	stop(t, a)
	blocks, err := filepath.Glob(filepath.Join(cfg.Data, "jetstream", "jetstream", "$G", "streams", "MILLRACE_QUEUE_*", "msgs", "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatal("no block:", err)
	}
	largest := int64(0)
	for _, b := range blocks { // the runtime has queues of its own, in which is nothing
		if info, err := os.Stat(b); err == nil && info.Size() > largest {
			block, largest = b, info.Size()
		}
	}
	return cfg, block
}

func stop(t *testing.T, a *App) {
	t.Helper()
	if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func change(t *testing.T, path string, to func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, to(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A start that ends before it could write down what is damaged leaves it to the
// next to find.
func TestDamageIsWrittenDownBeforeItIsPutRight(t *testing.T) {
	cfg, block := damaged(t)
	change(t, block, func(b []byte) []byte { b[40] ^= 1; return b })
	losses := filepath.Join(cfg.Data, "losses.log")
	if err := os.Symlink(filepath.Join(cfg.Data, "nowhere", "losses.log"), losses); err != nil {
		t.Skip(err)
	}
	if err := New(cfg).Start(t.Context()); err == nil {
		t.Fatal("started without saying what is damaged")
	}
	if err := os.Remove(losses); err != nil {
		t.Fatal(err)
	}
	all, full, err := Examine(t.Context(), cfg)
	if err := errors.Join(full, err); err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if l.Kind == loss.File && strings.HasSuffix(l.Name, filepath.Base(block)) {
			return
		}
	}
	t.Errorf("the damaged file is not named: %v", all)
}

// That a log was cut short is known until its queue has been read, also when a
// start ends in between: without a checkpoint nothing else says that something is missing.
func TestLogCutShortIsRemembered(t *testing.T) {
	cfg, block := damaged(t)
	change(t, block, func(b []byte) []byte { return b[:len(b)-5] })
	checkpoint := filepath.Join(cfg.Data, "marks")
	if err := os.Remove(checkpoint); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(checkpoint, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := New(cfg).Start(t.Context()); err == nil {
		t.Fatal("started with a folder for the checkpoint")
	}
	if err := os.Remove(checkpoint); err != nil {
		t.Fatal(err)
	}
	all, full, err := Examine(t.Context(), cfg)
	if err := errors.Join(full, err); err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].Kind != loss.Queue || !strings.Contains(all[0].What, "cut short") {
		t.Errorf("lost are %v, want the end of the queue's log", all)
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, "torn")); !os.IsNotExist(err) {
		t.Errorf("it is still remembered when the queue has been read: %v", err)
	}
}
