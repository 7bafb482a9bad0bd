package jetobject

import (
	"bytes"
	"context"

	"millrace/runtime/object"
	"millrace/runtime/object/content"
)

// openInline opens a content that is in the log.
func (r *reader) openInline(p piece) error {
	sealed, err := r.bucket.sealed(r.ctx, p.content)
	if err == nil && sealed == nil { // it was moved to another entry, and its own was purged
		var now object.Object
		if now, err = r.bucket.now(r.ctx, &r.object); err == nil {
			c := now.Content
			if p.part >= 0 {
				c = now.Parts[p.part].Content
			}
			sealed, err = r.bucket.sealed(r.ctx, c)
		}
	}
	if err != nil {
		return err
	}
	if sealed == nil {
		return errLost
	}
	plain, err := content.OpenBytes(r.unwrap, sealed)
	if err != nil {
		return err
	}
	if int64(len(plain)) < p.from+p.n {
		return errLost
	}
	r.now = bytes.NewReader(plain[p.from : p.from+p.n])
	return nil
}

// sealed returns a content as it is stored in the log; nil when it is not there.
func (b *Bucket) sealed(ctx context.Context, c object.Content) ([]byte, error) {
	key := contentKey{b.generation, c.Entry, c.Offset}
	if there := b.buckets.contents.get(key); there != nil {
		return there, nil
	}
	entry, err := b.stream.get(ctx, c.Entry)
	if err != nil {
		return nil, b.unavailable(err)
	}
	if int64(len(entry)) < int64(c.Offset)+int64(c.Length) {
		return nil, nil
	}
	there := bytes.Clone(entry[c.Offset:][:c.Length]) // without the rest of the entry
	b.buckets.contents.add(key, there)
	return there, nil
}
