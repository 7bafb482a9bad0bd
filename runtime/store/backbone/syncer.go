package backbone

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"
)

// A syncer calls fsync on what the embedded server wrote, so that it survives a power
// cut. The server itself would check every stream at an interval, written to or not.
// Here writers report what they wrote, and idle streams cost nothing.
//
//	wrote ─→ run ─ wait            until the oldest write is due
//	             ├ flush ─ sync    of files beside the store, then of each such stream: files, then folders; retried until it succeeds
//	             └ onIdle          when nothing more was written for a while
//
// Streams are synced in the order in which they were first written to. So a
// message that moves from one to another is safe where it went before it is
// surely gone where it was. What is beside the store is synced before them: a stream
// has the names of it.
type syncer struct {
	top    string        // the store's folder
	root   string        // the streams' folder, somewhere in it, with a folder for each
	every  time.Duration // how long a write may wait for its fsync
	fsync  func(*os.File) error
	onIdle func()
	report func(error) // how the last flush went
	log    *slog.Logger

	mu      sync.Mutex      // guards the next three
	dirty   []string        // streams, first written to first
	isDirty map[string]bool // streams written to since the last flush: they are in dirty
	files   pathSet         // beside the store

	wake     chan struct{} // another stream is dirty
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{} // closed when run has ended

	failing bool // the last flush failed; of run, and of close after it

	syncing sync.Mutex             // held while files are synced; guards synced
	synced  map[string]folderState // by folder
}

// A folderState is the state of a folder's files, and of the folder itself as ".",
// when they were last synced.
type folderState map[string]fileState

type fileState struct{ size, changed int64 }

func startSyncer(root string, c Config, tell func(error)) *syncer {
	d := &syncer{
		top: filepath.Clean(c.Dir), root: root, every: c.every(), fsync: c.fsync(), onIdle: c.onIdle(), report: tell, log: c.log(), isDirty: map[string]bool{}, synced: map[string]folderState{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go d.run()
	return d
}

// wrote records that a stream has something to sync. It does nothing for a nil syncer:
// an external server syncs for itself.
func (d *syncer) wrote(stream string) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.isDirty[stream] {
		return
	}
	d.isDirty[stream] = true
	d.dirty = append(d.dirty, stream)
	d.notify()
}

func (d *syncer) notify() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// idleAfter is how long nothing must be written before onIdle is called: the server
// caches what it wrote for ten seconds.
const idleAfter = 15 * time.Second

// run sets a timer only while there is something to sync.
func (d *syncer) run() {
	defer close(d.done)
	d.markRecent()
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for pending := false; ; {
		select {
		case <-d.wake:
			if !pending {
				pending = true
				timer.Reset(d.every)
			}
		case <-timer.C:
			switch {
			case pending:
				if pending = d.flush() != nil; pending {
					timer.Reset(d.every)
				} else {
					timer.Reset(idleAfter)
				}
			case d.clean(): // else it was woken in this moment
				d.onIdle()
			}
		case <-d.stop:
			return
		}
	}
}

// writeback is longer than the operating system takes to write back what nobody
// syncs (Linux: vm.dirty_expire_centisecs, half a minute).
const writeback = 2 * time.Minute

// markRecent takes care of what a runtime before this one wrote, and was killed
// before it could sync it.
func (d *syncer) markRecent() {
	since := time.Now().Add(-writeback)
	streams, err := os.ReadDir(d.root)
	if err != nil { // there are none yet
		return
	}
	for _, s := range streams {
		blocks, err := os.ReadDir(filepath.Join(d.root, s.Name(), "msgs"))
		if err != nil {
			continue
		}
		for _, b := range blocks {
			if info, err := b.Info(); err == nil && filepath.Ext(b.Name()) == ".blk" && info.ModTime().After(since) {
				d.wrote(s.Name())
			}
		}
	}
}

// close syncs what is left. The server must have stopped writing.
func (d *syncer) close() error {
	if d == nil {
		return nil
	}
	d.stopOnce.Do(func() { close(d.stop) })
	<-d.done
	return d.flush()
}

func (d *syncer) clean() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.dirty) == 0 && len(d.files.paths) == 0
}

