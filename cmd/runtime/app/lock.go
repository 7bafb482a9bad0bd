package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// A Holder is the runtime that holds a data folder.
type Holder struct {
	PID      int       `json:"pid"`
	Endpoint string    `json:"endpoint"`
	Started  time.Time `json:"started"`
}

// A lock keeps a data folder to one process. The kernel lets go of it when the
// process ends, however it ends. The folder itself is locked beside the file lock
// in it: who removes that file has not let a second runtime in. Where folders
// cannot be locked (Windows, NFS) the file is all.
type lock struct {
	dir    string
	folder *flock.Flock // nil when it cannot be locked

	mu   sync.Mutex // guards the next two
	file *flock.Flock
	lost bool // the log was told that file was removed, and could not be put back
}

// acquire locks a data folder. When another process holds it, the error says which.
func acquire(dir string) (*lock, error) {
	if err := makeFolder(dir); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	l := &lock{dir: dir, folder: folderLock(dir), file: flock.New(lockPath(dir))}
	if l.folder != nil {
		switch held, err := tryLock(l.folder); {
		case err != nil:
			l.folder = nil
		case !held:
			return nil, heldBy(dir)
		}
	}
	held, err := tryLock(l.file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the data folder %s: %w", dir, err), l.unlock())
	}
	if !held {
		return nil, errors.Join(heldBy(dir), l.unlock())
	}
	return l, nil
}

// tryLock locks a file unless another process holds it. Those who only ask whether
// it is held, hold it for a moment, so a second look follows.
func tryLock(f *flock.Flock) (bool, error) {
	held, err := f.TryLock()
	if err == nil && !held {
		time.Sleep(20 * time.Millisecond)
		held, err = f.TryLock()
	}
	return held, err
}

func lockPath(dir string) string { return filepath.Join(dir, "lock") }

// folderLock is the lock on the folder itself; nil where there is no such thing.
func folderLock(dir string) *flock.Flock {
	if runtime.GOOS == "windows" {
		return nil
	}
	return flock.New(dir, flock.SetFlag(os.O_RDONLY))
}

// heldBy is the error of who finds the folder locked.
func heldBy(dir string) error {
	removed := ""
	if _, err := os.Stat(lockPath(dir)); err != nil {
		removed = ", though its file lock was removed"
	}
	h, err := ReadHolder(dir)
	if err != nil {
		return fmt.Errorf("the data folder %s is held by another process%s", dir, removed)
	}
	return fmt.Errorf("the data folder %s is held by the runtime with process id %d at %s, started %s%s; stop it with `runtime stop`, or use another folder with --data",
		dir, h.PID, h.Endpoint, h.Started.Local().Format(time.DateTime), removed)
}

// makeFolder makes a data folder, for its owner alone, unless it is there. Git is
// told to ignore a new one. A folder that holds other things is left as it is: a
// .gitignore would hide them.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		return err
	}
	return os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*\n"), 0o600)
}

// announce writes down who holds the folder, for whoever finds it locked. After a
// power cut nobody does, so a start does not wait for a sync of it.
func (l *lock) announce(h Holder) error {
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return os.WriteFile(notePath(l.dir), append(b, '\n'), 0o600)
}

// restore puts the file lock back when somebody removed it, and tells the log. It
// may be called at any time; what goes on is told once.
func (l *lock) restore(log *slog.Logger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := os.Stat(lockPath(l.dir)); !errors.Is(err, os.ErrNotExist) {
		return
	}
	file := flock.New(lockPath(l.dir))
	held, err := file.TryLock()
	if err == nil && !held {
		err = errors.New("another process has locked it in the meantime")
	}
	if err != nil {
		if !l.lost {
			log.Error("the file lock of the data folder was removed, and could not be put back", "folder", l.dir, "err", err)
		}
		l.lost = true
		return
	}
	l.file.Unlock() // of the file that was removed; nobody can find it
	l.file, l.lost = file, false
	log.Warn("the file lock of the data folder was removed, and was put back: a runtime of an earlier version would have started beside this one", "folder", l.dir)
}

func (l *lock) release() error {
	if l == nil {
		return nil
	}
	// In a folder that took the place of ours it is another's.
	if h, err := ReadHolder(l.dir); err == nil && h.PID == os.Getpid() {
		os.Remove(notePath(l.dir))
	}
	return l.unlock()
}

func (l *lock) unlock() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.file.Unlock()
	if l.folder != nil {
		err = errors.Join(err, l.folder.Unlock())
	}
	return err
}

func notePath(dir string) string { return filepath.Join(dir, "holder.json") }

// ReadHolder returns what the holder of a data folder said of itself. It may be
// gone by now: a killed process leaves its note behind.
func ReadHolder(dir string) (h Holder, err error) {
	b, err := os.ReadFile(notePath(dir))
	if err != nil {
		return h, err
	}
	return h, json.Unmarshal(b, &h)
}

// Exists reports whether a runtime has ever kept its data in dir.
func Exists(dir string) bool {
	for _, name := range []string{"lock", "jetstream", "root.key"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// Held reports whether a process holds the data folder now.
func Held(dir string) bool {
	return isHeld(folderLock(dir), dir) || isHeld(flock.New(lockPath(dir)), lockPath(dir))
}

func isHeld(f *flock.Flock, path string) bool {
	if _, err := os.Stat(path); err != nil || f == nil {
		return false
	}
	free, err := f.TryLock()
	if free {
		f.Unlock()
	}
	return err == nil && !free
}
