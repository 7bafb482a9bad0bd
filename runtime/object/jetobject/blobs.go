package jetobject

import (
	"context"
	"errors"
	"sync"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/object/blob"
)

// blobs are the large contents of one bucket, and who still needs them.
type blobs struct {
	store  blob.Store
	bucket string // in the store

	mu     sync.Mutex
	pins   map[string]*pin // of what is being read
	bodies map[string]bool // blobs that are finished, and that no command has yet
}

// A pin says that somebody reads a blob, or is going to.
type pin struct {
	readers int
	garbage bool // to be removed after the last of them
}

// removalDelay is how long blobs stay that other runtimes may be reading.
const removalDelay = 5 * time.Minute

func (s *blobs) init(store blob.Store, bucket string) {
	s.store, s.bucket = store, bucket
	s.pins, s.bodies = map[string]*pin{}, map[string]bool{}
}

// pin keeps blobs from being removed until unpin.
func (s *blobs) pin(names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		p := s.pins[name]
		if p == nil {
			p = &pin{}
			s.pins[name] = p
		}
		p.readers++
	}
}

// unpin returns what is to be removed now.
func (s *blobs) unpin(names []string) (garbage []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		p := s.pins[name]
		if p.readers--; p.readers > 0 {
			continue
		}
		delete(s.pins, name)
		if p.garbage {
			garbage = append(garbage, name)
		}
	}
	return garbage
}

// unpinned returns those that nobody reads. The others are removed when they are unpinned.
func (s *blobs) unpinned(names []string) (free []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if p := s.pins[name]; p != nil {
			p.garbage = true
		} else {
			free = append(free, name)
		}
	}
	return free
}

// blobOf is the blob that a command brings along; "" for none.
func blobOf(c object.Command) (name string, refused bool) {
	switch c := c.(type) {
	case *object.Put:
		return c.Object.Content.Blob, c.Err != nil
	case *object.PutPart:
		return c.Part.Content.Blob, c.Err != nil
	}
	return "", false
}

// finished says that a body has a blob that no command has yet.
func (s *blobs) finished(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies[name] = true
}

// hand says that commands have their blobs now: their bodies do not remove them anymore.
func (s *blobs) hand(commands []object.Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range commands {
		if name, _ := blobOf(c); name != "" {
			delete(s.bodies, name)
		}
	}
}

// handBack gives the blobs of commands that were not begun back to their bodies.
func (s *blobs) handBack(commands []object.Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range commands {
		if name, _ := blobOf(c); name != "" {
			s.bodies[name] = true
		}
	}
}

// takeBack reports whether a blob is that of a body still, which it is not anymore then.
func (s *blobs) takeBack(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := s.bodies[name]
	delete(s.bodies, name)
	return is
}

// refused are the blobs of commands that were refused.
func refused(commands []object.Command) (names []string) {
	for _, c := range commands {
		if name, refused := blobOf(c); refused && name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (s *blobs) isPinned(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pins[name] != nil
}

// removeBlobs removes blobs that nothing names anymore, in the background. It first syncs the
// log: a power cut must not lose the entry that says so.
func (b *Bucket) removeBlobs(names []string) {
	if len(names) == 0 {
		return
	}
	run, err := b.buckets.run()
	if err != nil {
		return // the next start sweeps them
	}
	run.Go(func() {
		if b.stream.shared {
			select {
			case <-time.After(removalDelay):
			case <-run.Halted().Done():
				return
			}
		}
		if names = b.blobs.unpinned(names); len(names) == 0 {
			return
		}
		err := b.buckets.config.Backbone.Sync(b.stream.name)
		if err == nil {
			err = b.blobs.store.Remove(run.Work(), b.blobs.bucket, names...)
		}
		b.report(run.Work(), err, "removing contents of deleted objects failed: the next start tries again")
	})
}

// sweep removes the blobs that no entry names: those of uploads that were killed, and what was
// not removed when it should have been. It is called once, when the log was read.
func (b *Bucket) sweep(ctx context.Context) {
	named := map[string]bool{}
	err := b.view(ctx, func(m *object.Machine) {
		for name := range m.Blobs {
			named[name] = true
		}
	})
	removed := 0
	if err == nil {
		removed, err = b.blobs.store.Sweep(ctx, b.blobs.bucket, func(name string) bool {
			return named[name] || b.blobs.isPinned(name)
		})
	}
	if removed > 0 {
		b.buckets.config.Log.Info("removed contents that no object of the bucket has", "bucket", b.ID().Name, "contents", removed)
	}
	if !errors.Is(err, fault.NotFound) {
		b.report(ctx, err, "looking for unneeded contents of a bucket failed: the next start tries again")
	}
}
