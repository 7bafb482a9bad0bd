package policy

import "sync"

// cacheSize is how many documents a Cache keeps.
const cacheSize = 4096

// A Cache keeps the parsed policies of resources, since the same one is evaluated
// at every call. K identifies a resource. The zero Cache is ready, and safe for
// concurrent use.
type Cache[K comparable] struct {
	mu     sync.RWMutex
	parsed map[K]revision
}

type revision struct {
	id  string
	doc *Document
}

// Document returns the policy of a resource. id changes with the policy: a revision,
// or the text itself; "" means that there is none. text is called if the policy is
// not cached. The document is nil if there is no policy, or none that can be read, such
// as one that an older version stored: it grants nothing.
func (c *Cache[K]) Document(of K, id string, text func() (string, error)) *Document {
	if id == "" {
		return nil
	}
	c.mu.RLock()
	known, ok := c.parsed[of]
	c.mu.RUnlock()
	if ok && known.id == id {
		return known.doc
	}
	doc := parsed(text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parsed == nil || len(c.parsed) >= cacheSize {
		c.parsed = map[K]revision{}
	}
	c.parsed[of] = revision{id, doc}
	return doc
}

func parsed(text func() (string, error)) *Document {
	t, err := text()
	if err != nil {
		return nil
	}
	doc, err := Parse(t)
	if err != nil {
		return nil
	}
	return doc
}
