package blob

import (
	"context"
	"errors"
	"sync"
)

// Pins are the blobs that are open in this process. Who removes a blob that is open
// leaves it to its last reader: Windows removes no open file, and a chunk that is gone
// cannot be read.
type pins struct {
	mu      sync.Mutex // guards the rest
	buckets map[string]*bucketPins

	// They remove what was open, and are called by the last reader, without mu.
	remove       func(bucket, name string)
	removeBucket func(bucket string)
}

type bucketPins struct {
	blobs   map[string]*pin
	open    int  // sum of the readers of blobs
	removed bool // with its last reader
}

// A pin is there while a blob is open or being removed.
type pin struct {
	readers int
	removed bool // nobody opens it anymore
}

// bucket returns the pins of a bucket. Called with mu held.
func (p *pins) bucket(name string) *bucketPins {
	b := p.buckets[name]
	if b == nil {
		b = &bucketPins{blobs: map[string]*pin{}}
		if p.buckets == nil {
			p.buckets = map[string]*bucketPins{}
		}
		p.buckets[name] = b
	}
	return b
}

// forget lets go of pins that say nothing. Called with mu held.
func (p *pins) forget(bucket, name string) {
	b := p.bucket(bucket)
	if at := b.blobs[name]; at != nil && at.readers == 0 && !at.removed {
		delete(b.blobs, name)
	}
	if len(b.blobs) == 0 && !b.removed {
		delete(p.buckets, bucket)
	}
}

// openNamed is open for a Store's Open: fault.NotFound also for what can be no name.
func (p *pins) openNamed(ctx context.Context, bucket, name string) (release func(), err error) {
	if err := errors.Join(checkBucket(bucket), ctx.Err()); err != nil {
		return nil, err
	}
	if isName(name) {
		if release, ok := p.open(bucket, name); ok {
			return release, nil
		}
	}
	return nil, notFound(nil, bucket, name)
}

// removeNamed removes blobs for a Store's Remove: those that are not open now, the others
// when they are closed. It goes on after an error, and returns the first one.
func (p *pins) removeNamed(bucket string, names []string, remove func(name string) error) (failed error) {
	if err := checkBucket(bucket); err != nil {
		return err
	}
	now := p.removing(bucket, names)
	defer p.removedBlobs(bucket, now)
	for _, name := range now {
		if !isName(name) {
			continue
		}
		if err := remove(name); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

// open pins a blob, until release is called. ok is false for one that is removed.
func (p *pins) open(bucket, name string) (release func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.bucket(bucket)
	at := b.blobs[name]
	if b.removed || at != nil && at.removed {
		return nil, false
	}
	if at == nil {
		at = &pin{}
		b.blobs[name] = at
	}
	at.readers++
	b.open++
	return sync.OnceFunc(func() { p.release(bucket, name) }), true
}

func (p *pins) release(bucket, name string) {
	p.mu.Lock()
	b := p.bucket(bucket)
	at := b.blobs[name]
	at.readers--
	b.open--
	removeBlob, removeAll := at.readers == 0 && at.removed, b.open == 0 && b.removed
	p.forget(bucket, name)
	p.mu.Unlock()
	if removeBlob {
		p.remove(bucket, name)
		p.removedBlobs(bucket, []string{name})
	}
	if removeAll {
		p.removeBucket(bucket)
		p.removedBucket(bucket)
	}
}

// removing returns those of some blobs that can be removed now, which the caller does,
// and then calls removedBlobs. Others are removed when they are closed.
func (p *pins) removing(bucket string, names []string) (now []string) {
	if len(names) == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.bucket(bucket)
	for _, name := range names {
		at := b.blobs[name]
		if at == nil {
			at = &pin{}
			b.blobs[name] = at
		}
		if at.removed {
			continue // by another
		}
		at.removed = true
		if at.readers == 0 {
			now = append(now, name)
		}
	}
	return now
}

func (p *pins) removedBlobs(bucket string, names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range names {
		if at := p.bucket(bucket).blobs[name]; at != nil {
			at.removed = false
		}
		p.forget(bucket, name)
	}
}

// removingBucket reports whether the caller is to remove a bucket now, and then to
// call removedBucket. Else its last reader does.
func (p *pins) removingBucket(bucket string) (now bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.bucket(bucket)
	if b.removed {
		return false
	}
	b.removed = true
	return b.open == 0
}

func (p *pins) removedBucket(bucket string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.buckets[bucket]; b != nil {
		b.removed = false
		p.forget(bucket, "")
	}
}
