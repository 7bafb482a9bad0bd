package jetqueue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"millrace/runtime/queue"
	"millrace/runtime/store/streams"
)

// A contentCache reads contents back from the log, of messages for which the budget
// had no room. A receiver that reads one soon reads its neighbours, so many entries
// are read at once and kept.
type contentCache struct {
	mu       sync.Mutex // held while reading: who needs the neighbours waits for them
	contents map[uint64]storedContent
}

// A storedContent is a content and the name of the key that it was stored under.
type storedContent struct {
	queue.Content
	keyName string
}

const cacheReadEntries = 1024

// clear drops the contents that were not asked for.
func (p *contentCache) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.contents = nil
}

// loadContent returns the content of a message that is in the given entry, or was
// until it was copied and the entry purged.
func (q *Queue) loadContent(ctx context.Context, entry, number uint64) (storedContent, error) {
	c, err := q.cachedContent(ctx, entry, number)
	if err == nil && c.Content != "" {
		return c, nil
	}
	var now uint64
	if e := q.do(ctx, 0, func(m *queue.Machine) { now = m.EntryOf(number) }); e != nil {
		return storedContent{}, e
	}
	if now != 0 && now != entry {
		c, err = q.cachedContent(ctx, now, number)
	}
	if err == nil && c.Content == "" {
		err = fmt.Errorf("not in log entry %d", entry)
	}
	return c, err
}

// cachedContent returns a content that entry holds. Others that were read with it
// are kept until they are asked for.
func (q *Queue) cachedContent(ctx context.Context, entry, number uint64) (storedContent, error) {
	p := &q.contents
	p.mu.Lock()
	defer p.mu.Unlock()
	defer delete(p.contents, number)
	if c, ok := p.contents[number]; ok {
		return c, nil
	}
	p.contents = map[uint64]storedContent{}
	q.queues.readSlots <- struct{}{}
	defer func() { <-q.queues.readSlots }()
	_, err := q.reader.readBatch(ctx, entry, math.MaxInt64, cacheReadEntries, q.queues.readAheadBytes, func(_ uint64, entry []byte) error {
		return q.readContents(entry, p.contents)
	})
	if errors.As(err, new(streams.GapError)) { // the content may have been read before the gap
		err = nil
	}
	if p.contents[number].Content == "" && err == nil && q.queues.router != nil { // the replica that answered may lag
		if whole, e := q.reader.readFromLeader(ctx, entry); e != nil {
			err = e
		} else if whole != nil {
			err = q.readContents(whole, p.contents)
		}
	}
	return p.contents[number], err
}

// readContents adds the contents of an entry to into, by message number. Damaged
// entries are skipped.
func (q *Queue) readContents(entry []byte, into map[uint64]storedContent) error {
	e, err := queue.ReadEntry(entry)
	if err != nil {
		return nil
	}
	opened, err := q.decrypt(&e)
	if err != nil {
		return err
	}
	for number, c := range e.Contents(opened) {
		into[number] = storedContent{c, e.KeyName}
	}
	return nil
}
