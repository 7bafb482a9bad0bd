package jetqueue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"millrace/runtime/queue"
)

// pages reads contents back from the log, for messages that the budget has no
// room for. Who reads one will soon read its neighbours, so it reads a stretch
// of the log at once and keeps that.
type pages struct {
	mu   sync.Mutex // held while reading: those who want the neighbours wait for them
	read map[uint64]page
}

// A page is a content that was read, and under which key it was stored.
type page struct {
	queue.Content
	key string
}

const pageEntries = 1024

// forget gives back what nobody asked for.
func (p *pages) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = nil
}

// content returns the content of message number, which the entry holds, or held
// until it was copied and the entry purged.
func (q *Queue) content(ctx context.Context, entry, number uint64) (page, error) {
	c, err := q.page(ctx, entry, number)
	if err == nil && c.Content != "" {
		return c, nil
	}
	var now uint64
	if e := q.do(ctx, 0, func(m *queue.Machine) { now = m.EntryOf(number) }); e != nil {
		return page{}, e
	}
	if now != 0 && now != entry {
		c, err = q.page(ctx, now, number)
	}
	if err == nil && c.Content == "" {
		err = fmt.Errorf("entry %d does not have it", entry)
	}
	return c, err
}

// page returns a content, and keeps what was read beside it for those who want
// that: each goes when it was asked for.
func (q *Queue) page(ctx context.Context, entry, number uint64) (page, error) {
	p := &q.pages
	p.mu.Lock()
	defer p.mu.Unlock()
	defer delete(p.read, number)
	if c, ok := p.read[number]; ok {
		return c, nil
	}
	p.read = map[uint64]page{}
	q.set.loads <- struct{}{}
	defer func() { <-q.set.loads }()
	_, err := q.reader.readSome(ctx, entry, math.MaxInt64, pageEntries, q.set.pages, func(_ uint64, entry []byte) error {
		return q.collect(entry, p.read)
	})
	if errors.As(err, new(gapError)) { // its entry may have been read before the gap
		err = nil
	}
	if p.read[number].Content == "" && err == nil && q.set.peers != nil { // a replica that is behind may have answered
		if whole, e := q.reader.ask(ctx, entry); e != nil {
			err = e
		} else if whole != nil {
			err = q.collect(whole, p.read)
		}
	}
	return p.read[number], err
}

// collect reads the contents of an entry, by number. What is no entry is skipped.
func (q *Queue) collect(entry []byte, into map[uint64]page) error {
	e, err := queue.ReadEntry(entry)
	if err != nil {
		return nil
	}
	opened, err := q.read(&e)
	if err != nil {
		return err
	}
	for number, c := range e.Contents(opened) {
		into[number] = page{c, e.KeyName}
	}
	return nil
}
