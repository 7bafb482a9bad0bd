package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync/atomic"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
)

// A folder is the data folder as it was when the runtime took it. When somebody
// removes it, or puts another in its place, writes still succeed, into files that
// no path leads to: the next start would find nothing of them.
//
// It implements capacity.Limit.
type folder struct {
	log    *slog.Logger
	places []place // the data folder, and folders in it, each in the one before
	gone   atomic.Bool
}

// A place is a folder that is held open, so that no other one gets its inode.
type place struct {
	path string
	held *os.File
	info os.FileInfo
}

// holdFolder watches folders, each of them in the one before; the first is the
// data folder.
func holdFolder(log *slog.Logger, paths ...string) (_ *folder, err error) {
	f := &folder{log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.release())
		}
	}()
	for _, path := range paths {
		held, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		f.places = append(f.places, place{path: path, held: held})
		if f.places[len(f.places)-1].info, err = held.Stat(); err != nil {
			return nil, err
		}
	}
	if mode := f.places[0].info.Mode().Perm(); mode&0o022 != 0 && runtime.GOOS != "windows" {
		log.Warn("others may write to the data folder: they can read, change and remove what is stored; take that away with chmod go-w",
			"folder", paths[0], "mode", mode.String())
	}
	return f, nil
}

// intact returns nil while the data folder is where it was, and else
// a fault.State with what became of it. It costs one stat, some three times what
// the cheapest system call does. The log is told once, and again when the folder
// is back.
func (f *folder) intact() error {
	if f.places[len(f.places)-1].there() == nil { // then so are those around it
		if f.gone.CompareAndSwap(true, false) {
			f.log.Warn("the data folder is back; the runtime serves again", "folder", f.places[0].path)
		}
		return nil
	}
	for _, p := range f.places {
		err := p.there()
		if err == nil {
			continue
		}
		if f.gone.CompareAndSwap(false, true) {
			f.log.Error("a folder of the data was removed or replaced: what is written now would be lost, so nothing is acknowledged until it is back; without it, start the runtime again",
				"folder", p.path, "err", err)
		}
		return fault.State(nil, "The data folder was removed or replaced while the runtime ran (%s: %v). Put it back, or start the runtime again.", p.path, err)
	}
	return nil // it came back in between
}

// Admit refuses everything that is to be stored while the folder is gone. To find
// out that it is gone is left to those who ask for nothing in particular, and to
// the first that was stored.
func (f *folder) Admit(bytes int) error {
	if bytes > 0 && !f.gone.Load() {
		return nil
	}
	return f.intact()
}

func (f *folder) release() (err error) {
	for _, p := range f.places {
		err = errors.Join(err, p.held.Close())
	}
	return err
}

var errReplaced = errors.New("another folder is in its place")

func (p place) there() error {
	now, err := os.Stat(p.path)
	if err == nil && !os.SameFile(now, p.info) {
		err = errReplaced
	}
	return err
}

// watchFolder begins to watch the data folder. It returns what is to be asked
// before anything that the embedded server stored is acknowledged.
func (a *App) watchFolder() (intact func() error, err error) {
	paths := []string{a.cfg.Data}
	if a.cfg.NATS == "" {
		streams := a.store.StreamsDir()
		if err := os.MkdirAll(streams, 0o700); err != nil {
			return nil, err
		}
		paths = append(paths, a.storeDir(), streams)
	}
	f, err := holdFolder(a.cfg.Log, paths...)
	if err != nil {
		return nil, fmt.Errorf("watching the data folder: %w", err)
	}
	a.stack.Push("watch over the data folder", func(context.Context) error { return f.release() })
	if a.folder = f; a.cfg.NATS != "" {
		return nil, nil
	}
	a.gate = append(capacity.Gate{f}, a.gate...) // first: when it is gone, so is what other limits look at
	return f.intact, nil
}
