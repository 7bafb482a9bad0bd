package backbone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"
)

// Parked streams are those that Config.Parks names. Their folders are beside the
// embedded server's, which opens all that it finds when it starts, at some 2 ms of
// a processor and 60 KB of memory for each. It is shown a stream, by a symbolic
// link, when somebody wakes it:
//
//	parked/S                                a stream's folder; it stays where it is
//	jetstream/$G/streams/S -> parked/S      while the server has it open
//	parked/.S                               is being removed
//
// Links are no state: a start removes them all. A server that cannot open a stream
// removes its folder (nats-server 2.15.2, stream.stop); here that is the link.
type parked struct {
	b       *Backbone
	js      jetstream.JetStream // the server's own, which knows nothing of this
	dir     string              // the streams' folders
	streams string              // where the server looks for them
	parks   func(stream string) bool

	mu     sync.Mutex       // held while a stream is opened or closed; guards what follows
	asleep map[string]int64 // streams that are not open, and the bytes of their blocks

	bytes atomic.Int64 // of all that are asleep
}

const (
	parkedDir = "parked"
	metaFile  = "meta.inf"
	metaSum   = "meta.sum"
)

// arrange puts the folders of the streams where they are to be. It returns nil when
// none is parked. The server does not run yet.
func arrange(b *Backbone, c Config, streams string) (*parked, error) {
	p := &parked{b: b, dir: filepath.Join(c.Dir, parkedDir), streams: streams, parks: c.Parks, asleep: map[string]int64{}}
	if err := p.unlink(); err != nil {
		return nil, fmt.Errorf("looking for streams: %w", err)
	}
	if p.parks == nil || !p.links() {
		return nil, p.restore()
	}
	if err := errors.Join(p.collect(), p.count()); err != nil {
		return nil, fmt.Errorf("parking streams: %w", err)
	}
	return p, nil
}

// unlink removes what the server was shown before.
func (p *parked) unlink() error {
	entries, err := os.ReadDir(p.streams)
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink != 0 {
			err = errors.Join(err, os.Remove(filepath.Join(p.streams, e.Name())))
		}
	}
	return exists(err)
}

// links tells whether symbolic links can be made here. On Windows not everybody may.
func (p *parked) links() bool {
	probe := filepath.Join(p.dir, ".link")
	if os.MkdirAll(p.dir, 0o700) != nil || os.RemoveAll(probe) != nil || os.Symlink(".", probe) != nil {
		return false
	}
	return os.Remove(probe) == nil
}

// restore gives all folders back to the server.
func (p *parked) restore() error {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return exists(err)
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

// collect takes the folders of streams that are to be parked from the server.
func (p *parked) collect() error {
	entries, err := os.ReadDir(p.streams)
	for _, e := range entries {
		if !hidden(e) && p.parks(e.Name()) {
			err = errors.Join(err, move(filepath.Join(p.streams, e.Name()), p.folder(e.Name())))
		}
	}
	return exists(err)
}

// move never moves over something: only another version of the runtime can have
// made a stream anew that was parked.
func move(from, to string) error {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s and %s are the same stream: keep the one that was written to last, and remove the other (%w)", from, to, errors.Join(err, fs.ErrExist))
	}
	return os.Rename(from, to)
}

// count finds the streams that can be opened, and removes what is left of those
// that were being made or deleted.
func (p *parked) count() error {
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
		case meta == nil:
			p.asleep[e.Name()] = bytes
			p.bytes.Add(bytes)
		case !errors.Is(meta, fs.ErrNotExist):
			err = meta
		case blocks == 0 || there(filepath.Join(folder, metaSum)): // the server removes the one, and then the rest
			err = os.RemoveAll(folder)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func there(path string) bool {
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
	return bytes, blocks, exists(err)
}

func exists(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func hidden(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), ".") }

func (p *parked) folder(stream string) string { return filepath.Join(p.dir, stream) }

func (p *parked) link(stream string) string { return filepath.Join(p.streams, stream) }

// has tells a stream whose folder is here.
func (p *parked) has(stream string) bool { return p != nil && p.parks(stream) }

// Asleep names the parked streams that JetStream does not know of before they are
// woken. It is nil with an external server.
func (b *Backbone) Asleep() []string {
	p := b.parked
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.asleep))
}

