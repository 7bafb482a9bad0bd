package app

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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
// process ends, however it ends.
type lock struct {
	file *flock.Flock
	note string
}

// acquire locks a data folder. When another process holds it, the error says which.
func acquire(dir string) (*lock, error) {
	if err := makeFolder(dir); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	l := &lock{flock.New(filepath.Join(dir, "lock")), notePath(dir)}
	held, err := l.file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking the data folder %s: %w", dir, err)
	}
	if !held {
		h, err := ReadHolder(dir)
		if err != nil {
			return nil, fmt.Errorf("the data folder %s is held by another process", dir)
		}
		return nil, fmt.Errorf("the data folder %s is held by the runtime with process id %d at %s, started %s; stop it with `runtime stop`, or use another folder with --data",
			dir, h.PID, h.Endpoint, h.Started.Local().Format(time.DateTime))
	}
	return l, nil
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

// announce writes down who holds the folder, for whoever finds it locked.
func (l *lock) announce(h Holder) error {
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return os.WriteFile(l.note, append(b, '\n'), 0o600)
}

func (l *lock) release() error {
	if l == nil {
		return nil
	}
	os.Remove(l.note)
	return l.file.Unlock()
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
	_, err := os.Stat(filepath.Join(dir, "lock"))
	return err == nil
}

// Held reports whether a process holds the data folder now.
func Held(dir string) bool {
	path := filepath.Join(dir, "lock")
	if _, err := os.Stat(path); err != nil {
		return false
	}
	f := flock.New(path)
	free, err := f.TryLock()
	if free {
		f.Unlock()
	}
	return err == nil && !free
}