// flush syncs all files and dirty streams. Those that fail come first in the next flush; the
// operating system may have dropped their pages by then, so all that can be done is
// to log an error.
func (d *syncer) flush() (failed error) {
	d.mu.Lock()
	dirty := d.dirty
	d.dirty = nil
	clear(d.isDirty) // who writes from here on is in the next flush
	files := d.files
	d.files = pathSet{}
	d.mu.Unlock()
	unsynced, failed := d.syncFiles(files.paths)
	var left []string
	for _, stream := range dirty {
		err := d.sync(stream)
		if err == nil {
			continue
		}
		if failed == nil {
			failed = err
		}
		left = append(left, stream)
	}
	d.logResult(len(left), len(unsynced), failed)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files.add(unsynced...)
	for _, stream := range left {
		d.isDirty[stream] = true
	}
	d.dirty = append(left, slices.DeleteFunc(d.dirty, func(stream string) bool { return slices.Contains(left, stream) })...)
	return failed
}

// logResult tells how a flush went: once when it fails, however often it is tried
// again and for how many streams, and once when it succeeds again.
func (d *syncer) logResult(streams, files int, err error) {
	if d.failing == (err != nil) {
		return
	}
	d.failing = err != nil
	d.report(err)
	if err != nil {
		d.log.Error("acknowledged writes may not outlive a power cut: they could not be synced; trying again", "streams", streams, "files", files, "err", err)
	} else {
		d.log.Warn("what was written is synced again")
	}
}

// sync calls fsync on what was written to a stream so far.
func (d *syncer) sync(stream string) error {
	if d == nil {
		return nil
	}
	d.syncing.Lock()
	defer d.syncing.Unlock()
	folder := filepath.Join(d.root, stream)
	err := d.syncTree(folder)
	// The folders above it, in which a new stream's name has to be found.
	for err == nil && folder != d.top {
		folder = filepath.Dir(folder)
		err = d.syncFolder(folder)
	}
	if err != nil {
		return fmt.Errorf("syncing stream %s: %w", stream, err)
	}
	return nil
}

// syncTree syncs the files below a folder that have changed since the last sync, and
// then the folder if it has changed. A folder that does not exist was removed: syncing
// its parent makes that durable.
func (d *syncer) syncTree(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		delete(d.synced, folder)
		return nil
	}
	if err != nil {
		return err
	}
	was, now := d.synced[folder], folderState{}
	d.synced[folder] = now
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		if e.IsDir() {
			err = d.syncTree(path)
		} else {
			err = d.syncChanged(was, now, e.Name(), path)
		}
		if err != nil {
			return err
		}
	}
	return d.syncChanged(was, now, selfName, folder)
}

// selfName is a folder's own name in its folderState.
const selfName = "."

func (d *syncer) syncFolder(folder string) error {
	now := folderState{}
	err := d.syncChanged(d.synced[folder], now, selfName, folder)
	d.synced[folder] = now
	return err
}

// syncChanged syncs a file or a folder unless it is unchanged. It reads the state before
// the sync: a write in between changes size or time, and the next flush finds it.
func (d *syncer) syncChanged(was, now folderState, name, path string) error {
	info, err := os.Stat(path)
	if err == nil {
		m := fileState{info.Size(), info.ModTime().UnixNano()}
		if was[name] != m {
			err = syncFile(d.fsync, path, info.IsDir())
		}
		if err == nil {
			now[name] = m
		}
	}
	if errors.Is(err, fs.ErrNotExist) { // removed since its folder was read
		return nil
	}
	return err
}

// syncFile opens a file for writing, as Windows requires. Folders cannot be synced on
// Windows.
func syncFile(fsync func(*os.File) error, path string, folder bool) error {
	how := os.O_RDWR
	if folder {
		if runtime.GOOS == "windows" {
			return nil
		}
		how = os.O_RDONLY
	}
	f, err := os.OpenFile(path, how, 0)
	if err != nil {
		return err
	}
	defer f.Close() // wrote nothing
	return fsync(f)
}
