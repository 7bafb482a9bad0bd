package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// kept are the names of all that a runtime keeps in its data folder.
var kept = []string{
	".gitignore", "brokers", "buckets", "ca.pem", "damaged", "docker", "functions", "holder.json", "home", "jetstream", "lock", "losses.log", "marks",
	"objects", "records", "reserve",
	"root.key", "root.key.copy", "tmp", "torn",
}

// Purge removes everything that a runtime has stored and made: brokers, with what they
// have outside the folder, and the folder itself, unless other files are in it. No
// runtime may hold it. What is on external NATS servers stays.
func Purge(ctx context.Context, cfg Config) error {
	cfg = withDefaults(cfg)
	if !Exists(cfg.Data) {
		return fmt.Errorf("there is no data folder at %s", cfg.Data)
	}
	held, err := acquire(cfg.Data)
	if err != nil {
		return err
	}
	if err := removeBrokers(ctx, cfg); err != nil {
		return errors.Join(err, held.release())
	}
	for _, name := range kept {
		err = errors.Join(err, os.RemoveAll(filepath.Join(cfg.Data, name)))
	}
	if err := errors.Join(err, held.release()); err != nil {
		return err
	}
	os.RemoveAll(lockPath(cfg.Data))
	if left, err := os.ReadDir(cfg.Data); err != nil || len(left) > 0 {
		return err // not ours, so it stays
	}
	return os.Remove(cfg.Data)
}
