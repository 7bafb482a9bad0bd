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

// A disk makes what the embedded server wrote outlive a power cut. The server
// would look at every stream again and again, written to or not; here whoever
// writes says so, and what nobody writes to costs nothing.
//
//	wrote ─→ run ─ wait            until the oldest of what was written is due
//	             ├ flush ─ sync    of each such stream: files, then folders; again until it succeeds
//	             └ rest            when nothing more was written for a while
//
// Streams are synced in the order in which they were first written to. So a
// message that moves from one to another is safe where it went before it is
// surely gone where it was.
type disk struct {
	top   string        // the store's folder
	root  string        // the streams' folder, somewhere in it, with a folder for each
	every time.Duration // how long a write waits, at most
	fsync func(*os.File) error
	rest  func()
	tell  func(error) // how the last flush went
	log   *slog.Logger

	mu    sync.Mutex      // guards the next two
	dirty []string        // streams, first written to first
	known map[string]bool // streams written to since the last flush: they are in dirty

	wake     chan struct{} // another stream is dirty
	stop     chan struct{}
	stopOnce sync.Once
	over     chan struct{} // closed when run has ended

	failing bool // the last flush failed; of run, and of close after it

	syncing sync.Mutex       // held while files are synced; guards synced
	synced  map[string]marks // by folder
}

// marks tell the files of a folder, and the folder itself as ".", as they were
// when they were synced.
type marks map[string]mark

type mark struct{ size, changed int64 }

func startDisk(root string, c Config, tell func(error)) *disk {
	d := &disk{
		top: filepath.Clean(c.Dir), root: root, every: c.every(), fsync: c.fsync(), rest: c.atRest(), tell: tell, log: c.log(), known: map[string]bool{}, synced: map[string]marks{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), over: make(chan struct{}),
	}
	go d.run()
	return d
}

// wrote notes that a stream has something to sync. A nil disk is somebody
// else's, who sees to it.
func (d *disk) wrote(stream string) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known[stream] {
		return
	}
	d.known[stream] = true
	d.dirty = append(d.dirty, stream)
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// restAfter is how long nothing is written before the rest: the server keeps what
// it wrote in memory for ten seconds.
const restAfter = 15 * time.Second

// run waits without a timer until there is something to sync.
func (d *disk) run() {
	defer close(d.over)
	d.adopt()
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
					timer.Reset(restAfter)
				}
			case d.clean(): // else it was woken in this moment
				d.rest()
			}
		case <-d.stop:
			return
		}
	}
}

// writeback is more than the time after which an operating system writes back
// what nobody syncs (Linux: vm.dirty_expire_centisecs, half a minute).
const writeback = 2 * time.Minute

// adopt takes care of what a runtime before this one wrote, and was killed
// before it could sync it.
func (d *disk) adopt() {
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

// close syncs what is left. The server writes no more.
func (d *disk) close() error {
	if d == nil {
		return nil
	}
	d.stopOnce.Do(func() { close(d.stop) })
	<-d.over
	return d.flush()
}

func (d *disk) clean() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.dirty) == 0
}

// flush syncs all that was written to. What could not be synced is the first of
// the next flush: the system may have dropped it by then, so that more than an
// error in the log is not to be had.
func (d *disk) flush() (failed error) {
	d.mu.Lock()
	dirty := d.dirty
	d.dirty = nil
	clear(d.known) // who writes from here on is in the next flush
	d.mu.Unlock()
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
	d.report(len(left), failed)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, stream := range left {
		d.known[stream] = true
	}
	d.dirty = append(left, slices.DeleteFunc(d.dirty, func(stream string) bool { return slices.Contains(left, stream) })...)
	return failed
}

// report tells how a flush went: once when it fails, however often it is tried
// again and for how many streams, and once when it succeeds again.
func (d *disk) report(streams int, err error) {
	if d.failing == (err != nil) {
		return
	}
	d.failing = err != nil
	d.tell(err)
	if err != nil {
		d.log.Error("acknowledged writes may not outlive a power cut: they could not be synced; trying again", "streams", streams, "err", err)
	} else {
		d.log.Warn("what was written is synced again")
	}
}

// sync brings what a stream has written so far to the disk.
func (d *disk) sync(stream string) error {
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

// syncTree syncs the files below a folder that have changed since they were
// synced, and then the folder, if names in it have. One that is not there was
// removed: the folder above it tells.
func (d *disk) syncTree(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		delete(d.synced, folder)
		return nil
	}
	if err != nil {
		return err
	}
	was, now := d.synced[folder], marks{}
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
	return d.syncChanged(was, now, self, folder)
}

// self is a folder's own name in its marks.
const self = "."

func (d *disk) syncFolder(folder string) error {
	now := marks{}
	err := d.syncChanged(d.synced[folder], now, self, folder)
	d.synced[folder] = now
	return err
}

// syncChanged syncs a file or a folder, unless it is as it was. It is looked at
// first: what is written to it in the meantime gives it another size or time,
// and is found by the next flush.
func (d *disk) syncChanged(was, now marks, name, path string) error {
	info, err := os.Stat(path)
	if err == nil {
		m := mark{info.Size(), info.ModTime().UnixNano()}
		if was[name] != m {
			err = d.syncFile(path, info.IsDir())
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

// syncFile opens a file for writing, as Windows wants it. There, folders cannot
// be synced.
func (d *disk) syncFile(path string, folder bool) error {
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
	return d.fsync(f)
}
