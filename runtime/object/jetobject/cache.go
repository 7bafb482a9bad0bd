package jetobject

import (
	"container/list"
	"sync"
)

// A contentCache keeps short contents, sealed as they are stored, so that reading what was
// put a moment ago, or is read all the time, does not ask JetStream. Those that were not used
// for longest leave first.
type contentCache struct {
	mu    sync.Mutex
	left  int64 // bytes
	byKey map[contentKey]*list.Element
	used  list.List // of cachedContent, the last used first
}

// A contentKey is where a content is.
type contentKey struct {
	generation uint64 // of the bucket
	entry      uint64
	offset     uint32
}

type cachedContent struct {
	key    contentKey
	sealed []byte
}

// contentOverhead is about what a content takes in memory beside its bytes.
const contentOverhead = 200

func newContentCache(bytes int64) *contentCache {
	return &contentCache{left: bytes, byKey: map[contentKey]*list.Element{}}
}

// add keeps a content, which must not be changed.
func (c *contentCache) add(key contentKey, sealed []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[key] != nil {
		return
	}
	c.left -= int64(len(sealed)) + contentOverhead
	c.byKey[key] = c.used.PushFront(cachedContent{key, sealed})
	for c.left < 0 {
		c.removeLocked(c.used.Back())
	}
}

// get returns a content, nil when it is not there.
func (c *contentCache) get(key contentKey) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		return nil
	}
	c.used.MoveToFront(e)
	return e.Value.(cachedContent).sealed
}

func (c *contentCache) removeLocked(e *list.Element) {
	old := c.used.Remove(e).(cachedContent)
	delete(c.byKey, old.key)
	c.left += int64(len(old.sealed)) + contentOverhead
}

// clear drops all contents.
func (c *contentCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.used.Len() > 0 {
		c.removeLocked(c.used.Back())
	}
}
