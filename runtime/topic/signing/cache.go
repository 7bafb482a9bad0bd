package signing

import (
	"crypto/sha256"
	"sync"
)

// cacheSize is how many signatures are kept at least, once there are as many: about a
// megabyte.
const cacheSize = 1024

// A cache keeps signatures, so that queues which receive the same message share one: a
// signature takes a millisecond. It has two halves. When the young one is full, it becomes
// the old one, whose signatures are kept for as long as they are asked for. The zero cache
// is ready.
type cache struct {
	mu         sync.Mutex
	young, old map[cacheKey]func() (string, error)
}

type cacheKey struct {
	keyID, version string
	text           [sha256.Size]byte
}

// get returns a signature that is kept, or makes it. Callers that ask for the same one at
// once share the making. Errors are not kept.
func (c *cache) get(keyID, version, text string, sign func() (string, error)) (string, error) {
	key := cacheKey{keyID, version, sha256.Sum256([]byte(text))}
	c.mu.Lock()
	get := c.young[key]
	if get == nil {
		if get = c.old[key]; get == nil {
			get = sync.OnceValues(sign)
		}
		c.put(key, get)
	}
	c.mu.Unlock()
	signature, err := get()
	if err != nil {
		c.mu.Lock()
		delete(c.young, key)
		delete(c.old, key)
		c.mu.Unlock()
	}
	return signature, err
}

func (c *cache) put(key cacheKey, get func() (string, error)) {
	if c.young == nil || len(c.young) >= cacheSize {
		c.young, c.old = make(map[cacheKey]func() (string, error), cacheSize), c.young
	}
	c.young[key] = get
}
