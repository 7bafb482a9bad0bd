package jetobject

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"millrace/runtime/object"
	"millrace/runtime/store/atomicfile"
)

// A snapshot of a bucket's index saves reading all of its log. It is a file beside the store,
// written now and then and at Stop, and never needed: one that is damaged, or does not go with
// the log, is not used.

const (
	snapshotEnd = ".snapshot"

	// snapshotEntries is how many entries have to be read for a snapshot to be worth it.
	snapshotEntries = 1 << 13
	// snapshotEntriesAtStop is the same at Stop, when nobody waits.
	snapshotEntriesAtStop = 1 << 8
)

func (b *Bucket) snapshotPath() string {
	return filepath.Join(b.buckets.config.Dir, generationName(b.generation)+snapshotEnd)
}

// readSnapshot reads the snapshot: fs.ErrNotExist when there is none.
func (b *Bucket) readSnapshot() (*object.Machine, error) {
	if b.buckets.config.Dir == "" {
		return nil, fs.ErrNotExist
	}
	f, err := os.Open(b.snapshotPath())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return object.Restore(b.secret, bufio.NewReaderSize(f, 1<<20))
}

// writeSnapshot writes one, of the state as it is now. It is called by the leader, and returns
// a function that does the rest beside later writes.
func (b *Bucket) writeSnapshot() func() error {
	if b.buckets.config.Dir == "" || b.state.machine == nil || b.state.machine.Closed() {
		return nil
	}
	b.mu.Lock()
	write := b.state.machine.Snapshot()
	b.mu.Unlock()
	return func() error {
		// A power cut must not leave a log that is behind its snapshot.
		if err := b.buckets.config.Backbone.Sync(b.stream.name); err != nil {
			return err
		}
		if err := os.MkdirAll(b.buckets.config.Dir, 0o700); err != nil {
			return err
		}
		return atomicfile.WriteTo(b.snapshotPath(), write)
	}
}

// snapshotAtStop writes a snapshot if the next start would have much to read.
func (b *Bucket) snapshotAtStop() error {
	if b.upkeep.sinceSnapshot < snapshotEntriesAtStop {
		return nil
	}
	write := b.writeSnapshot()
	if write == nil {
		return nil
	}
	if err := write(); err != nil { // the log has it all
		b.buckets.config.Log.Warn("writing a snapshot of a bucket failed", "bucket", b.ID().Name, "err", err)
	}
	return nil
}

func (bs *Buckets) removeSnapshot(b *Bucket) error {
	if bs.config.Dir == "" {
		return nil
	}
	if err := os.Remove(b.snapshotPath()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// removeSnapshots removes those of buckets that are not there anymore, and unfinished ones.
func (bs *Buckets) removeSnapshots(isThere func(generation string) bool) error {
	if bs.config.Dir == "" {
		return nil
	}
	files, err := os.ReadDir(bs.config.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range files {
		generation, ok := strings.CutSuffix(f.Name(), snapshotEnd)
		if (ok && !isThere(generation)) || strings.HasSuffix(f.Name(), atomicfile.Unfinished) {
			err = errors.Join(err, os.Remove(filepath.Join(bs.config.Dir, f.Name())))
		}
	}
	return err
}
