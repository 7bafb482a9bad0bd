package backbone

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"
)

// Folders are the folders of the streams. They are outside the embedded server's own
// folder, which holds symbolic links to them:
//
//	streams/S                                a stream's folder; it stays where it is
//	jetstream/$G/streams/S -> streams/S      while the server has it open, or is to open it
//	streams/.S                               is being removed
//
// A server that cannot open a stream, for lack of a descriptor or because of a damaged file,
// removes its folder with everything in it (nats-server 2.15.2, stream.stop). With links it
// removes the link, and acknowledged messages stay. Links are not state: a start recreates
// them. A parked stream is linked when it is woken; see parked.go.
type folders struct {
	b        *Backbone
	js       jetstream.JetStream // the server's own, which knows nothing of this
	dir      string              // the streams' folders
	streams  string              // where the server looks for them
	isParked func(stream string) bool

	mu     sync.Mutex       // held while a stream is opened or closed; guards what follows
	asleep map[string]int64 // streams that are not open, and the bytes of their blocks

	bytes atomic.Int64 // of all that are asleep
}

const (
	foldersDir = "streams"
	metaFile   = "meta.inf"
	metaSum    = "meta.sum"
)

// openFolders moves the folders of the streams to their place, before the server starts. It
// returns nil where symbolic links do not work: then the server keeps the folders.
func openFolders(b *Backbone, c Config, streams string) (*folders, error) {
	p := &folders{b: b, dir: filepath.Join(c.Dir, foldersDir), streams: streams, isParked: c.IsParked, asleep: map[string]int64{}}
	if p.isParked == nil {
		p.isParked = func(string) bool { return false }
	}
	if err := p.unlink(); err != nil {
		return nil, fmt.Errorf("looking for streams: %w", err)
	}
	if !p.canLink() {
		return nil, p.returnToServer()
	}
	if err := errors.Join(p.takeFromServer(), p.scan(), p.relink()); err != nil {
		return nil, fmt.Errorf("arranging the folders of streams: %w", err)
	}
	return p, nil
}

// unlink removes what the server was shown before.
func (p *folders) unlink() error {
	entries, err := os.ReadDir(p.streams)
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink != 0 {
			err = errors.Join(err, os.Remove(filepath.Join(p.streams, e.Name())))
		}
	}
	return ignoreNotExist(err)
}

// canLink reports whether symbolic links work here. On Windows they need a privilege.
func (p *folders) canLink() bool {
	probe := filepath.Join(p.dir, ".link")
	if os.MkdirAll(p.dir, 0o700) != nil || os.RemoveAll(probe) != nil || os.Symlink(".", probe) != nil {
		return false
	}
	return os.Remove(probe) == nil
}

// returnToServer gives all folders back to the server.
func (p *folders) returnToServer() error {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return ignoreNotExist(err)
	}
	for _, e := range entries {
		if hidden(e) {
			err = os.RemoveAll(filepath.Join(p.dir, e.Name()))
		} else if err = os.MkdirAll(p.streams, 0o700); err == nil {
			err = move(filepath.Join(p.dir, e.Name()), filepath.Join(p.streams, e.Name()))
		}
		if err != nil {
			return fmt.Errorf("taking a stream back: %w", err)
		}
	}
	return nil
}

// takeFromServer takes the folders of streams from the server.
func (p *folders) takeFromServer() error {
	entries, err := os.ReadDir(p.streams)
	for _, e := range entries {
		if !hidden(e) {
			err = errors.Join(err, move(filepath.Join(p.streams, e.Name()), p.folder(e.Name())))
		}
	}
	return ignoreNotExist(err)
}

// move never moves over something: only another version of the runtime can have
// made a stream anew that was parked.
func move(from, to string) error {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s and %s are the same stream: keep the one that was written to last, and remove the other (%w)", from, to, errors.Join(err, fs.ErrExist))
	}
	return os.Rename(from, to)
}

