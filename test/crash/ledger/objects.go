package ledger

import (
	"errors"
	"fmt"
	"sync"
)

// Objects hold the books of a bucket: which objects were written, which were removed, and
// who was told of it.
//
// Like a [Ledger] it is told of each request before it leaves and when its answer has come.
// A key has one writer at a time, and no two contents of a key are alike. What became of a
// write without an answer is settled by what is read next: so every key must be read after a
// kill, before it is written again.
//
// It is safe for concurrent use.
type Objects struct {
	mu        sync.Mutex
	versioned bool
	told      func(key, event string) bool
	keys      map[string]*objectKey
	uploads   map[string]*upload // by id
	nameless  map[string]int     // uploads whose creation had no answer, by key
	broken    []error
}

// A Content is what an object holds.
type Content struct {
	ETag string // without quotes
	Size int64
	Sum  [32]byte // SHA-256
	Tag  string   // the value of its only tag; "" for none
}

// An ObjectWrite is one change of a key.
type ObjectWrite struct {
	Key     string
	Event   string  // how notifications name it: "ObjectCreated:Put"
	Content Content // of what is created
	Version string  // the one that an ObjectRemoved:Delete removes; "" for the object
}

// What became of a write.
type fate int

const (
	unknown fate = iota
	happened
	never
)

type objectWrite struct {
	ObjectWrite
	fate    fate
	version string   // that it made; "" when that is not known
	sure    bool     // there was something for it to remove
	removal fate     // never until somebody asks for it
	tags    []string // it may have; nil for that of the content
}

type objectKey struct {
	writes []*objectWrite // as they were asked for
	events map[string]ObjectEvent
}

const (
	removed = "ObjectRemoved:Delete"
	marked  = "ObjectRemoved:DeleteMarkerCreated"
)

func (w *objectWrite) creates() bool { return w.Event != removed && w.Event != marked }

// isVersion reports whether it leaves something that a list of versions shows.
func (w *objectWrite) isVersion() bool { return w.Event != removed }

// NewObjects opens the books of an empty bucket. told reports whether somebody is to be told
// of an event of a key.
func NewObjects(versioned bool, told func(key, event string) bool) *Objects {
	return &Objects{versioned: versioned, told: told, keys: map[string]*objectKey{}, uploads: map[string]*upload{}, nameless: map[string]int{}}
}

func (o *Objects) key(name string) *objectKey {
	k := o.keys[name]
	if k == nil {
		k = &objectKey{events: map[string]ObjectEvent{}}
		o.keys[name] = k
	}
	return k
}

// Writing notes that a key is about to be changed. The function that it returns notes the
// answer: with the version that was made, "" where there are none.
func (o *Objects) Writing(w ObjectWrite) (written func(version string)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	k := o.key(w.Key)
	one := &objectWrite{ObjectWrite: w, removal: never}
	var target *objectWrite
	if w.Event == removed {
		if target = k.current(); o.versioned {
			target = k.version(w.Version)
		}
		one.sure = target != nil && target.isVersion()
	}
	k.writes = append(k.writes, one)
	if o.versioned && target != nil {
		target.removal = unknown
	}
	return func(version string) {
		o.mu.Lock()
		defer o.mu.Unlock()
		one.fate, one.version = happened, version
		if o.versioned && target != nil {
			target.removal = happened
		}
	}
}

// Tagging notes that the tag of a key's object is about to be changed.
func (o *Objects) Tagging(key, value string) (tagged func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.key(key).current()
	w.tags = append(w.tags, w.Content.Tag, value)
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		w.Content.Tag, w.tags = value, nil
	}
}

// current is the last write that is known to have happened, and was not undone; nil for none.
func (k *objectKey) current() *objectWrite {
	for i := len(k.writes) - 1; i >= 0; i-- {
		w := k.writes[i]
		if w.fate == happened && w.removal != happened && (w.isVersion() || w.Version == "") {
			return w
		}
	}
	return nil
}

func (k *objectKey) version(id string) *objectWrite {
	for _, w := range k.writes {
		if w.isVersion() && w.version == id && id != "" {
			return w
		}
	}
	return nil
}

// Object is what a key has for sure; none when it has none, or that is not known.
func (o *Objects) Object(key string) (c Content, version string, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	k := o.key(key)
	w := k.current()
	if w == nil || !w.creates() || k.doubtful() {
		return Content{}, "", false
	}
	return w.Content, w.version, true
}

// doubtful reports whether there is a write of which nothing is known.
func (k *objectKey) doubtful() bool {
	for _, w := range k.writes {
		if w.fate == unknown || w.removal == unknown {
			return true
		}
	}
	return false
}

// Keys are all that were ever written.
func (o *Objects) Keys() (all []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name := range o.keys {
		all = append(all, name)
	}
	return all
}

// Writes is how many changes are known to have happened.
func (o *Objects) Writes() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, k := range o.keys {
		for _, w := range k.writes {
			if w.fate == happened {
				n++
			}
		}
	}
	return n
}

// Err is all that was found so far but events that are missing.
func (o *Objects) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return errors.Join(o.broken...)
}

func (o *Objects) breaks(format string, args ...any) {
	o.broken = append(o.broken, fmt.Errorf(format, args...))
}