// Wake opens a parked stream. It does nothing when it is open, and when there is
// none.
func (b *Backbone) Wake(ctx context.Context, stream string) error {
	p := b.parked
	if !p.has(stream) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	bytes, ok := p.asleep[stream]
	if !ok {
		return nil
	}
	c, err := p.config(stream)
	if err == nil {
		err = p.show(stream, stream)
	}
	if err != nil {
		return fmt.Errorf("opening stream %s: %w", stream, err)
	}
	_, err = while(ctx, b, func(ctx context.Context) (jetstream.Stream, error) { return p.js.CreateStream(ctx, c) })
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // the keeper has opened it
		return err
	}
	delete(p.asleep, stream)
	p.bytes.Add(-bytes)
	return nil
}

// config reads the configuration that a stream was made with.
func (p *parked) config(stream string) (c jetstream.StreamConfig, err error) {
	meta, err := os.ReadFile(filepath.Join(p.folder(stream), metaFile))
	if err == nil {
		err = json.Unmarshal(meta, &c)
	}
	maps.DeleteFunc(c.Metadata, func(key, _ string) bool { return strings.HasPrefix(key, "_nats.") }) // the server's own
	return c, err
}

// show links a stream to a folder. The server removes its own folders a moment after
// the last stream in them was deleted; they are made anew.
func (p *parked) show(stream, folder string) (err error) {
	for range 3 {
		if err = p.showOnce(stream, folder); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return err
}

func (p *parked) showOnce(stream, folder string) error {
	to, err := filepath.Rel(p.streams, p.folder(folder))
	if err == nil {
		err = os.MkdirAll(p.streams, 0o700)
	}
	if err != nil {
		return err
	}
	link, next := p.link(stream), p.link("."+stream+".next") // not what the server removes when it has deleted a stream
	if err := exists(os.Remove(next)); err != nil {
		return err
	}
	if err := os.Symlink(to, next); err != nil {
		return err
	}
	return os.Rename(next, link)
}

// make makes ready for a stream that is about to be made.
func (p *parked) make(stream string) error {
	if !p.has(stream) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := os.MkdirAll(p.folder(stream), 0o700); err != nil {
		return err
	}
	p.bytes.Add(-p.asleep[stream])
	delete(p.asleep, stream)
	return p.show(stream, stream)
}

// remove deletes a stream, with what the server leaves of it.
func (p *parked) remove(ctx context.Context, stream string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	bytes, asleep := p.asleep[stream]
	if !asleep {
		if err := p.js.DeleteStream(ctx, stream); err != nil {
			return err
		}
	}
	gone := p.folder("." + stream)
	err := os.RemoveAll(gone)
	if err == nil {
		err = exists(os.Rename(p.folder(stream), gone))
	}
	if err != nil {
		return fmt.Errorf("removing stream %s: %w", stream, err)
	}
	delete(p.asleep, stream)
	p.bytes.Add(-bytes)
	return os.RemoveAll(gone)
}

// Park closes a parked stream that nobody writes to or reads, such that it takes no
// memory until it is woken. It does nothing with any other.
func (b *Backbone) Park(ctx context.Context, stream string) error {
	p := b.parked
	if !p.has(stream) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, asleep := p.asleep[stream]; asleep {
		return nil
	}
	// JetStream closes no stream, it only deletes them: this one in a folder that
	// has nothing but what it looks for.
	decoy := "." + stream
	err := os.RemoveAll(p.folder(decoy))
	if err == nil {
		err = os.MkdirAll(p.folder(decoy), 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(p.folder(decoy), metaFile), nil, 0o600)
	}
	if err == nil {
		err = p.show(stream, decoy)
	}
	if err != nil {
		return fmt.Errorf("closing stream %s: %w", stream, err)
	}
	_, err = while(ctx, b, func(ctx context.Context) (struct{}, error) { return struct{}{}, p.js.DeleteStream(ctx, stream) })
	if errors.Is(err, jetstream.ErrStreamNotFound) { // the keeper has not found it in there
		err = exists(os.Remove(p.link(stream)))
	}
	if err != nil { // then it may be open, which it is when it is woken; it must find its files
		err = errors.Join(err, p.show(stream, stream))
	}
	bytes, _, e := size(p.folder(stream))
	p.asleep[stream] = bytes
	p.bytes.Add(bytes)
	return errors.Join(err, e, os.RemoveAll(p.folder(decoy)))
}