// scan finds the parked streams, and removes the remains of unfinished creations and
// deletions.
func (p *folders) scan() error {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		folder := p.folder(e.Name())
		bytes, blocks, err := size(folder)
		switch _, meta := os.Stat(filepath.Join(folder, metaFile)); {
		case err != nil:
			return err
		case hidden(e):
			err = os.RemoveAll(folder)
		case meta == nil && p.isParked(e.Name()):
			p.asleep[e.Name()] = bytes
			p.bytes.Add(bytes)
		case meta == nil:
		case !errors.Is(meta, fs.ErrNotExist):
			err = meta
		case blocks == 0 || pathExists(filepath.Join(folder, metaSum)): // the server removes the one, and then the rest
			err = os.RemoveAll(folder)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func pathExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// size is how many blocks a stream has, and how large they are together.
func size(folder string) (bytes int64, blocks int, err error) {
	entries, err := os.ReadDir(filepath.Join(folder, "msgs"))
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".blk" {
			continue
		}
		if info, err := e.Info(); err == nil {
			bytes += info.Size()
			blocks++
		}
	}
	return bytes, blocks, ignoreNotExist(err)
}

func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func hidden(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), ".") }

func (p *folders) folder(stream string) string { return filepath.Join(p.dir, stream) }

func (p *folders) link(stream string) string { return filepath.Join(p.streams, stream) }

// relink shows the server all streams that are to be open. A nil folders has none.
func (p *folders) relink() error {
	return p.each(func(stream string) error { return p.linkTo(stream, stream) })
}

// unopened names the streams that are to be open, of those that are not in open.
func (p *folders) unopened(open map[string]bool) (names []string, err error) {
	err = p.each(func(stream string) error {
		if !open[stream] {
			names = append(names, stream)
		}
		return nil
	})
	return names, err
}

// each goes through the streams that are to be open.
func (p *folders) each(do func(stream string) error) error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	entries, err := os.ReadDir(p.dir)
	for _, e := range entries {
		stream := e.Name()
		if _, asleep := p.asleep[stream]; err == nil && !asleep && !hidden(e) && pathExists(filepath.Join(p.folder(stream), metaFile)) {
			err = do(stream)
		}
	}
	return err
}

// linkTo links a stream to a folder. The server removes its own folders a moment after
// the last stream in them was deleted; they are made anew.
func (p *folders) linkTo(stream, folder string) (err error) {
	for range 3 {
		if err = p.linkOnce(stream, folder); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return err
}

func (p *folders) linkOnce(stream, folder string) error {
	to, err := filepath.Rel(p.streams, p.folder(folder))
	if err == nil {
		err = os.MkdirAll(p.streams, 0o700)
	}
	if err != nil {
		return err
	}
	link, next := p.link(stream), p.link("."+stream+".next") // not what the server removes when it has deleted a stream
	if err := ignoreNotExist(os.Remove(next)); err != nil {
		return err
	}
	if err := os.Symlink(to, next); err != nil {
		return err
	}
	return os.Rename(next, link)
}

// prepare makes the folder and the link of a stream that is about to be created or opened.
func (p *folders) prepare(stream string) error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := os.MkdirAll(p.folder(stream), 0o700); err != nil {
		return err
	}
	p.bytes.Add(-p.asleep[stream])
	delete(p.asleep, stream)
	return p.linkTo(stream, stream)
}

// remove deletes a stream, with what the server leaves of it.
func (p *folders) remove(ctx context.Context, stream string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	bytes, asleep := p.asleep[stream]
	if !asleep {
		err := p.js.DeleteStream(ctx, stream)
		if errors.Is(err, jetstream.ErrStreamNotFound) && pathExists(p.folder(stream)) { // it could not be opened
			err = ignoreNotExist(os.Remove(p.link(stream)))
		}
		if err != nil {
			return err
		}
	}
	gone := p.folder("." + stream)
	err := os.RemoveAll(gone)
	if err == nil {
		err = ignoreNotExist(os.Rename(p.folder(stream), gone))
	}
	if err != nil {
		return fmt.Errorf("removing stream %s: %w", stream, err)
	}
	delete(p.asleep, stream)
	p.bytes.Add(-bytes)
	return os.RemoveAll(gone)
}
